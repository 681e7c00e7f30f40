import type { Question } from "../core/question.ts";
import type { Asker } from "./asking.ts";
import type { QuestionDevice } from "./world.ts";

/** The person's terminal or program, for a command that will hardly ask: what asks is loaded for the first question. */
export class LazyTerminal implements QuestionDevice {
  readonly #asker: Asker;
  #device: QuestionDevice | null = null;
  #closed = false;

  constructor(asker: Asker) {
    this.#asker = asker;
  }

  /** As `Terminal.ask` and `Askpass.ask`; null also when the terminal has gone. */
  async ask(question: Question, signal: AbortSignal, withdrawn: AbortSignal): Promise<string | null> {
    const open = await this.#loaded();
    if (this.#closed) return null;
    this.#device ??= open();
    return (await this.#device?.ask(question, signal, withdrawn)) ?? null;
  }

  close(): void {
    this.#closed = true;
    this.#device?.close();
  }

  async #loaded(): Promise<() => QuestionDevice | null> {
    const asker = this.#asker;
    if (asker.kind === "terminal") {
      const { Terminal } = await import("./terminal.ts");
      return () => Terminal.open();
    }
    const { Askpass } = await import("./askpass.ts");
    return () => new Askpass(asker.program, process.env);
  }
}
