/**
 * The command line over the real dispatch and the real frames, with a server that is played: what it is told to run decides what
 * it does. Started as a process of its own, so that streams, signals and terminals are real ones.
 * FAKE_LOG names a file that gets one JSON line for every request that reaches the sessions.
 */
import { appendFileSync, writeSync } from "node:fs";
import { createDispatch } from "../../src/broker/dispatch.ts";
import { serveLocally } from "../../src/broker/local.ts";
import { runCli } from "../../src/cli/run.ts";
import { processWorld } from "../../src/cli/world.ts";
import { parseDestination } from "../../src/core/destination.ts";
import { SshMcpError } from "../../src/core/errors.ts";
import type {
  CallScope,
  CommandRequest,
  CommandResult,
  DialRequest,
  LoginQuestion,
  Session,
  SessionInfo,
  Sessions,
} from "../../src/core/session.ts";
import { operations } from "../../src/operations/index.ts";

const encoder = new TextEncoder();

type Facts = Partial<CommandResult>;
type Play = (words: string[], request: CommandRequest, scope: CallScope) => Promise<Facts>;

const untilAborted = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) resolve();
    signal.addEventListener("abort", () => resolve(), { once: true });
  });

const say = (request: CommandRequest, text: string): Promise<void> => request.stdout.write(encoder.encode(text));

/** For a test that cannot see the output. */
const ready = (): void => {
  if (process.env["FAKE_READY"] !== undefined) writeSync(2, "ready\n");
};

const question = (kind: LoginQuestion["kind"], text: string, echo: boolean): LoginQuestion => ({
  wanted: "a password",
  connectCommand: "ssh-mcp connect user@host",
  kind,
  text,
  echo,
  destination: "user@host",
});

const plays: Readonly<Record<string, Play>> = {
  echo: async (words, request) => {
    await say(request, `${words.join(" ")}\n`);
    return {};
  },
  err: async (words, request) => {
    await request.stderr.write(encoder.encode(`${words.join(" ")}\n`));
    return {};
  },
  bytes: async (_words, request) => {
    await request.stdout.write(Uint8Array.from({ length: 256 }, (_, index) => index));
    return {};
  },
  exit: async ([status = "0"]) => ({ exitCode: Number(status) }),
  kill: async ([signal = "TERM"]) => ({ outcome: "signaled", exitCode: null, signal }),
  cat: async (_words, { stdin, stdout }) => {
    for await (const chunk of stdin) await stdout.write(chunk);
    return {};
  },
  /** So many MiB, of which the reader can tell each byte. */
  flood: async ([mebibytes = "1"], { stdout, stderr }, { signal }) => {
    const block = Uint8Array.from({ length: 1024 * 1024 }, (_, index) => (index * 31 + (index >> 8)) & 255);
    ready();
    for (let sent = 0; sent < Number(mebibytes) && !signal.aborted; sent++) await stdout.write(block);
    await stderr.write(encoder.encode("flooded\n"));
    return {};
  },
  forever: async (_words, request, { signal }) => {
    await say(request, "ready\n");
    ready();
    await untilAborted(signal);
    return { outcome: "canceled", exitCode: null, stopped: "confirmed" };
  },
  /** Does not even end when it is told to. */
  stubborn: async (_words, request) => {
    await say(request, "ready\n");
    await new Promise(() => {});
    return {};
  },
  late: async () => ({ outcome: "timedOut", exitCode: null, stopped: "dispatched", durationMs: 2345 }),
  lost: async () => ({ outcome: "unknown", exitCode: null, reason: "the link broke" }),
  refuse: async ([code = "CONNECT_REFUSED"]) => {
    throw SshMcpError.fromRecord({ code, message: "host: \u001b[2Jrefused\nssh-mcp: all is well", hint: "ssh-mcp ls" });
  },
  password: async (_words, request, scope) => {
    const answer = await scope.ask(question("password", "\u001b]0;evil\u0007user@host's password:", false));
    await say(request, `got ${JSON.stringify(answer)}\n`);
    return {};
  },
  confirm: async (_words, request, scope) => {
    const answer = await scope.ask(question("host-key", "The key is new.\nGo on (yes/no)?", true));
    await say(request, `got ${JSON.stringify(answer)}\n`);
    return {};
  },
  /** A question, and then the rest of standard input. */
  login: async (words, request, scope) => {
    const first = await scope.ask(question("password", "Password:", false));
    const second = await scope.ask(question("keyboard-interactive", "Code:", false));
    await say(request, `got ${first} ${second}\n`);
    return (await plays["cat"]?.(words, request, scope)) ?? {};
  },
  caller: async (_words, request, { caller }) => {
    await say(request, `${JSON.stringify(caller)}\n`);
    return {};
  },
};

const log = (entry: unknown): void => {
  const file = process.env["FAKE_LOG"];
  if (file !== undefined) appendFileSync(file, `${JSON.stringify(entry)}\n`);
};

const infoOf = ({ destination }: DialRequest, changes: Partial<SessionInfo> = {}): SessionInfo => {
  const { host, port, user } = parseDestination(destination);
  return {
    name: host,
    destination,
    host,
    port: port ?? 22,
    user: user ?? "me",
    state: "live",
    running: 0,
    ageMs: 61_000,
    idleMs: 1000,
    expiresInMs: 840_000,
    openedBy: { face: "cli", client: "cli" },
    lent: true,
    title: null,
    needsPerson: false,
    ...changes,
  };
};

const sessionOf = (info: SessionInfo): Session => ({
  info,
  exec: async (request, scope) => {
    log({ exec: request.command, timeoutMs: request.timeoutMs });
    const [name = "", ...words] = request.command.split(" ");
    const facts = (await plays[name]?.(words, request, scope)) ?? { exitCode: 127 };
    return {
      outcome: "exited",
      exitCode: 0,
      signal: null,
      stopped: null,
      durationMs: 5,
      stdoutBytes: 0,
      stderrBytes: 0,
      reason: null,
      ...facts,
    };
  },
});

const sessions: Sessions = {
  open: async (request) => {
    log({ open: request });
    return {
      info: infoOf(request, { title: request.title }),
      reused: false,
      authMethod: "publickey",
      hostKey: "SHA256:key",
      banner: "\u001b[31mwelcome",
      createdAt: new Date(0),
      expiresAt: null,
    };
  },
  use: async (request) => {
    log({ use: request });
    return sessionOf(infoOf(request));
  },
  list: () => {
    log({ list: true });
    const request = {
      destination: "web",
      user: null,
      port: null,
      identityFiles: [],
      configFile: null,
      options: [],
      timeoutMs: null,
    };
    const { FAKE_SESSIONS } = process.env;
    if (FAKE_SESSIONS === undefined) return [];
    return [
      infoOf(request, { title: "\u001b[2Jthe web" }),
      infoOf(
        { ...request, destination: "root@db:2222" },
        { expiresInMs: null, needsPerson: true, lent: false, running: 2 },
      ),
    ];
  },
  close: async (names) => {
    log({ close: names });
    return names === "all" ? ["web", "db"] : [...names];
  },
};

const openBroker = async () => serveLocally(createDispatch({ operations, sessions, rules: [] }));

const status = await runCli(process.argv.slice(2), processWorld(openBroker));
log({ maxRssMiB: Math.round(process.resourceUsage().maxRSS / 1024) });
process.exit(status);
