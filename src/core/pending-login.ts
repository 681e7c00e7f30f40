/** Logins that wait for a person. */
import type { CallScope } from "./call-scope.ts";
import type { DialRequest } from "./dial-request.ts";
import type { SshMcpError } from "./errors.ts";
import type { Caller } from "./operation.ts";
import type { SessionInfo } from "./session.ts";

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
   * @throws SshMcpError CANCELED
   */
  answered(request: DialRequest & { name: string | null }, waitMs: number, scope: CallScope): Promise<LoginWait>;
}

/**
 * How a wait for a person ended. `absent`: no such login is kept; `changed`: it may go through by now; `late`: the time is over. Then `error` is what
 * the login failed with, and `mayTry` whether that was long enough ago to try once more.
 */
export type LoginWait = { how: "absent" | "changed" } | { how: "late"; error: SshMcpError; mayTry: boolean };
