/** Questions of one login that several callers wait for: each is put to one person, and to further ones when that one does not answer. */

import type { CallScope, WantedVariables } from "../../core/call-scope.ts";
import { SshMcpError } from "../../core/errors.ts";
import { escapeLine } from "../../core/escape.ts";
import type { LoginQuestion } from "../../core/question.ts";

/** Who waits for a login. */
export interface Participant {
  scope: CallScope;
  /** Sends it away with this error, while the login goes on for the others. */
  dismiss(error: unknown): void;
  /** Whether it heard that another is being asked. */
  told: boolean;
}

/** What takes a question back from somebody. */
type Withdrawal = AbortController;

interface OpenQuestion {
  question: LoginQuestion;
  answer: PromiseWithResolvers<string>;
  /** Who is asked now: more than one when the first ones have been silent for long. */
  asked: Map<Participant, Withdrawal>;
  /** Runs while the last one that was asked still has time. */
  timer: ReturnType<typeof setTimeout> | undefined;
  /** Whether the next one to come that can ask is asked at once. */
  overdue: boolean;
}

/** How long a person is the only one that is asked: the process may have been stopped before it showed the question. */
const usualPatienceMs = 10_000;

export class SharedQuestions {
  readonly #patienceMs: number;
  /** Who has waited longest comes first. */
  readonly #participants = new Set<Participant>();
  #open: OpenQuestion | null = null;
  /** Who gave the last answer is sure to be there for the next question. */
  #answered: Participant | null = null;

  constructor(patienceMs = usualPatienceMs) {
    this.#patienceMs = patienceMs;
  }

  /** Whether a person is being asked now. */
  get isAsking(): boolean {
    return (this.#open?.asked.size ?? 0) > 0;
  }

  /** @param dismiss called at most once, and never before this returns */
  join(scope: CallScope, dismiss: (error: unknown) => void): Participant {
    const participant: Participant = { scope, dismiss, told: false };
    this.#participants.add(participant);
    const open = this.#open;
    if (open === null || open.asked.size === 0) return participant;
    if (!scope.asks) queueMicrotask(() => this.#send(participant, beingAsked(open.question)));
    else {
      this.#tell(participant, open.question);
      if (open.overdue) this.#askNext(open, null);
    }
    return participant;
  }

  /** A question that this one alone was asked moves on. */
  leave(participant: Participant): void {
    this.#participants.delete(participant);
    const open = this.#open;
    if (open?.asked.delete(participant) && open.asked.size === 0) this.#askNext(open, null);
  }

  /** Takes back what is being asked: the login has gone through otherwise. */
  withdraw(): void {
    this.#open?.answer.reject(new SshMcpError("CANCELED", "another login has gone through"));
    if (this.#open !== null) this.#end(this.#open);
  }

  /** Whether nobody but models waits. */
  get isForModels(): boolean {
    return [...this.#participants].every(({ scope }) => scope.caller.face === "mcp");
  }

  /**
   * Puts a question to who has waited longest of those that can ask; when that one leaves or declines, to the next; when it is silent for
   * long, to the next as well: the first answer counts, and the question is taken back from the others. Those that cannot ask are sent
   * away, unless there is nobody else: then the login may still go through without an answer, and it is the login that decides.
   * @throws what the last one said, when nobody answers
   */
  async ask(question: LoginQuestion): Promise<string> {
    const answer = Promise.withResolvers<string>();
    const open: OpenQuestion = { question, answer, asked: new Map(), timer: undefined, overdue: false };
    this.#open = open;
    if ([...this.#participants].some(({ scope }) => scope.asks)) {
      for (const participant of this.#participants) {
        if (!participant.scope.asks) participant.scope.ask(question).catch((error) => this.#send(participant, error));
      }
    }
    this.#askNext(open, null);
    try {
      return await answer.promise;
    } finally {
      this.#end(open);
    }
  }

  /** Says something of the login to everybody who waits for it. */
  notice(message: string): void {
    for (const { scope } of this.#participants) scope.notice(message);
  }

  /** Says it to the people among those who wait: it may hold what no model is to read. */
  noticeToPeople(message: string): void {
    for (const { scope } of this.#participants) if (scope.caller.face === "cli") scope.notice(message);
  }

  /** Asks who has waited longest for the values of its variables; one that leaves meanwhile is followed by the next. */
  async variables(names: WantedVariables): Promise<Readonly<Record<string, string>>> {
    for (;;) {
      const [first] = this.#participants;
      if (first === undefined) throw nobodyWaits();
      try {
        return await first.scope.variables(names);
      } catch (error) {
        if (this.#participants.has(first) && !first.scope.signal.aborted) throw error;
        this.#participants.delete(first);
      }
    }
  }

  /** @param refusal what the one before said who stays to see what becomes of the login; null when that one has gone, or is silent */
  #askNext(open: OpenQuestion, refusal: { error: unknown } | null): void {
    clearTimeout(open.timer);
    const next = this.#nextOf(open);
    open.overdue = next === null;
    if (next === null) {
      // Those that were asked before may still answer.
      if (open.asked.size > 0) return;
      if (refusal === null) this.#askNobody(open);
      else open.answer.reject(refusal.error);
      return;
    }
    const withdrawal = new AbortController();
    open.asked.set(next, withdrawal);
    open.timer = setTimeout(() => this.#askNext(open, null), this.#patienceMs);
    for (const other of this.#participants) if (!open.asked.has(other)) this.#tell(other, open.question);
    next.scope.ask(open.question, withdrawal.signal).then(
      (answer) => {
        // Not to be taken back from the one who gave it.
        if (!open.asked.delete(next)) return;
        this.#answered = next;
        open.answer.resolve(answer);
        this.#end(open);
      },
      (error) => {
        if (open.asked.has(next)) this.#refused(open, next, error);
      },
    );
  }

  #nextOf(open: OpenQuestion): Participant | null {
    const able = [...this.#participants].filter(
      (participant) => participant.scope.asks && !participant.scope.signal.aborted && !open.asked.has(participant),
    );
    return able.find((participant) => participant === this.#answered) ?? able[0] ?? null;
  }

  #refused(open: OpenQuestion, participant: Participant, error: unknown): void {
    const others = [...this.#participants].filter((other) => other !== participant && other.scope.asks);
    if (others.length === 0) {
      open.answer.reject(error);
      return;
    }
    open.asked.delete(participant);
    this.#send(participant, error);
    if (open.asked.size === 0) this.#askNext(open, { error });
  }

  /** Lets the first in line say why it cannot ask. */
  #askNobody(open: OpenQuestion): void {
    const [first] = this.#participants;
    if (first === undefined) open.answer.reject(nobodyWaits());
    else first.scope.ask(open.question).then(open.answer.resolve, open.answer.reject);
  }

  /** In the same turn in which the answer came: whoever is asked still hears of it before anything that follows from the answer. */
  #end(open: OpenQuestion): void {
    clearTimeout(open.timer);
    if (this.#open === open) this.#open = null;
    const withdrawals = [...open.asked.values()];
    open.asked.clear();
    for (const withdrawal of withdrawals) withdrawal.abort();
  }

  #send(participant: Participant, error: unknown): void {
    if (this.#participants.delete(participant)) participant.dismiss(error);
  }

  /** Once in the whole login, however much is asked. */
  #tell(participant: Participant, { kind, destination, wanted }: LoginQuestion): void {
    if (participant.told || !participant.scope.asks) return;
    participant.told = true;
    participant.scope.notice(
      kind === "host-key"
        ? `the host key of ${destination} is being confirmed at another terminal`
        : `logging in to ${destination} takes ${wanted}, which is being asked for at another terminal`,
    );
  }
}

const nobodyWaits = (): SshMcpError => new SshMcpError("CANCELED", "nobody waits for this login any more");

const beingAsked = ({ kind, destination, wanted, connectCommand: hint }: LoginQuestion): SshMcpError => {
  const where = escapeLine(destination);
  return kind === "host-key"
    ? new SshMcpError(
        "HOST_KEY_UNKNOWN",
        `a person is being asked at a terminal about the host key of ${where}: call again when they have answered`,
        { hint, retryable: true },
      )
    : new SshMcpError(
        "AUTH_REQUIRED",
        `logging in to ${where} takes ${wanted}, and a person is being asked for it at a terminal: call again when they have answered`,
        { hint },
      );
};
