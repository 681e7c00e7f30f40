/** The one configuration that ssh and ssh-mcp both read. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Sshd } from "../test/support/sshd.ts";

export interface ConfigFacts {
  user: string;
  /** The private key's file. */
  identity: string;
  sshd: Sshd;
  /** The port on loopback behind each alias. */
  ports: Readonly<Record<string, number>>;
}

/** @returns the path of the config: ssh reads no $HOME and is given it with -F */
export const writeConfig = (home: string, { user, identity, sshd, ports }: ConfigFacts): string => {
  const folder = join(home, ".ssh");
  mkdirSync(folder, { mode: 0o700 });
  const knownHosts = join(folder, "known_hosts");
  const line = sshd.knownHosts();
  const lines = Object.values(ports).map((port) => line.replaceAll(`:${sshd.port} `, `:${port} `));
  writeFileSync(knownHosts, lines.join(""));
  const config = join(folder, "config");
  const hosts = Object.entries(ports).map(([alias, port]) => `Host ${alias}\n  Port ${port}\n`);
  const common = [
    // Not `Host *`: every name would then be a host, and none free for a session.
    `Host ${Object.keys(ports).join(" ")}`,
    "HostName 127.0.0.1",
    `User ${user}`,
    `IdentityFile ${identity}`,
    "IdentitiesOnly yes",
    `UserKnownHostsFile ${knownHosts}`,
    "GlobalKnownHostsFile /dev/null",
    "StrictHostKeyChecking yes",
  ];
  writeFileSync(config, `${hosts.join("")}${common.join("\n  ")}\n`);
  return config;
};
