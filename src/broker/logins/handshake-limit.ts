import { SshMcpError } from "../../core/errors.ts";

/** Servers begin to refuse logins that are not through when there are many: sshd_config(5), MaxStartups. */
const handshakesAtOnce = 8;

/** A line at every server: so many logins at once, whoever comes later waits. */
export class HandshakeLimit {
  /** Logins under way, by server. */
  readonly #busy = new Map<string, number>();
  readonly #lines = new Map<string, (() => void)[]>();

  /**
   * Waits for a place; the wait counts in no time limit of the login.
   * @param where the server
   * @returns what gives the place back, however often it is called
   * @throws SshMcpError CANCELED when `signal` aborts first
   */
  async enter(where: string, signal: AbortSignal): Promise<() => void> {
    if (signal.aborted) throw canceled(where);
    const busy = this.#busy.get(where) ?? 0;
    if (busy < handshakesAtOnce) this.#busy.set(where, busy + 1);
    else await this.#wait(where, signal);
    let left = false;
    return () => {
      if (!left) this.#leave(where);
      left = true;
    };
  }

  /** A place that is given back goes to the first in line, and is never free in between. */
  #leave(where: string): void {
    const next = this.#lines.get(where)?.shift();
    const busy = (this.#busy.get(where) ?? 1) - 1;
    if (next !== undefined) next();
    else if (busy > 0) this.#busy.set(where, busy);
    else this.#busy.delete(where);
  }

  async #wait(where: string, signal: AbortSignal): Promise<void> {
    const line = this.#lines.get(where) ?? [];
    this.#lines.set(where, line);
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const leave = (): void => {
      const at = line.indexOf(resolve);
      // Its turn has come: it has a place to give back.
      if (at === -1) return;
      line.splice(at, 1);
      reject(canceled(where));
    };
    line.push(resolve);
    signal.addEventListener("abort", leave, { once: true });
    try {
      await promise;
    } finally {
      signal.removeEventListener("abort", leave);
      if (line.length === 0) this.#lines.delete(where);
    }
  }
}

const canceled = (where: string): SshMcpError =>
  new SshMcpError("CANCELED", `connecting to ${where} was canceled; nothing was sent`);
