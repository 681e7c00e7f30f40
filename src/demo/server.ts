/** The SSH server that the demo talks to: on loopback alone, for one key alone, for commands alone. */
import { timingSafeEqual } from "node:crypto";
import ssh2, { type AuthContext, type Connection, type ParsedKey } from "ssh2";
import { errorCode } from "../core/error-code.ts";
import { SshMcpError } from "../core/errors.ts";
import { makeKeyPair } from "./key-pair.ts";
import { runServerCommand, type ServerCommand } from "./server-command.ts";

export interface DemoServer {
  readonly port: number;
  /** Its public key, as a line of known_hosts has it behind the host's name. */
  readonly hostKey: string;
  /** What it has seen so far. */
  readonly seen: { logins: number; commands: number };
  /** Clients that are connected now. */
  readonly connected: number;
  /** Closes every connection, ends every command, and resolves when they are gone. */
  stop(): Promise<void>;
}

export interface DemoServerOptions {
  user: string;
  /** The one public key that may log in, in OpenSSH's text form. */
  authorizedKey: string;
  /** For the commands it runs. */
  env: Record<string, string>;
  cwd: string;
}

/** @throws SshMcpError SANDBOX_BLOCKED where nothing can listen on 127.0.0.1 */
export const startServer = async (options: DemoServerOptions): Promise<DemoServer> => {
  const hostKey = makeKeyPair();
  const seen = { logins: 0, commands: 0 };
  const connections = new Set<Connection>();
  const commands = new Set<ServerCommand>();
  const authorized = parsed(options.authorizedKey);

  const server = new ssh2.Server({ hostKeys: [hostKey.private] }, (connection) => {
    connections.add(connection);
    const own = new Set<ServerCommand>();
    connection.on("close", () => {
      connections.delete(connection);
      // Nobody is left to read what they say.
      for (const command of own) command.kill();
    });
    // A client that is killed in the middle is a part of the show.
    connection.on("error", () => undefined);
    connection.on("authentication", (context) => {
      if (isAuthorized(context, options.user, authorized)) context.accept();
      else context.reject(["publickey"]);
    });
    connection.on("ready", () => {
      seen.logins++;
    });
    connection.on("session", (accept) => {
      offerCommands(accept(), options, (command) => {
        seen.commands++;
        for (const running of [own, commands]) {
          running.add(command);
          void command.ended.then(() => running.delete(command));
        }
      });
    });
  });
  const port = await listen(server);
  return {
    port,
    hostKey: hostKey.public,
    seen,
    get connected() {
      return connections.size;
    },
    stop: async () => {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      for (const connection of connections) connection.end();
      for (const command of commands) command.kill();
      await Promise.all([closed, ...[...commands].map(({ ended }) => ended)]);
    },
  };
};

const offerCommands = (
  session: ssh2.Session,
  { env, cwd }: DemoServerOptions,
  begun: (command: ServerCommand) => void,
): void => {
  // ssh2 1.17.0 knows a session on which nothing runs by the name of its class, which a minified program has cut short: its end would throw.
  Object.defineProperty(session.constructor, "name", { value: "Session" });
  const given: Record<string, string> = {};
  let command: ServerCommand | null = null;
  session.on("env", (accept, reject, { key, val }) => {
    // As Debian's `AcceptEnv LANG LC_*`.
    if (!/^(LANG|LC_\w+)$/.test(key)) return reject?.();
    given[key] = val;
    accept?.();
  });
  session.on("exec", (accept, _reject, { command: line }) => {
    const channel = accept();
    command = runServerCommand(channel, line, { env: { ...env, ...given }, cwd });
    begun(command);
  });
  session.on("signal", (accept, _reject, { name }) => {
    command?.signal(name);
    accept?.();
  });
  session.on("close", () => command?.kill());
};

/** RFC 4252, section 7: first without a signature, to ask whether the key will do. */
const isAuthorized = (context: AuthContext, user: string, authorized: ParsedKey): boolean => {
  if (context.method !== "publickey" || context.username !== user) return false;
  const { algo, data } = context.key;
  const wanted = authorized.getPublicSSH();
  if (algo !== authorized.type || data.length !== wanted.length || !timingSafeEqual(data, wanted)) return false;
  if (context.signature === undefined) return true;
  return context.blob !== undefined && authorized.verify(context.blob, context.signature) === true;
};

const parsed = (publicKey: string): ParsedKey => {
  const key = ssh2.utils.parseKey(publicKey);
  if (key instanceof Error) throw key;
  return key;
};

/** @returns the port, which was reached once: some sandboxes let a process listen and let nobody in */
const listen = async (server: ssh2.Server): Promise<number> => {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  server.once("error", reject);
  server.listen(0, "127.0.0.1", resolve);
  try {
    await promise;
    const address = server.address();
    if (typeof address !== "object" || address === null) throw new Error("a TCP server without a port");
    const probe = await Bun.connect({ hostname: "127.0.0.1", port: address.port, socket: { data: () => undefined } });
    probe.end();
    return address.port;
  } catch (cause) {
    server.close();
    const message = `no server can be reached at 127.0.0.1 here (${errorCode(cause)}), and the demo needs one`;
    throw new SshMcpError("SANDBOX_BLOCKED", message, { hint: "ssh-mcp connect HOST", cause });
  }
};
