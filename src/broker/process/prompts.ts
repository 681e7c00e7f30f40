/** Questions of one call to the person behind its face. */
import { SshMcpError } from "../../core/errors.ts";
import type { LoginQuestion } from "../../core/question.ts";
import { unanswered } from "../logins/unanswered.ts";
import type { PromptMessage } from "../wire/protocol.ts";

/** How a prompt gets to the face, and is taken back. */
export interface PromptWay {
  send(prompt: PromptMessage): void;
  withdraw(prompt: number): void;
}

interface Asked extends PromiseWithResolvers<string> {
  question: LoginQuestion;
}

export class Prompts {
  readonly #asks: boolean;
  readonly #way: PromptWay;
  readonly #asked = new Map<number, Asked>();
  #next = 1;
  #failure: SshMcpError | null = null;

  /** @param asks whether the face said that it can ask */
  constructor(asks: boolean, way: PromptWay) {
    this.#asks = asks;
    this.#way = way;
  }

  /**
   * @throws SshMcpError AUTH_REQUIRED, HOST_KEY_UNKNOWN when nobody answers;
   *   CANCELED, also when `withdrawn` aborts; TOO_LARGE for a text no frame holds
   */
  async ask(question: LoginQuestion, withdrawn?: AbortSignal): Promise<string> {
    if (this.#failure !== null) throw this.#failure;
    if (!this.#asks) throw unanswered(question);
    if (withdrawn?.aborted === true) throw answeredElsewhere();
    const prompt = this.#next++;
    const { kind, text, echo, destination } = question;
    this.#way.send({ prompt, kind, text, echo, destination });
    const asked = { question, ...Promise.withResolvers<string>() };
    this.#asked.set(prompt, asked);
    const withdraw = (): void => {
      if (!this.#asked.delete(prompt)) return;
      this.#way.withdraw(prompt);
      asked.reject(answeredElsewhere());
    };
    withdrawn?.addEventListener("abort", withdraw, { once: true });
    try {
      return await asked.promise;
    } finally {
      withdrawn?.removeEventListener("abort", withdraw);
    }
  }

  /** An answer to no open question is dropped: it was answered before, or nobody waits for it any more. */
  answer(prompt: number, value: string | null): void {
    const asked = this.#asked.get(prompt);
    if (asked === undefined) return;
    this.#asked.delete(prompt);
    if (value === null) asked.reject(unanswered(asked.question));
    else asked.resolve(value);
  }

  /** Rejects every open question, and those to come. */
  fail(error: SshMcpError): void {
    if (this.#failure !== null) return;
    this.#failure = error;
    for (const { reject } of this.#asked.values()) reject(error);
    this.#asked.clear();
  }
}

const answeredElsewhere = (): SshMcpError => new SshMcpError("CANCELED", "the question was answered elsewhere");
