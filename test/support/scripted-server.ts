import { readFileSync } from "node:fs";
import ssh2, { type Algorithms, type AuthContext, type Connection, type Session } from "ssh2";
import { knownHostsLine, makeKey, type PublicKey } from "./keys.ts";
import { type Listener, listen } from "./listener.ts";
import { Run } from "./scripted-run.ts";
import { announceChannels } from "./ssh-packet.ts";

/** What a test scripts. Everything left out is done as a well-meaning server would. */
export interface Behaviour {
  /** Sent before authentication (RFC 4252, section 5.4). */
  banner?: string;
  /** Its identification after `SSH-2.0-`. */
  ident?: string;
  algorithms?: Algorithms;
  /** A new connection, before any of its messages. */
  connected?(connection: Connection): void;
  /** One attempt; they are counted from 1 on each connection. By default everybody is let in, by any method. */
  authenticate?(context: AuthContext, attempt: number, connection: Connection): void;
  /** Authentication succeeded. */
  ready?(connection: Connection): void;
  /** Whether to open a session channel; they are counted from 1 on each connection. */
  openChannel?(index: number): boolean;
  /** What session channels are announced with. */
  channel?: { window: number; packetSize: number };
  /** A command; by default it writes nothing and exits with 0. */
  exec?(run: Run): unknown;
}

export interface ScriptedServer extends Listener {
  readonly user: "tester";
  readonly hostKeys: readonly PublicKey[];
  knownHosts(host?: string): string;
  /** Every command that was asked for, in order: what ran twice is here twice. */
  readonly runs: readonly Run[];
  /** Every authentication attempt. */
  readonly attempts: readonly { user: string; method: string }[];
  /** Session channels that clients asked for. */
  readonly channels: { asked: number; open: number };
  /** What went wrong with connections, as ssh2 says it. */
  readonly errors: readonly Error[];
}

/** Starts an SSH server in this process that does what the test says. */
export const startScriptedServer = async (behaviour: Behaviour = {}, port?: number): Promise<ScriptedServer> => {
  const key = await makeKey();
  const runs: Run[] = [];
  const attempts: { user: string; method: string }[] = [];
  const errors: Error[] = [];
  const channels = { asked: 0, open: 0 };

  const serve = (connection: Connection) => {
    connection.on("error", (error: Error) => errors.push(error));
    if (behaviour.channel) announceChannels(connection, behaviour.channel.window, behaviour.channel.packetSize);
    behaviour.connected?.(connection);
    let attempt = 0;
    connection.on("authentication", (context) => {
      attempts.push({ user: context.username, method: context.method });
      attempt++;
      if (behaviour.authenticate) behaviour.authenticate(context, attempt, connection);
      else context.accept();
    });
    connection.on("ready", () => behaviour.ready?.(connection));
    let asked = 0;
    connection.on("session", (accept, reject) => {
      asked++;
      channels.asked++;
      if (behaviour.openChannel?.(asked) === false) return reject();
      const session = accept();
      channels.open++;
      session.on("close", () => {
        channels.open--;
      });
      offerCommands(session, connection);
    });
  };

  const offerCommands = (session: Session, connection: Connection) => {
    const environment = new Map<string, string>();
    const signals: string[] = [];
    let pty = false;
    session.on("env", (accept, _reject, { key, val }) => {
      environment.set(key, val);
      accept?.();
    });
    session.on("pty", (accept) => {
      pty = true;
      accept?.();
    });
    session.on("signal", (accept, _reject, { name }) => {
      signals.push(name);
      accept?.();
    });
    session.on("exec", (accept, reject, { command }) => {
      const run = new Run(command, environment, pty, signals, connection, accept, reject);
      runs.push(run);
      if (behaviour.exec) behaviour.exec(run);
      else run.finish(0);
    });
  };

  const server = new ssh2.Server(
    {
      hostKeys: [readFileSync(key.path)],
      ...(behaviour.banner === undefined ? {} : { banner: behaviour.banner }),
      ...(behaviour.ident === undefined ? {} : { ident: behaviour.ident }),
      ...(behaviour.algorithms === undefined ? {} : { algorithms: behaviour.algorithms }),
    },
    serve,
  );
  const listener = await listen((socket) => server.injectSocket(socket), { port, allowHalfOpen: false });
  return {
    ...listener,
    user: "tester",
    hostKeys: [key],
    knownHosts: (host = "127.0.0.1") => knownHostsLine(host, listener.port, key),
    runs,
    attempts,
    channels,
    errors,
  };
};
