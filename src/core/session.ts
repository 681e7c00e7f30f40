/**
 * What operations know of sessions. The broker implements these; operations, faces and tests only see the interfaces.
 * Durations are milliseconds unless the name says otherwise.
 */
import type { CallScope } from "./call-scope.ts";
import type { CommandRequest, CommandResult, RunningCall, StoppedCall } from "./command.ts";
import type { Become } from "./command-form.ts";
import type { DialRequest } from "./dial-request.ts";
import type { RemoteMachine } from "./files/remote-files.ts";
import type { HostKeys } from "./host-keys.ts";
import type { Caller } from "./operation.ts";
import type { PendingLogins } from "./pending-login.ts";
import type { Secrets } from "./secrets.ts";

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

export interface Session {
  readonly info: SessionInfo;
  /**
   * Runs one command. Resolves with the result shape whenever the exec request was handed to the socket.
   * @throws SshMcpError for everything before that (CHANNEL_REFUSED, CONNECTION_LOST, CANCELED, …)
   */
  exec(request: CommandRequest, scope: CallScope): Promise<CommandResult>;
  /**
   * Asks the caller's person for the password that another user takes, has it tried on the server, and holds it while the session's time lasts.
   * @returns false when none is wanted
   * @throws SshMcpError as `exec`; AUTH_FAILED when it is wrong
   */
  unlock(become: Become, scope: CallScope): Promise<boolean>;
  /** Forgets that password. @returns whether there was one */
  relock(become: Become): boolean;
  /**
   * Lets `use` work on the server's files, as one call of the session. What it needs of the server is opened when it is needed, and kept open for the
   * next call. A connection that turns out to be dead before `use` began is dialled again; one that is lost in the middle is not.
   *
   * When the call is stopped, or its time is over, all that `use` asks of the server fails with the reason, but `remove` of what it has written: it has
   * some seconds to tidy up. Then it is not waited for any more. It has to end what it waits for elsewhere by itself.
   * @throws SshMcpError as `exec`, TIMEOUT, and what `use` throws
   */
  files<T>(request: FilesRequest, scope: CallScope, use: (machine: RemoteMachine) => Promise<T>): Promise<T>;
}

export interface FilesRequest {
  /** What lists show of the call. */
  label: string;
  /** Another user, whose files they are then. */
  become: Become | null;
  /** Limit for all of it; null is none. */
  timeoutMs: number | null;
  /** Doing all of it once more does no harm: what would be OUTCOME_UNKNOWN is CONNECTION_LOST then. Absent is false. */
  repeatable?: boolean;
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
   * Stops the calls with these ids, whoever made them, on the sessions that the caller may see; resolves when they are over.
   * @throws SshMcpError NOT_FOUND when one of them does not run; then none was stopped
   */
  kill(ids: readonly string[], caller: Caller): Promise<StoppedCall[]>;
  /**
   * Lends a session to agents, or takes it back.
   * @throws SshMcpError SESSION_NOT_FOUND
   */
  lend(name: string, lent: boolean, scope: CallScope): Promise<SessionInfo>;
  /** Closes the named sessions, or all that the caller may close; returns the names that were closed. */
  close(names: readonly string[] | "all", caller: Caller): Promise<string[]>;
}
