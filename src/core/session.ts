/**
 * What operations know of sessions. The broker implements these; operations, faces and tests only see the interfaces.
 * Durations are milliseconds unless the name says otherwise.
 */
import type { HostKeys } from "./host-keys.ts";
import type { Caller } from "./operation.ts";

export const sessionStates = ["live", "cached", "lost"] as const;
export type SessionState = (typeof sessionStates)[number];

/** One row of `ls`. */
export interface SessionInfo {
  name: string;
  /** The destination as it was given. */
  destination: string;
  /** Resolved host name, port and user: what was dialled. */
  host: string;
  port: number;
  user: string;
  state: SessionState;
  /** Calls running on the session now. */
  running: number;
  ageMs: number;
  idleMs: number;
  /** Milliseconds until the idle connection is closed; the session stays. Null when it never is, or is not open. */
  expiresInMs: number | null;
  openedBy: { face: Caller["face"]; client: string };
  lent: boolean;
  title: string | null;
  /** True when opening it again needs a person: a password, a passphrase, a code, a file that came from a pipe. */
  needsPerson: boolean;
}

/** What it takes to reach a server: the destination, and what the caller says beside it. */
export interface DialRequest {
  /** An alias of ssh_config, `[user@]host[:port]` or `ssh://[user@]host[:port]`. */
  destination: string;
  user: string | null;
  port: number | null;
  /** Key files, in the order to try, before those of ssh_config. A leading `~/` is the caller's home. */
  identityFiles: readonly string[];
  /** `-F FILE` instead of the user's and the system's ssh_config; `none` reads none. */
  configFile: string | null;
  /** `-o Keyword=value`, in order; they win over every file. */
  options: readonly string[];
  /** Limit for TCP, handshake and authentication together, without the time a person takes to answer. */
  timeoutMs: number | null;
}

export interface OpenRequest extends DialRequest {
  /** The session's name; null derives it from the destination. */
  name: string | null;
  title: string | null;
  /** Idle time after which the connection is closed and the session kept; null is the default, 0 never. */
  ttlMs: number | null;
  /** Whether agents may use it. Decides for a new session; on one that is there, only false does something: it takes the session back. */
  lent: boolean;
  /** Open another session although one with the same identity is there. */
  fresh: boolean;
}

/** A call that runs on a session now. */
export interface RunningCall {
  /** Short, and never used twice in the life of a broker. */
  id: string;
  session: string;
  command: string;
  startedAt: Date;
  by: { face: Caller["face"]; client: string };
}

/** A session that was opened or found, with what the login said. */
export interface OpenedSession {
  info: SessionInfo;
  reused: boolean;
  /** RFC 4252 method name that succeeded last. */
  authMethod: string;
  /** The server's host key as `SHA256:…`. */
  hostKey: string;
  /** The login banner (RFC 4252, section 5.4), at most 64 KiB, as the server sent it; null when there was none. */
  banner: string | null;
  createdAt: Date;
  /** When the connection is closed unless used; null for never. */
  expiresAt: Date | null;
}

/**
 * Takes chunks at the pace of its reader: resolves when the chunk is accepted and there is room for more. The chunk may still be on its way
 * then, and must not change any more.
 */
export interface Sink {
  write(chunk: Uint8Array): Promise<void>;
}

export interface CommandRequest {
  /** The command line, sent byte for byte. */
  command: string;
  stdin: AsyncIterable<Uint8Array>;
  stdout: Sink;
  stderr: Sink;
  /** Limit for the command itself, from the exec request on; null is none. */
  timeoutMs: number | null;
}

/** How a command ended. `unknown`: the connection was lost; it may have run, or still run. */
export const commandOutcomes = ["exited", "signaled", "timedOut", "canceled", "unknown"] as const;
export type CommandOutcome = (typeof commandOutcomes)[number];

/**
 * How far a stop got. `confirmed`: the server's process table was read afterwards and nothing of the command was left.
 * `dispatched`: signals went out and the command's channel ended, but nobody could look. `unconfirmed`: neither.
 */
export const stopResults = ["confirmed", "dispatched", "unconfirmed"] as const;
export type StopResult = (typeof stopResults)[number];

export interface CommandResult {
  outcome: CommandOutcome;
  /** The remote exit status, unsigned 32 bit; null unless `outcome` is `exited`. */
  exitCode: number | null;
  /** Signal name without SIG (RFC 4254, section 6.10); null unless `outcome` is `signaled`. */
  signal: string | null;
  /** Null when nothing had to be stopped. */
  stopped: StopResult | null;
  durationMs: number;
  /** Bytes the remote sent, whether kept or not. */
  stdoutBytes: number;
  stderrBytes: number;
  /** For `unknown`: what is known about why. For `canceled`: who else than the caller ended it. Null otherwise. */
  reason: string | null;
}

/** A question that only a person can answer. Texts from the server are untrusted: escape them where they are shown. */
export interface Question {
  kind: "password" | "passphrase" | "keyboard-interactive" | "host-key";
  /** What to show: one or more lines, without a trailing newline. */
  text: string;
  /** Whether the typed answer may be shown. */
  echo: boolean;
  /** The parsed destination the question is about, in canonical form. */
  destination: string;
}

/** A question as a login asks it. */
export interface LoginQuestion extends Question {
  /** What it is about, for messages: `a password`, `the passphrase of FILE`; the type and fingerprint of a host key. */
  wanted: string;
  /** The command by which a person answers it at a terminal, quoted for a shell: the hint when nobody can be asked. */
  connectCommand: string;
  /** Of a prompt that a server wrote (keyboard-interactive): whether it is the only one of its round. */
  isOnlyPrompt?: boolean;
  /** Absolute path of the key that a passphrase is for. */
  keyFile?: string;
}

/**
 * Asks the calling face. Rejects with AUTH_REQUIRED, or HOST_KEY_UNKNOWN for a host key, when nobody can answer; with CANCELED when `withdrawn`
 * aborts: the answer came from elsewhere.
 */
export type Ask = (question: LoginQuestion, withdrawn?: AbortSignal) => Promise<string>;

/** Local files as the caller's own process opens them: with its permissions, its descriptors and its view of the disk. */
export interface CallerFiles {
  /**
   * Reads a file from its begin. It is opened when the reading begins, and closed when it ends or the loop is left.
   * Reading throws SshMcpError NOT_FOUND, LOCAL_IO; CANCELED when the call is; TOO_LARGE for too many files at once.
   * @param path one that occurs in the call's input, and exactly as it does: the process opens no other
   */
  read(path: string): AsyncIterable<Uint8Array>;
}

/** Names, or all there are: for a command that the person's own configuration has run, which gets the environment ssh would give it. */
export type WantedVariables = readonly string[] | "all";

export interface TerminalSize {
  columns: number;
  rows: number;
}

/** The terminal that a call's standard input is. */
export interface CallerTerminal extends TerminalSize {
  /** TERM; empty when it is not set. */
  type: string;
}

/** The part of a call that sessions need: who called, who answers, when to stop. */
export interface CallScope {
  caller: Caller;
  /** Its reason is an SshMcpError when it was somebody else who ended the call: it says who, or why. */
  signal: AbortSignal;
  ask: Ask;
  /** Whether `ask` can reach a person at all. */
  asks: boolean;
  /**
   * Values of the caller's environment variables, by name; those that are not set are absent. Nothing of the broker's own
   * environment is ever used, and nothing of the caller's is kept.
   */
  variables(names: WantedVariables): Promise<Readonly<Record<string, string>>>;
  files: CallerFiles;
  /**
   * Hands the caller's terminal over to a command that has one on the server, until the call ends; null when standard input is none. The same
   * answer however often it is asked.
   */
  terminal(onResize: (size: TerminalSize) => void): Promise<CallerTerminal | null>;
  /** Says something beside the result. Remote text in it is escaped by whoever shows it. */
  notice(message: string): void;
}

export interface Session {
  readonly info: SessionInfo;
  /**
   * Runs one command. Resolves with the result shape whenever the exec request was handed to the socket.
   * @throws SshMcpError for everything before that (CHANNEL_REFUSED, CONNECTION_LOST, CANCELED, …)
   */
  exec(request: CommandRequest, scope: CallScope): Promise<CommandResult>;
}

/** A login that nobody was there to answer, and that a person can still do. */
export interface PendingLogin {
  /** The session's name, once it is open. */
  name: string;
  /** As it was given. */
  destination: string;
  title: string | null;
  /** Why: AUTH_REQUIRED or HOST_KEY_UNKNOWN. */
  code: string;
  /** What a person types, quoted for a shell. */
  command: string;
  askedAt: Date;
  /** Milliseconds until it is forgotten. */
  expiresInMs: number;
  /** Who asked for it. */
  by: SessionInfo["openedBy"];
}

export interface PendingLogins {
  /** Oldest first; an agent sees its own. */
  list(caller: Caller): PendingLogin[];
  /**
   * Waits while a login that an identical call wanted waits for a person, and nothing is known to have changed. Connects to nothing.
   * @throws SshMcpError what that call failed with, when the time is over; CANCELED
   */
  answered(request: DialRequest & { name: string | null }, waitMs: number, scope: CallScope): Promise<void>;
}

/** A place in the keychain of the caller. */
export interface SecretPlace {
  /** What it is filed under. */
  account: string;
  /** What is kept there, in words. */
  what: string;
  /** @throws SshMcpError UNSUPPORTED where there is no keychain, CANCELED */
  keep(secret: string): Promise<void>;
  /** @returns whether there was something. @throws as `keep` */
  forget(): Promise<boolean>;
}

export interface Secrets {
  /**
   * Where the keychain keeps what a login takes: the password of a target, or the passphrase of a key file.
   * @throws SshMcpError as a connection to the target would before it dials
   */
  place(of: DialRequest | { keyFile: string }, scope: CallScope): Promise<SecretPlace>;
}

export interface Sessions {
  readonly hostKeys: HostKeys;
  /** Opens, or returns the session with the same identity. */
  open(request: OpenRequest, scope: CallScope): Promise<OpenedSession>;
  /** The session a target names: an exact session name first, else a destination, which is opened. */
  use(request: DialRequest, scope: CallScope): Promise<Session>;
  list(caller: Caller): SessionInfo[];
  readonly pending: PendingLogins;
  readonly secrets: Secrets;
  /** What runs now on the sessions that the caller may see, oldest first. */
  calls(caller: Caller): RunningCall[];
  /**
   * Lends a session to agents, or takes it back.
   * @throws SshMcpError SESSION_NOT_FOUND
   */
  lend(name: string, lent: boolean, scope: CallScope): Promise<SessionInfo>;
  /** Closes the named sessions, or all that the caller may close; returns the names that were closed. */
  close(names: readonly string[] | "all", caller: Caller): Promise<string[]>;
}
