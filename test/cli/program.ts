/**
 * The command line over the real dispatch and the real frames, with a server that is played: what it is told to run decides what
 * it does. Started as a process of its own, so that streams, signals and terminals are real ones.
 * FAKE_LOG names a file that gets one JSON line for every request that reaches the sessions.
 */
import { appendFileSync } from "node:fs";
import { createDispatch } from "../../src/broker/process/dispatch.ts";
import { serveLocally } from "../../src/broker/process/local.ts";
import { runCli } from "../../src/cli/run.ts";
import { type Broker, type BrokerChoice, type BrokerControl, processWorld } from "../../src/cli/world.ts";
import { parseDestination } from "../../src/core/destination.ts";
import type { DialRequest } from "../../src/core/dial-request.ts";
import type { Session, SessionInfo, Sessions } from "../../src/core/session.ts";
import { release } from "../../src/core/version.ts";
import { operations } from "../../src/operations/index.ts";
import { FakeHosts } from "../operations/fake-hosts.ts";
import { plays } from "./plays.ts";

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
  unlock: async () => true,
  relock: () => true,
  files: () => Promise.reject(new Error("no files here")),
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

const destinationOf = (destination: string): DialRequest => ({
  destination,
  user: null,
  port: null,
  identityFiles: [],
  configFile: null,
  options: [],
  timeoutMs: null,
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
  calls: () => {
    log({ calls: true });
    if (process.env["FAKE_SESSIONS"] === undefined) return [];
    const by = { face: "mcp", client: "editor 1.0" } as const;
    return [{ id: "7", session: "db", command: "tail -f \u001b[2Jlog", startedAt: new Date(Date.now() - 61_000), by }];
  },
  hostKeys: {
    trust: async (request, fingerprint) => {
      log({ trust: request, fingerprint });
      return { host: request.destination, port: 22, name: request.destination, keys: [], file: null };
    },
  },
  pending: {
    list: () => [],
    answered: async () => ({ how: "absent" }),
  },
  secrets: {
    place: async (of) => {
      log({ place: of });
      const account = "deploy@web:22";
      const keep = async (secret: string) => log({ keep: secret });
      return { account, what: `the password of ${account}`, mayKeep: async () => {}, keep, forget: async () => true };
    },
  },
  lend: async (name, lent) => {
    log({ lend: name, lent });
    return infoOf(destinationOf(name), { lent });
  },
  list: () => {
    log({ list: true });
    const { FAKE_SESSIONS } = process.env;
    if (FAKE_SESSIONS === undefined) return [];
    return [
      infoOf(destinationOf("web"), { title: "\u001b[2Jthe web", openedBy: { face: "mcp", client: "editor 1.0" } }),
      infoOf(destinationOf("root@db:2222"), { expiresInMs: null, needsPerson: true, lent: false, running: 2 }),
    ];
  },
  kill: async (ids) => {
    log({ kill: ids });
    return ids.map((id) => ({ id, session: "db", stopped: id === "c9" ? "unconfirmed" : "confirmed" }));
  },
  close: async (names) => {
    log({ close: names });
    return names === "all" ? ["web", "db"] : [...names];
  },
};

/** FAKE_NOTES: what the broker has to say, a line each. FAKE_LOCAL: there is none that keeps sessions. */
const openBroker = async ({ noBroker }: BrokerChoice): Promise<Broker> => {
  log({ noBroker });
  const { FAKE_NOTES = "", FAKE_LOCAL } = process.env;
  return {
    ...serveLocally(createDispatch({ operations, sessions, hosts: new FakeHosts(), rules: [] })),
    keepsSessions: !noBroker && FAKE_LOCAL === undefined,
    notes: FAKE_NOTES === "" ? [] : FAKE_NOTES.split("\n"),
  };
};

/** FAKE_BROKER is the version of the broker that runs; none does without it. */
const brokerControl = (): BrokerControl => {
  let version = process.env["FAKE_BROKER"] ?? null;
  const socket = "/run/broker.sock";
  const counts = { sessions: 2, connections: 1, clients: 1, calls: 0 };
  const status = () =>
    version === null ? null : { pid: 7, version, protocol: 1, socket, uptimeMs: 61_000, ...counts };
  return {
    socket,
    status: async () => status(),
    stop: async () => {
      log({ stop: true });
      const stopped = version !== null;
      version = null;
      return stopped;
    },
    start: async () => {
      log({ start: true });
      version = release;
      return status() ?? unused();
    },
  };
};

const unused = (): never => {
  throw new Error("it was started just now");
};

const status = await runCli(process.argv.slice(2), processWorld({ openBroker, brokerControl }));
log({ maxRssMiB: Math.round(process.resourceUsage().maxRSS / 1024) });
process.exit(status);
