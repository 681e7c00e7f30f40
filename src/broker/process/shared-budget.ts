/** The output budget of a call on several hosts: divided when all of them have said how much they have. */
import { fairShares } from "../../core/fair-share.ts";

/** Bytes of either stream. */
export interface StreamBytes {
  stdout: number;
  stderr: number;
}

export class SharedBudget {
  readonly #limit: number;
  readonly #wanted: (StreamBytes | null)[];
  readonly #divided = Promise.withResolvers<StreamBytes[]>();
  #missing: number;

  /** @param limit bytes of either stream, for all hosts together */
  constructor(hosts: number, limit: number) {
    this.#limit = limit;
    this.#wanted = Array.from({ length: hosts }, () => null);
    this.#missing = hosts;
  }

  /** Says what a host has, once. @returns what it may keep, when all have said so */
  async ask(host: number, bytes: StreamBytes): Promise<StreamBytes> {
    this.#say(host, bytes);
    return (await this.#divided.promise)[host] ?? nothing;
  }

  /** A host that has nothing, or has asked: nobody waits for it. */
  leave(host: number): void {
    this.#say(host, nothing);
  }

  #say(host: number, bytes: StreamBytes): void {
    if (this.#wanted[host] !== null) return;
    this.#wanted[host] = bytes;
    if (--this.#missing > 0) return;
    const shares = (stream: keyof StreamBytes) =>
      fairShares(
        this.#wanted.map((each) => each?.[stream] ?? 0),
        this.#limit,
      );
    const [stdout, stderr] = [shares("stdout"), shares("stderr")];
    this.#divided.resolve(stdout.map((bytes, index) => ({ stdout: bytes, stderr: stderr[index] ?? 0 })));
  }
}

const nothing: StreamBytes = { stdout: 0, stderr: 0 };
