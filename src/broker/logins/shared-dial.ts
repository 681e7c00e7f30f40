import type { CallScope } from "../../core/call-scope.ts";
import type { SshMcpError } from "../../core/errors.ts";
import type { DialScope } from "./dial.ts";
import { SharedQuestions } from "./shared-questions.ts";
import { SharedWork } from "./shared-work.ts";

/**
 * One login for everybody who needs it at the same time. The first decides what it is made with (time limit, agent socket, folder); any of
 * them may be asked what only a person knows. It is canceled when the last has gone.
 */
export class SharedDial<T> {
  readonly #questions: SharedQuestions;
  readonly #work: SharedWork<T>;

  /**
   * @param work begins in the next microtask: whoever starts it joins first
   * @param patienceMs see `SharedQuestions`
   */
  constructor({ caller }: CallScope, work: (scope: DialScope) => Promise<T>, patienceMs?: number) {
    const questions = new SharedQuestions(patienceMs);
    this.#questions = questions;
    this.#work = new SharedWork((signal) =>
      work({
        caller,
        signal,
        ask: (question) => questions.ask(question),
        variables: (names) => questions.variables(names),
        notice: (message) => questions.notice(message),
        noticeToPeople: (message) => questions.noticeToPeople(message),
        isForModels: () => questions.isForModels,
      }),
    );
  }

  /** Whether it has succeeded, failed or was canceled: whoever needs a connection now must dial anew. */
  get isOver(): boolean {
    return this.#work.isOver;
  }

  /** Whether it waits for a person. */
  get isAsking(): boolean {
    return this.#questions.isAsking;
  }

  /** Ends it for everybody. @param reason what they are told */
  cancel(reason: SshMcpError): void {
    this.#work.cancel(reason);
  }

  /** Gives everybody what another login has brought, and takes back what is being asked for this one. */
  finish(result: T): void {
    this.#work.finish(result);
    this.#questions.withdraw();
  }

  /**
   * @throws SshMcpError CANCELED when the caller goes first, or with the reason of `cancel`; AUTH_REQUIRED or HOST_KEY_UNKNOWN when it
   *   cannot answer what another is asked, or declined to; else what the login throws
   */
  async join(scope: CallScope): Promise<T> {
    const dismissed = Promise.withResolvers<never>();
    const participant = this.#questions.join(scope, dismissed.reject);
    try {
      return await this.#work.join(scope.signal, dismissed.promise);
    } finally {
      this.#questions.leave(participant);
    }
  }
}
