/** Servers, and an ssh_config that leads to them one through the other. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { OpenRequest } from "../../../src/core/session.ts";
import { type KeyPair, makeKey } from "../../support/keys.ts";
import { type Sshd, type SshdOptions, startSshd } from "../../support/sshd.ts";
import { tempDir } from "../../support/temp.ts";
import { requestFor } from "../sessions/sessions.ts";

export interface JumpHost extends Sshd {
  /** The one key that logs in. */
  key: KeyPair;
}

/** A server with a host key and a key to log in of its own. */
export const startJumpHost = async (options: SshdOptions = {}): Promise<JumpHost> => {
  const key = await makeKey();
  return { ...(await startSshd({ ...options, authorizedKeys: [key.line] })), key };
};

export interface HostBlock {
  server: JumpHost;
  /** Lines; they come before the usual ones. */
  lines?: readonly string[];
  port?: number;
}

export class SshConfig {
  readonly directory = tempDir("jumps");
  readonly path = join(this.directory, "config");
  readonly knownHosts = join(this.directory, "known_hosts");

  /** Every host with its own user, port and key; all of their host keys are known. */
  write(hosts: Readonly<Record<string, HostBlock>>, first = ""): void {
    const blocks = Object.entries(hosts).map(([alias, { server, lines = [], port }]) =>
      [
        `Host ${alias}`,
        ...[...lines, "HostName 127.0.0.1", `Port ${port ?? server.port}`, `User ${server.user}`].map(
          (line) => `  ${line}`,
        ),
        `  IdentityFile ${server.key.path}`,
        "  IdentitiesOnly yes",
        `  UserKnownHostsFile ${this.knownHosts}`,
        "  StrictHostKeyChecking yes",
        "",
      ].join("\n"),
    );
    writeFileSync(this.path, `${first}${blocks.join("")}`, { mode: 0o600 });
    const ports = Object.values(hosts).map(({ server, port }) => ({ server, port: port ?? server.port }));
    const lines = ports.flatMap(({ server, port }) =>
      server.hostKeys.map((key) => `[127.0.0.1]:${port} ${key.line}\n`),
    );
    writeFileSync(this.knownHosts, [...new Set(lines)].join(""));
  }

  /** With this configuration, and nothing beside it. */
  request(destination: string, extra: Partial<OpenRequest> = {}): OpenRequest {
    return requestFor(destination, { configFile: this.path, options: [], ...extra });
  }
}

/** Logins that a server has let through. */
export const logins = (server: Sshd): number => server.log().split("Accepted publickey").length - 1;
/** TCP connections that it has had. */
export const connections = (server: Sshd): number => server.log().split("Connection from ").length - 1;
