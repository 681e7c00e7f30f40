/** `ssh -G` as the judge of ssh_config(5): its whole output, or the lines that it complains about. */
import { askedWorld } from "../../../../src/broker/logins/asked-world.ts";
import { AskedFacts } from "../../../../src/config/ssh-config/asked-facts.ts";
import { type AlgorithmSets, effectiveOptions } from "../../../../src/config/ssh-config/listing/effective-options.ts";
import { type HostEnvironment, type HostRequest, resolve } from "../../../../src/config/ssh-config/resolve.ts";
import type { ResolvedHost } from "../../../../src/config/ssh-config/resolved-host.ts";
import { opensshAlgorithms, opensshDefaults } from "../../../../src/config/ssh-config/values/algorithm-list.ts";
import { SshMcpError } from "../../../../src/core/errors.ts";
import { accounts, localUser } from "../../../../src/files/passwd.ts";
import { cleanEnv, runCommand } from "../../../support/command.ts";
import type { TemporaryUser } from "../../../support/users.ts";

/** ssh takes the home directory from passwd, whatever $HOME says. */
export const passwdHome = accounts().find((account) => account.uid === process.getuid?.())?.home ?? "/";

const env = { SSH_MCP_TEST: "/from the environment" };
const shellEnv = { ...cleanEnv, ...env };

export const oracleEnvironment: HostEnvironment = {
  home: passwdHome,
  cwd: "/nowhere",
  localUser: localUser(),
  variables: new Map(Object.entries(env)),
};

const hostKeys = { defaults: opensshDefaults.hostKey, supported: opensshAlgorithms.hostKey };

/** As if we could do all that ssh can. */
export const opensshSets: AlgorithmSets = {
  ciphers: { defaults: opensshDefaults.cipher, supported: opensshAlgorithms.cipher },
  macs: { defaults: opensshDefaults.mac, supported: opensshAlgorithms.mac },
  kexalgorithms: { defaults: opensshDefaults.kex, supported: opensshAlgorithms.kex },
  hostkeyalgorithms: hostKeys,
  pubkeyacceptedalgorithms: hostKeys,
  hostbasedacceptedalgorithms: hostKeys,
  casignaturealgorithms: {
    defaults: opensshDefaults.caSignature,
    supported: opensshAlgorithms.hostKey.filter((name) => !name.includes("-cert-")),
  },
};

/** What is asked, in the words of ssh's command line. */
export interface Question {
  /** Null for the files that are read when none is named. */
  file: string | null;
  host: string;
  options?: readonly string[];
  identityFiles?: readonly string[];
  user?: string | null;
  port?: number | null;
  /** Who asks; the one who runs the test by default. */
  account?: Pick<TemporaryUser, "name" | "uid" | "home">;
}

export const environmentOf = ({ account }: Question): HostEnvironment =>
  account === undefined ? oracleEnvironment : { ...oracleEnvironment, home: account.home, localUser: account.name };

export const requestOf = (question: Question): HostRequest => ({
  host: question.host,
  user: question.user ?? null,
  port: question.port ?? null,
  identityFiles: question.identityFiles ?? [],
  configFile: question.file,
  options: question.options ?? [],
});

/** Either all lines of `ssh -G`, or where the first complaint is about: `FILE:LINE`, `-o`, or null for one without a place. */
export type Answer = { lines: string[] } | { refused: string | null };

export const askSsh = async (question: Question): Promise<Answer> => {
  const { file, host, options = [], identityFiles = [], user = null, port = null } = question;
  const given = [
    ...identityFiles.flatMap((path) => ["-i", path]),
    ...options.flatMap((option) => ["-o", option]),
    ...(user === null ? [] : ["-l", user]),
    ...(port === null ? [] : ["-p", String(port)]),
  ];
  const { account } = question;
  const as =
    account === undefined ? [] : ["setpriv", `--reuid=${account.uid}`, `--regid=${account.uid}`, "--clear-groups"];
  const from = file === null ? [] : ["-F", file];
  const outcome = await runCommand([...as, "ssh", "-G", ...from, ...given, "--", host], { cwd: "/", env });
  if (outcome.status === 0) return { lines: outcome.stdout.trimEnd().split("\n") };
  // An unsupported option is a warning.
  const place = /^(.*?):? line (\d+):? (?!Unsupported option ")/m.exec(outcome.stderr);
  if (place === null) return { refused: null };
  return { refused: place[1] === "command-line" ? "-o" : `${place[1]}:${place[2]}` };
};

export interface OurAnswer {
  answer: Answer;
  /** What connecting goes by; null when refused. */
  host: ResolvedHost | null;
  message: string;
}

const refusals: ReadonlySet<string> = new Set(["CONFIG_INVALID", "INVALID_INPUT", "DNS_FAILED", "PRECONDITION_FAILED"]);

/** Our answer. Anything but a refusal of what is written is a failure. */
export const askUs = async (question: Question): Promise<OurAnswer> => {
  // The very way on which a caller's world is asked.
  const variables = async (names: readonly string[] | "all"): Promise<Record<string, string>> =>
    names === "all" ? shellEnv : Object.fromEntries(Object.entries(env).filter(([name]) => names.includes(name)));
  const facts = new AskedFacts(
    askedWorld({ caller: { face: "cli", client: "test", cwd: "/", agentSocket: null }, variables }),
  );
  try {
    return await facts.resolve((known) => {
      const resolution = resolve(requestOf(question), { ...environmentOf(question), ...known });
      const options = effectiveOptions(resolution, opensshSets);
      const lines = options.map(({ name, value }) => `${name} ${value}`);
      return { answer: { lines }, host: resolution.host, message: "" };
    });
  } catch (error) {
    if (!(error instanceof SshMcpError) || !refusals.has(error.code)) throw error;
    const place = /^(\/.*?:\d+|-o)(?=: )/s.exec(error.message)?.[1] ?? null;
    return { answer: { refused: place }, host: null, message: error.message };
  }
};
