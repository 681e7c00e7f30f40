/** One file that is offered to the broker, for it to read or write: it is on the same machine, and what it does not have to be sent costs nothing. */
import { fstatSync } from "node:fs";
import type { Moved } from "../../files/local/hand-over.ts";
import { decodeJson } from "../wire/frame.ts";
import { type HandedFile, parseHandedWord } from "../wire/side-requests.ts";

export class HandedOver {
  readonly #offer: (handed: HandedFile | null) => void;
  readonly #taken = Promise.withResolvers<boolean>();
  readonly #moved = Promise.withResolvers<Moved>();
  #isSaid = false;

  /** @param offer tells the broker which file it is, or that there is none */
  constructor(offer: (handed: HandedFile | null) => void) {
    this.#offer = offer;
  }

  /** See `HandOver`. */
  async hand(file: number): Promise<Moved | null> {
    if (this.#isSaid || process.platform !== "linux") return null;
    this.#isSaid = true;
    const { dev, ino } = fstatSync(file, { bigint: true });
    this.#offer({ file, device: `${dev}`, inode: `${ino}` });
    return (await this.#taken.promise) ? await this.#moved.promise : null;
  }

  /** The bytes are to come, or to go, as they do without: said at most once. */
  refuse(): void {
    if (this.#isSaid) return;
    this.#isSaid = true;
    this.#offer(null);
  }

  /** @throws SshMcpError PROTOCOL_ERROR */
  hear(bytes: Uint8Array): void {
    const word = parseHandedWord(decodeJson(bytes));
    if ("taken" in word) this.#taken.resolve(word.taken);
    else this.#moved.resolve(word);
  }

  /** Nobody says any more what became of it. */
  end(): void {
    this.#taken.resolve(false);
    this.#moved.resolve({ bytes: null, code: null });
  }
}
