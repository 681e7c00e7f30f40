import { canceled } from "../../ssh/transport/canceled.ts";

/** Servers begin to refuse logins that are not through when there are many: sshd_config(5), MaxStartups. */
const handshakesAtOnce = 8;

/** A line at every server: so many logins at once, whoever comes later waits. */
export class HandshakeLimit {
  /** Logins under way, by server. */
  readonly #busy = new Map<string, number>();
  readonly #lines = new Map<string, (() => void)[]>();

  /**
   * Waits for a place; the wait counts in no time limit of the login.
   * @param where the server, for messages
   * @param way what tells it from another one of that name, which is reached otherwise
   * @returns what gives the place back, however often it is called
   * @throws SshMcpError CANCELED when `signal` aborts first
   */
  async enter(where: string, signal: AbortSignal, way = ""): Promise<() => void> {
    if (signal.aborted) throw canceled(where);
    const server = `${where} ${way}`;
    const busy = this.#busy.get(server) ?? 0;
    if (busy < handshakesAtOnce) this.#busy.set(server, busy + 1);
    else await this.#wait(server, where, signal);
    let left = false;
    return () => {
      if (!left) this.#leave(server);
      left = true;
    };
  }

  /** A place that is given back goes to the first in line, and is never free in between. */
  #leave(server: string): void {
    const next = this.#lines.get(server)?.shift();
    const busy = (this.#busy.get(server) ?? 1) - 1;
    if (next !== undefined) next();
    else if (busy > 0) this.#busy.set(server, busy);
    else this.#busy.delete(server);
  }

  async #wait(server: string, where: string, signal: AbortSignal): Promise<void> {
    const line = this.#lines.get(server) ?? [];
    this.#lines.set(server, line);
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
      if (line.length === 0) this.#lines.delete(server);
    }
  }
}
