import { formatDuration } from "../../core/duration.ts";
import { SshMcpError } from "../../core/errors.ts";
import type { Clock } from "./clock.ts";

/** How long a model is told of a failed login instead of repeating it: servers lock out whoever fails too often. */
const rememberedMs = 60_000;

interface Failure {
  error: SshMcpError;
  at: number;
}

/** Logins that a server refused lately, by the session's identity and the source of its password. */
export class FailedLogins {
  readonly #clock: Pick<Clock, "boot">;
  /** The oldest first. */
  readonly #failures = new Map<string, Failure>();

  constructor(clock: Pick<Clock, "boot">) {
    this.#clock = clock;
  }

  /** Takes how a login ended: with AUTH_FAILED, otherwise, or not at all (null). Only a login that went through clears an earlier failure. */
  note(key: string, error: unknown): void {
    this.#forgetOld();
    if (error === null) this.#failures.delete(key);
    if (!(error instanceof SshMcpError) || error.code !== "AUTH_FAILED") return;
    this.#failures.delete(key);
    this.#failures.set(key, { error, at: this.#clock.boot() });
  }

  /** @throws SshMcpError AUTH_FAILED when the same login failed less than a minute ago */
  check(key: string): void {
    this.#forgetOld();
    const failure = this.#failures.get(key);
    if (failure === undefined) return;
    const { message, hint } = failure.error;
    const ago = this.#clock.boot() - failure.at;
    throw new SshMcpError(
      "AUTH_FAILED",
      `${message}; that was ${formatDuration(ago)} ago, and an agent may try again in ${formatDuration(rememberedMs - ago)}`,
      { ...(hint === null ? {} : { hint }), cause: failure.error },
    );
  }

  #forgetOld(): void {
    const since = this.#clock.boot() - rememberedMs;
    for (const [key, { at }] of this.#failures) {
      if (at > since) return;
      this.#failures.delete(key);
    }
  }
}
