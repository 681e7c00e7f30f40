/** What the system's ssh says to a host key: the oracle. It talks to a server of its own, through a pipe. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { runCommand } from "../../support/command.ts";
import type { KeyPair } from "../../support/keys.ts";
import { tempDir } from "../../support/temp.ts";

export interface Shown {
  hostKey: KeyPair;
  /** The file of its certificate, or null. */
  certificate: string | null;
}

export interface Asked {
  alias: string;
  userFile: string;
  globalFile?: string;
  /** `Keyword=value` */
  options?: readonly string[];
}

export type Verdict = "accepted" | "unknown" | "changed" | "revoked" | "refused";

/** With StrictHostKeyChecking yes; nobody logs in. */
export const sshVerdict = async ({ hostKey, certificate }: Shown, asked: Asked): Promise<Verdict> => {
  const config = join(tempDir("oracle"), "sshd_config");
  const lines = [`HostKey ${hostKey.path}`, ...(certificate === null ? [] : [`HostCertificate ${certificate}`])];
  writeFileSync(config, `${[...lines, "PidFile none", "StrictModes no", "LogLevel QUIET"].join("\n")}\n`);
  const fixed = [
    ...["BatchMode=yes", "PreferredAuthentications=none", `HostKeyAlias=${asked.alias}`, "StrictHostKeyChecking=yes"],
    ...[`UserKnownHostsFile=${asked.userFile}`, `GlobalKnownHostsFile=${asked.globalFile ?? "none"}`],
    `ProxyCommand=/usr/sbin/sshd -i -f ${config}`,
  ];
  const options = [...(asked.options ?? []), ...fixed].flatMap((option) => ["-o", option]);
  const { stderr } = await runCommand(["ssh", "-F", "none", ...options, "nobody@oracle", "true"]);
  if (/Permission denied/.test(stderr)) return "accepted";
  if (/REVOKED HOST KEY|revoked by file/.test(stderr)) return "revoked";
  if (/HOST IDENTIFICATION HAS CHANGED/.test(stderr)) return "changed";
  if (/No \S+ host key is known/.test(stderr)) return "unknown";
  if (/Host key verification failed|Error checking host key/.test(stderr)) return "refused";
  throw new Error(`ssh said: ${stderr}`);
};
