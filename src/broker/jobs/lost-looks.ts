import type { CallScope } from "../../core/call-scope.ts";
import { SshMcpError } from "../../core/errors.ts";
import type { Session } from "../../core/session.ts";

/** Between two looks, where the first came back at once. */
export const pauseMs = 1000;

/** Ends early, and quietly, when the signal aborts. */
export const pause = (ms: number, signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    const leave = (): void => {
      clearTimeout(timer);
      signal.removeEventListener("abort", leave);
      resolve();
    };
    const timer = setTimeout(leave, Math.max(0, ms));
    signal.addEventListener("abort", leave, { once: true });
    if (signal.aborted) leave();
  });

/**
 * Which looks are made again. A link that was lost took nothing with it: the next look dials again, and says why when it cannot. A server that
 * cannot begin our program ends a look likewise, but its link lives on.
 */
export class LostLooks {
  readonly #session: Session;
  readonly #scope: CallScope;
  /** One look may have been made on another connection than the session's, or the session's been dialled again by somebody else meanwhile. */
  #isDoubtful = false;

  constructor(session: Session, scope: CallScope) {
    this.#session = session;
    this.#scope = scope;
  }

  answered(): void {
    this.#isDoubtful = false;
  }

  /**
   * Resolves, after a pause, when another look is worth it.
   * @param error by which the look failed
   * @throws the error when it is another than a lost link; SshMcpError REMOTE_IO when the link is there; CANCELED
   */
  async failed(error: unknown, limitMs: number): Promise<void> {
    const { signal } = this.#scope;
    if (!(error instanceof SshMcpError) || error.code !== "CONNECTION_LOST" || signal.aborted) throw error;
    await pause(Math.min(pauseMs, limitMs), signal);
    if (signal.aborted) throw new SshMcpError("CANCELED", "the call was canceled");
    const isLive = this.#session.info.state === "live";
    if (isLive && this.#isDoubtful) {
      throw new SshMcpError("REMOTE_IO", `the server gave no answer about its jobs: ${error.message}`);
    }
    this.#isDoubtful = isLive;
  }
}
