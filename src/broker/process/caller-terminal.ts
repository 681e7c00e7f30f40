/** The terminal of whoever made a call: asked about once, when a command is to have one on the server. */

import type { CallerTerminal, TerminalSize } from "../../core/call-scope.ts";
import type { SshMcpError } from "../../core/errors.ts";

export class AskedTerminal {
  readonly #ask: () => void;
  #answer: PromiseWithResolvers<CallerTerminal | null> | null = null;
  #failure: SshMcpError | null = null;
  #onResize: (size: TerminalSize) => void = () => undefined;

  /** @param ask has the face hand its terminal over: what is typed there is the command's from now on */
  constructor(ask: () => void) {
    this.#ask = ask;
  }

  /** @throws SshMcpError CANCELED */
  async begin(onResize: (size: TerminalSize) => void): Promise<CallerTerminal | null> {
    if (this.#failure !== null) throw this.#failure;
    this.#onResize = onResize;
    if (this.#answer === null) {
      this.#answer = Promise.withResolvers();
      this.#ask();
    }
    return await this.#answer.promise;
  }

  /** What nobody asked is dropped. */
  answer(terminal: CallerTerminal | null): void {
    this.#answer?.resolve(terminal);
  }

  resized(size: TerminalSize): void {
    if (this.#answer !== null && this.#failure === null) this.#onResize(size);
  }

  fail(error: SshMcpError): void {
    this.#failure ??= error;
    this.#answer?.promise.catch(() => undefined);
    this.#answer?.reject(error);
  }
}
