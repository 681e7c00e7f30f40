/** Sessions that remember what they were asked, for an operation that runs alone. */
import type { Caller, Context, Face } from "../../src/core/operation.ts";
import type {
  CommandRequest,
  CommandResult,
  DialRequest,
  OpenedSession,
  OpenRequest,
  RunningCall,
  SessionInfo,
  Sessions,
} from "../../src/core/session.ts";

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

export class FakeSessions implements Sessions {
  readonly opens: OpenRequest[] = [];
  readonly uses: DialRequest[] = [];
  readonly commands: CommandRequest[] = [];
  readonly closes: { names: readonly string[] | "all"; caller: Caller }[] = [];
  readonly lists: Caller[] = [];
  readonly asked: Caller[] = [];
  readonly lends: { name: string; lent: boolean }[] = [];

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
    return { info, exec };
  }

  list(caller: Caller): SessionInfo[] {
    this.lists.push(caller);
    return this.names.map((name) => ({ ...info, name }));
  }

  calls(caller: Caller): RunningCall[] {
    this.asked.push(caller);
    return [call];
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
  notice: () => {},
  sessions,
  stdin: (async function* () {})(),
  stdout: { write: async () => {} },
  stderr: { write: async () => {} },
  progress: () => {},
});
