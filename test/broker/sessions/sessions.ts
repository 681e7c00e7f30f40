/** Callers of a session registry, and what they ask of it. */
import { Prompts } from "../../../src/broker/process/prompts.ts";
import type { SessionRegistry } from "../../../src/broker/sessions/session-registry.ts";
import type { CallerFiles, CallScope } from "../../../src/core/call-scope.ts";
import type { CommandResult } from "../../../src/core/command.ts";
import type { DialRequest } from "../../../src/core/dial-request.ts";
import type { SshMcpError } from "../../../src/core/errors.ts";
import type { Caller } from "../../../src/core/operation.ts";
import type { OpenRequest, Session } from "../../../src/core/session.ts";
import { waitFor } from "../../support/wait.ts";

export const cli: Caller = { face: "cli", client: "cli", cwd: "/", agentSocket: null };
export const model = (client = "editor 1.0"): Caller => ({ face: "mcp", client, cwd: "/", agentSocket: null });

export interface Call extends CallScope {
  /** Ends it, as a client that cancels it does; with a reason, as the broker does for another. */
  leave(reason?: SshMcpError): void;
  readonly notices: string[];
}

interface CallOptions {
  caller?: Caller;
  /** Who sits at the terminal; absent, nobody can be asked. */
  prompts?: Prompts;
  variables?: CallScope["variables"];
  files?: CallerFiles;
  terminal?: CallScope["terminal"];
}

const noFiles: CallerFiles = {
  read: (path) => {
    throw new Error(`nobody reads ${path} for this call`);
  },
};

/** A call as the broker's server hands it on. */
export const callOf = (options: CallOptions = {}): Call => {
  const { caller = cli, prompts, variables = async () => ({}), files = noFiles, terminal = async () => null } = options;
  const controller = new AbortController();
  const asked = prompts ?? new Prompts(false, { send: () => {}, withdraw: () => {} });
  const notices: string[] = [];
  return {
    caller,
    signal: controller.signal,
    ask: (question, withdrawn) => asked.ask(question, withdrawn),
    asks: prompts !== undefined,
    variables,
    files,
    terminal,
    notice: (message) => notices.push(message),
    notices,
    leave: (reason) => controller.abort(reason),
  };
};

/** A person at a terminal, with the calls that were typed there. */
export class Person {
  /** The texts that were shown. */
  readonly shown: string[] = [];
  readonly #open: number[] = [];
  /** How many questions were taken back. */
  withdrawn = 0;
  readonly #prompts = new Prompts(true, {
    send: ({ prompt, text }) => {
      this.shown.push(text);
      this.#open.push(prompt);
    },
    withdraw: (prompt) => {
      this.withdrawn += 1;
      this.#open.splice(this.#open.indexOf(prompt), 1);
    },
  });

  call(caller: Caller = cli): Call {
    return callOf({ caller, prompts: this.#prompts });
  }

  /** Waits until something is asked, and answers it; null declines. */
  async answer(value: string | null): Promise<void> {
    await waitFor(() => this.#open.length > 0, { what: "a question" });
    this.#prompts.answer(this.#open.shift() ?? 0, value);
  }

  /** Waits until so many questions were shown. */
  async isAsked(times = 1): Promise<void> {
    await waitFor(() => this.shown.length >= times, { what: `question ${times}` });
  }
}

/** Trusts every server; every field can be said otherwise. */
export const requestFor = (destination: string, extra: Partial<OpenRequest> = {}): OpenRequest => ({
  destination,
  user: null,
  port: null,
  identityFiles: [],
  configFile: "none",
  options: ["StrictHostKeyChecking=no", "UserKnownHostsFile=/dev/null"],
  timeoutMs: 20_000,
  name: null,
  title: null,
  ttlMs: null,
  lent: true,
  fresh: false,
  ...extra,
});

/** A target by name alone. */
export const named = (name: string): DialRequest => requestFor(name, { configFile: null, options: [] });

export interface Ran extends CommandResult {
  stdout: string;
  /** The session's name. */
  name: string;
}

/** Runs a command on a session that is there, without input. */
export const execOn = async (
  session: Session,
  command: string,
  call: CallScope = callOf(),
  onStdout = () => {},
): Promise<Ran> => {
  let stdout = "";
  const write = async (chunk: Uint8Array): Promise<void> => {
    stdout += Buffer.from(chunk).toString();
    onStdout();
  };
  const stdin = (async function* () {})();
  const result = await session.exec(
    { command, stdin, stdout: { write }, stderr: { write: async () => {} }, timeoutMs: null },
    call,
  );
  return { ...result, stdout, name: session.info.name };
};

/** `ssh-mcp exec TARGET COMMAND`. */
export const run = async (
  registry: SessionRegistry,
  target: DialRequest,
  command: string,
  call: CallScope = callOf(),
  onStdout = () => {},
): Promise<Ran> => execOn(await registry.use(target, call), command, call, onStdout);

/** Names that a caller sees, sorted. */
export const namesOf = (registry: SessionRegistry, caller: Caller = cli): string[] =>
  registry
    .list(caller)
    .map(({ name }) => name)
    .sort();

/** Clocks that stand still until they are set. */
export const testClock = () => {
  let boot = 1_000_000;
  let wall = Date.parse("2030-01-01T00:00:00Z");
  return {
    boot: () => boot,
    wall: () => wall,
    /** Time passes, whether the machine sleeps or not. */
    pass(ms: number): void {
      boot += ms;
      wall += ms;
    },
    setWall(ms: number): void {
      wall = ms;
    },
  };
};

export const minute = 60_000;
export const hour = 60 * minute;
export const day = 24 * hour;
