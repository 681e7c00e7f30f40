import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { KeyPair } from "./keys.ts";
import { tempDir } from "./temp.ts";

interface Server {
  host: string;
  port: number;
  user: string;
  knownHosts(): string;
}

/**
 * The system's ssh, as the oracle: argv up to the destination, reading no configuration but this, trusting the
 * server's keys, and never asking. Append the command.
 */
export const sshArguments = (server: Server, key: KeyPair | null, options: readonly string[] = []): string[] => {
  const knownHosts = join(tempDir("ssh"), "known_hosts");
  writeFileSync(knownHosts, server.knownHosts());
  const identity = key === null ? [] : ["-o", "IdentitiesOnly=yes", "-i", key.path];
  const given = options.flatMap((option) => ["-o", option]);
  const fixed = ["BatchMode=yes", `UserKnownHostsFile=${knownHosts}`, "GlobalKnownHostsFile=none", "LogLevel=ERROR"];
  return [
    ...["ssh", "-F", "none", ...given, ...identity],
    ...fixed.flatMap((option) => ["-o", option]),
    ...["-p", String(server.port), `${server.user}@${server.host}`],
  ];
};
