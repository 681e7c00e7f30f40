/** Where the demo takes place: a home of its own, which no file, agent or broker of the user's is reached from. */
import { constants } from "node:fs";
import { access, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { errorCode } from "../core/error-code.ts";
import { SshMcpError } from "../core/errors.ts";
import { shown } from "../core/escape.ts";
import { childEnvironment } from "../files/self.ts";
import { makeKeyPair } from "./key-pair.ts";

export interface DemoPlace {
  /** The home: everything is in it. */
  readonly home: string;
  /** For this program's own processes. */
  readonly environment: Readonly<Record<string, string>>;
  /** The public half of the key that logs in, in OpenSSH's text form. */
  readonly publicKey: string;
  /** Writes what a person's ~/.ssh would hold: the alias `demo`, the key, and the host key that was accepted once. */
  describeServer(server: { port: number; hostKey: string; user: string }): Promise<void>;
  /** Processes that were started with this place as their own, and still run. */
  processes(): Promise<number[]>;
  remove(): Promise<void>;
}

/** Bytes of a path below which the broker's socket still fits: else it would lie elsewhere, see brokerPlace. */
const longestFolder = 50;

/** @throws SshMcpError LOCAL_IO when there is no room for it, UNSUPPORTED without /bin/sh */
export const makePlace = async (): Promise<DemoPlace> => {
  await access("/bin/sh", constants.X_OK).catch((cause: unknown) => {
    const message = `there is no /bin/sh to run commands with (${errorCode(cause)})`;
    throw new SshMcpError("UNSUPPORTED", message, { hint: "ls -l /bin/sh", cause });
  });
  const key = makeKeyPair();
  const folder = Buffer.byteLength(tmpdir()) > longestFolder ? "/tmp" : tmpdir();
  const home = await mkdtemp(join(folder, "ssh-mcp-")).catch((cause: unknown) => {
    throw cannotWrite(folder, cause);
  });
  const base = join(home, "state");
  const environment = { ...childEnvironment(), HOME: home, SSH_MCP_DIR: base };
  return {
    home,
    environment,
    publicKey: key.public,
    describeServer: async ({ port, hostKey, user }) => {
      const folder = join(home, ".ssh");
      const files = {
        config: configText(port, user),
        id_demo: key.private,
        known_hosts: `[127.0.0.1]:${port} ${hostKey}\n`,
      };
      try {
        await mkdir(folder, { mode: 0o700 });
        for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text, { mode: 0o600 });
      } catch (cause) {
        throw cannotWrite(folder, cause);
      }
    },
    processes: () => processesWith(`SSH_MCP_DIR=${base}`),
    remove: () => rm(home, { recursive: true, force: true, maxRetries: 3 }),
  };
};

/** The last lines keep the system's own configuration out: a value that comes first wins. */
const configText = (port: number, user: string): string => `Host demo
  HostName 127.0.0.1
  Port ${port}
  User ${user}
  IdentityFile ~/.ssh/id_demo
  IdentitiesOnly yes
  UserKnownHostsFile ~/.ssh/known_hosts
  GlobalKnownHostsFile /dev/null
  StrictHostKeyChecking yes
  ProxyCommand none
`;

const cannotWrite = (path: string, cause: unknown): SshMcpError =>
  new SshMcpError("LOCAL_IO", `the demo's own folder cannot be made in ${shown(path)} (${errorCode(cause)})`, {
    hint: "TMPDIR=/var/tmp ssh-mcp demo",
    cause,
  });

/** From /proc, which tells a process that was started a moment ago from all others. None are found where there is no /proc. */
const processesWith = async (variable: string): Promise<number[]> => {
  const names = await readdir("/proc").catch(() => []);
  const found = names
    .filter((name) => /^\d+$/.test(name))
    .map(async (name) => {
      const environment = await readFile(`/proc/${name}/environ`, "latin1").catch(() => "");
      return environment.split("\0").includes(variable) ? [Number(name)] : [];
    });
  return (await Promise.all(found)).flat();
};
