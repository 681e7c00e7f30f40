/** What all clients of a broker may take of it together, so that none of them can fill its memory. */
import { SshMcpError } from "../../core/errors.ts";
import { hintFor } from "../../core/hint.ts";
import { type Request, valueLimit } from "../wire/protocol.ts";

/** Operations that run at once. */
export const totalCallLimit = 512;
/** Bytes of output that running calls may keep for their results: 32 of the largest capture, thousands of the usual one. */
export const totalCaptureLimit = 256 * 1024 * 1024;
/** Bytes that one client may leave unread: a result of the largest size, and another. */
export const unreadLimit = 2 * valueLimit;
/** Bytes that all clients together may leave unread: whoever has most of them loses its connection. */
export const totalUnreadLimit = 2 * unreadLimit;
/** What is not worth looking at. */
const unremarkable = 1024 * 1024;

/** One client's connection, as far as its weight is concerned. */
export interface Burden {
  /** Bytes that wait for the client to read them. */
  readonly unread: number;
  /** Ends the connection at once, and frees what waited. */
  drop(): void;
}

export class Load {
  readonly #burdens = new Set<Burden>();
  #calls = 0;
  #captured = 0;

  /** Operations that run now. */
  get calls(): number {
    return this.#calls;
  }

  add(burden: Burden): void {
    this.#burdens.add(burden);
  }

  remove(burden: Burden): void {
    this.#burdens.delete(burden);
  }

  /**
   * Counts a call from now on.
   * @returns what to call when it has ended
   * @throws SshMcpError BROKER_UNAVAILABLE when it would be one too many
   */
  begin({ caller, capture }: Request): () => void {
    const kept = 2 * (capture ?? 0);
    const full =
      this.#calls >= totalCallLimit
        ? `${totalCallLimit} calls are running already`
        : this.#captured + kept > totalCaptureLimit
          ? "the calls that run keep as much output as the broker can hold"
          : null;
    if (full !== null) {
      const hint = hintFor(caller, { command: "ssh-mcp ls --running", tool: "ssh_sessions {}" });
      throw new SshMcpError("BROKER_UNAVAILABLE", full, { hint });
    }
    this.#calls += 1;
    this.#captured += kept;
    return () => {
      this.#calls -= 1;
      this.#captured -= kept;
    };
  }

  /** To be called when a client's unread bytes have become more: drops clients until what is left can be held. */
  weigh({ unread }: Burden): void {
    if (unread <= unremarkable) return;
    const heaviest = [...this.#burdens].sort((a, b) => b.unread - a.unread);
    let total = heaviest.reduce((sum, burden) => sum + burden.unread, 0);
    for (const burden of heaviest) {
      if (total <= totalUnreadLimit && burden.unread <= unreadLimit) return;
      total -= burden.unread;
      burden.drop();
    }
  }
}
