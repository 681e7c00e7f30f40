import type { Caller } from "../../core/operation.ts";
import type { Clock } from "../logins/clock.ts";
import type { Dialer } from "../logins/dial.ts";
import type { SessionFacts } from "./session-facts.ts";
import type { Recorded } from "./session-records.ts";

/** What a session needs of the registry that holds it. */
export interface SessionHost {
  readonly clock: Clock;
  readonly dialer: Dialer;
  /** See `RegistryOptions`. */
  readonly hintPrefix: string;
  nextCallId(): string;
  /** Called before a session dials. @throws SshMcpError SESSION_LIMIT when it must not */
  makeRoom(caller: Caller): void;
  /** Whether the connection beside a session's own that is claimed now may be dialled. */
  mayDialBeside(): boolean;
  /** Connections, dials or running calls are others than before. */
  changed(): void;
  /** A call on it has ended. */
  used(session: Recorded): void;
  /** Its first login failed: it never was a session. */
  forget(facts: SessionFacts): void;
}
