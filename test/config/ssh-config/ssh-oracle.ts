/** `ssh -G` as the judge of ssh_config(5). */
import { type HostEnvironment, resolveHost } from "../../../src/config/ssh-config/resolve.ts";
import type { ResolvedHost } from "../../../src/config/ssh-config/resolved-host.ts";
import { SshMcpError } from "../../../src/core/errors.ts";
import { accounts, localUser } from "../../../src/files/passwd.ts";
import { expandTilde } from "../../../src/files/paths.ts";
import { runCommand } from "../../support/command.ts";

/** ssh takes the home directory from passwd, whatever $HOME says. */
const passwdHome = accounts().find((account) => account.uid === process.getuid?.())?.home ?? "/";

const env = { SSH_MCP_TEST: "from the environment" };

export const oracleEnvironment: HostEnvironment = {
  home: passwdHome,
  cwd: "/nowhere",
  localUser: localUser(),
  variables: new Map(Object.entries(env)),
};

/** What both sides are asked about a host. */
export interface Answer {
  hostname: string;
  port: number;
  user: string;
  identityFiles: string[];
  identitiesOnly: boolean;
  /** With a space between, as ssh prints them; `none` when there are none. */
  userKnownHostsFiles: string;
  globalKnownHostsFiles: string;
  strictHostKeyChecking: string;
  hashKnownHosts: boolean;
}

/** ssh's answer, or null when it refuses the file. */
export const askSsh = async (file: string, host: string, options: readonly string[] = []): Promise<Answer | null> => {
  const given = options.flatMap((option) => ["-o", option]);
  const outcome = await runCommand(["ssh", "-G", "-F", file, ...given, "--", host], { cwd: "/", env });
  if (outcome.status !== 0) return null;
  const text = outcome.stdout;
  const values = (keyword: string): string[] =>
    text
      .split("\n")
      .filter((line) => line.startsWith(`${keyword} `))
      .map((line) => line.slice(keyword.length + 1));
  const value = (keyword: string): string => values(keyword)[0] ?? "";
  const identityFiles = values("identityfile")
    .filter((path) => path.toLowerCase() !== "none")
    .map((path) => expandTilde(path, passwdHome) ?? path)
    .map((path) => (path.startsWith("/") ? path : `${oracleEnvironment.cwd}/${path}`));
  return {
    hostname: value("hostname"),
    port: Number(value("port")),
    user: value("user"),
    identityFiles: [...new Set(identityFiles)],
    identitiesOnly: value("identitiesonly") === "yes",
    userKnownHostsFiles: value("userknownhostsfile"),
    globalKnownHostsFiles: value("globalknownhostsfile"),
    strictHostKeyChecking:
      { true: "yes", false: "no" }[value("stricthostkeychecking")] ?? value("stricthostkeychecking"),
    hashKnownHosts: value("hashknownhosts") === "yes",
  };
};

/** Our answer, or null when we refuse the file as malformed. Anything else that is thrown is a failure. */
export const askUs = (file: string, host: string, options: readonly string[] = []): Answer | null => {
  let resolved: ResolvedHost;
  try {
    const request = { host, user: null, port: null, identityFiles: [], configFile: file, options };
    resolved = resolveHost(request, oracleEnvironment);
  } catch (error) {
    if (error instanceof SshMcpError && (error.code === "CONFIG_INVALID" || error.code === "INVALID_INPUT"))
      return null;
    throw error;
  }
  return {
    hostname: resolved.hostname,
    port: resolved.port,
    user: resolved.user,
    identityFiles: [...resolved.identityFiles],
    identitiesOnly: resolved.identitiesOnly,
    userKnownHostsFiles: resolved.userKnownHostsFiles.join(" ") || "none",
    globalKnownHostsFiles: resolved.globalKnownHostsFiles.join(" ") || "none",
    strictHostKeyChecking: resolved.strictHostKeyChecking,
    hashKnownHosts: resolved.hashKnownHosts,
  };
};
