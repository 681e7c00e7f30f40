/** SHA-256 of what passes by. */
import { SshMcpError } from "../core/errors.ts";
import { shown } from "../core/escape.ts";

/** In hex, as sha256sum(1) writes it. */
export const sha256 = (bytes: Uint8Array): string => new Bun.CryptoHasher("sha256").update(bytes).digest("hex");

export class HashedBytes implements AsyncIterable<Uint8Array> {
  readonly #source: AsyncIterable<Uint8Array>;
  readonly #hasher = new Bun.CryptoHasher("sha256");
  bytes = 0;

  /** To be read once. */
  constructor(source: AsyncIterable<Uint8Array>) {
    this.#source = source;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array, void, undefined> {
    for await (const chunk of this.#source) {
      this.#hasher.update(chunk);
      this.bytes += chunk.length;
      yield chunk;
    }
  }

  /** Of all that was read; once. */
  digest(): string {
    return this.#hasher.digest("hex");
  }
}

export const isSha256 = (text: string): boolean => /^[0-9a-f]{64}$/i.test(text);

/**
 * @param now null for a file that is not there
 * @param hint how to read it
 * @throws SshMcpError PRECONDITION_FAILED
 */
export const expectSha256 = (path: string, expected: string | undefined, now: string | null, hint: string): void => {
  if (expected === undefined || expected.toLowerCase() === now) return;
  const is = now === null ? "it is not there" : `its sha256 is ${now}`;
  throw new SshMcpError("PRECONDITION_FAILED", `${shown(path)} is not as expected: ${is}; nothing was written`, {
    hint,
  });
};
