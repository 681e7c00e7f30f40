/** Sessions that remember what they were asked, for an operation that runs alone. */

import type { CallScope } from "../../src/core/call-scope.ts";
import type { CommandRequest, CommandResult, RunningCall, StoppedCall } from "../../src/core/command.ts";
import type { DialRequest } from "../../src/core/dial-request.ts";
import { absentSide } from "../../src/core/files/absent-side.ts";
import type { RemoteMachine } from "../../src/core/files/remote-files.ts";
import type { TrustedHost } from "../../src/core/host-keys.ts";
import type { Caller, Context, Face } from "../../src/core/operation.ts";
import type { PendingLogin, PendingLogins } from "../../src/core/pending-login.ts";
import type { Secrets } from "../../src/core/secrets.ts";
import type { FilesRequest, OpenedSession, OpenRequest, SessionInfo, Sessions } from "../../src/core/session.ts";
import { FakeHosts } from "./fake-hosts.ts";
import { FakeJobs } from "./fake-jobs.ts";
import { FakeOutputs } from "./fake-outputs.ts";
import { FakeTransfers } from "./fake-transfers.ts";

export const info: SessionInfo = {
  name: "web",
  destination: "deploy@web",
  host: "192.0.2.1",
  port: 2222,
  user: "deploy",
  state: "live",
  running: 1,
  ageMs: 61_000,
  idleMs: 2000,
  expiresInMs: 840_000,
  openedBy: { face: "mcp", client: "editor 1.0" },
  lent: true,
  title: "the web",
  needsPerson: false,
};

export const opened: OpenedSession = {
  info,
  reused: true,
  authMethod: "publickey",
  hostKey: "SHA256:key",
  banner: "welcome\n",
  createdAt: new Date(0),
  expiresAt: new Date(900_000),
};

export const finished: CommandResult = {
  outcome: "exited",
  exitCode: 3,
  signal: null,
  stopped: null,
  durationMs: 12,
  stdoutBytes: 4,
  stderrBytes: 5,
  reason: null,
};

export const call: RunningCall = {
  id: "3",
  session: "web",
  command: "sleep 60",
  startedAt: new Date(0),
  by: { face: "cli", client: "cli" },
};

export const trustedHost: TrustedHost = {
  host: "10.0.0.5",
  port: 2222,
  name: "[10.0.0.5]:2222",
  keys: [
    ...[
      {
        type: "ssh-ed25519",
        bits: 256,
        fingerprint: "SHA256:one",
        randomart: "+art+",
        state: "known",
        by: "/f:3",
      } as const,
    ],
    ...[
      {
        type: "ssh-rsa",
        bits: 2048,
        fingerprint: "SHA256:two",
        randomart: "+rsa+",
        state: "recorded",
        by: null,
      } as const,
    ],
  ],
  file: "/home/ana/.ssh/known_hosts",
};

export class FakeSessions implements Sessions {
  readonly trusted: { request: DialRequest; fingerprint: string | null }[] = [];
  readonly hostKeys = {
    trust: async (request: DialRequest, fingerprint: string | null): Promise<TrustedHost> => {
      this.trusted.push({ request, fingerprint });
      return trustedHost;
    },
  };
  readonly opens: OpenRequest[] = [];
  readonly uses: DialRequest[] = [];
  readonly commands: CommandRequest[] = [];
  readonly closes: { names: readonly string[] | "all"; caller: Caller }[] = [];
  readonly lists: Caller[] = [];
  readonly asked: Caller[] = [];
  readonly lends: { name: string; lent: boolean }[] = [];

  /** Logins that wait for a person. */
  readonly waiting: PendingLogin[] = [];
  readonly pending: PendingLogins = { list: () => this.waiting, answered: async () => ({ how: "absent" }) };
  readonly secrets: Secrets = {
    place: async () => ({
      ...{ account: "deploy@web:22", what: "the password of deploy@web:22" },
      mayKeep: async () => {},
      keep: async () => {},
      forget: async () => true,
    }),
  };

  /** Whose files the sessions have; null for none. */
  machine: RemoteMachine | null = null;
  readonly filesRequests: FilesRequest[] = [];

  /** Names of the sessions that there are. */
  names: readonly string[] = ["web"];

  /** @param beforeUse runs while a session is opened for a command */
  constructor(readonly beforeUse: () => void = () => {}) {}

  async open(request: OpenRequest): Promise<OpenedSession> {
    this.opens.push(request);
    return opened;
  }

  async use(request: DialRequest) {
    this.uses.push(request);
    this.beforeUse();
    const exec = async (command: CommandRequest): Promise<CommandResult> => {
      this.commands.push(command);
      return finished;
    };
    return {
      info,
      exec,
      unlock: async () => true,
      relock: () => true,
      files: <T>(request: FilesRequest, _: CallScope, use: (machine: RemoteMachine) => Promise<T>): Promise<T> => {
        this.filesRequests.push(request);
        return this.machine === null ? Promise.reject(new Error("no files here")) : use(this.machine);
      },
    };
  }

  list(caller: Caller): SessionInfo[] {
    this.lists.push(caller);
    return this.names.map((name) => ({ ...info, name }));
  }

  calls(caller: Caller): RunningCall[] {
    this.asked.push(caller);
    return [call];
  }

  async kill(ids: readonly string[]): Promise<StoppedCall[]> {
    return ids.map((id) => ({ id, session: "web", stopped: "confirmed" }));
  }

  async lend(name: string, lent: boolean): Promise<SessionInfo> {
    this.lends.push({ name, lent });
    return { ...info, name, lent };
  }

  async close(names: readonly string[] | "all", caller: Caller): Promise<string[]> {
    this.closes.push({ names, caller });
    return names === "all" ? ["web"] : [...names];
  }
}

/** The context of a call that has no input, keeps no output and cannot ask. */
export const contextFor = (face: Face, sessions: Sessions = new FakeSessions()): Context => ({
  caller: { face, client: face === "cli" ? "cli" : "editor 1.0", cwd: "/", agentSocket: null },
  signal: new AbortController().signal,
  ask: async () => {
    throw new Error("nobody is there");
  },
  asks: false,
  variables: async () => ({}),
  files: { read: () => (async function* () {})() },
  terminal: async () => null,
  notice: () => {},
  sessions,
  hosts: new FakeHosts(),
  jobs: new FakeJobs(),
  outputs: new FakeOutputs(),
  stdin: (async function* () {})(),
  stdout: { write: async () => {} },
  stderr: { write: async () => {} },
  transfers: new FakeTransfers(),
  local: absentSide,
  progress: () => {},
});
