import type { Question } from "../core/session.ts";
import type { Terminal } from "./terminal.ts";
import type { QuestionDevice } from "./world.ts";

/** The person's terminal, for a command that will hardly ask: what asks is loaded for the first question. */
export class LazyTerminal implements QuestionDevice {
  #terminal: Terminal | null = null;
  #closed = false;

  /** As `Terminal.ask`; null also when the terminal has gone. */
  async ask(question: Question, signal: AbortSignal, withdrawn: AbortSignal): Promise<string | null> {
    const { Terminal } = await import("./terminal.ts");
    if (this.#closed) return null;
    this.#terminal ??= Terminal.open();
    return (await this.#terminal?.ask(question, signal, withdrawn)) ?? null;
  }

  close(): void {
    this.#closed = true;
    this.#terminal?.close();
  }
}
