/** Questions that the broker puts to the person behind one call, from the side of the face that asks them. */

import { encodeControl, type PromptMessage } from "../wire/protocol.ts";
import type { CallOptions } from "./call-options.ts";

export interface QuestionsOptions {
  call: number;
  /** Absent answers none. */
  ask: CallOptions["ask"];
  /** Hands over a frame. */
  send: (bytes: Uint8Array) => void;
  /** Told what the face throws. */
  fail: (thrown: unknown) => void;
}

/** Asks one after the other. */
export class ClientQuestions {
  readonly #options: QuestionsOptions;
  /** By prompt, those that are not answered. */
  readonly #open = new Map<number, AbortController>();
  #last: Promise<void> = Promise.resolve();
  #ended = false;

  constructor(options: QuestionsOptions) {
    this.#options = options;
  }

  /** Whether the broker waits for an answer from here. */
  get isOpen(): boolean {
    return this.#open.size > 0;
  }

  put({ prompt, ...question }: PromptMessage): void {
    const withdrawal = new AbortController();
    const { call, ask, send, fail } = this.#options;
    this.#open.set(prompt, withdrawal);
    this.#last = this.#last.then(async () => {
      if (this.#ended || withdrawal.signal.aborted) return;
      try {
        const value = (await ask?.(question, withdrawal.signal)) ?? null;
        if (this.#open.delete(prompt)) send(encodeControl(call, { kind: "answer", prompt, value }));
      } catch (thrown) {
        if (!withdrawal.signal.aborted) fail(thrown);
      }
    });
  }

  /** The answer came from elsewhere. */
  withdraw(prompt: number): void {
    const withdrawal = this.#open.get(prompt);
    this.#open.delete(prompt);
    withdrawal?.abort();
  }

  /** Asks no further one. */
  end(): void {
    this.#ended = true;
  }
}
