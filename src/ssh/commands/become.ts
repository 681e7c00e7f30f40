import { createHmac, randomBytes } from "node:crypto";
import type { Become } from "../../core/command-form.ts";
import { SshMcpError } from "../../core/errors.ts";
import { changesPassword, wantsOther } from "../../core/password-prompts.ts";
import { asksOtherwise, mayBeOfPassword, missing, notLetIn, PasswordNeeded, PasswordRefused } from "./become-errors.ts";
import { type BecomeFinding, type BecomePassword, becomeLine, promptOf } from "./become-program.ts";
import { newMark } from "./bootstrap.ts";
import type { ExitReport, OutputStream } from "./channel.ts";
import type { OtherUser, Prologue } from "./prologue.ts";

/** Sudo and su take seconds over a password that is wrong, and ask at once for one. */
const answerLimitMs = 20_000;
/** Characters of what is said before the command begins that are kept. */
const heldLimit = 64 * 1024;

const nothing = new Uint8Array(0);

/** Bytes of the longest question that is looked for. */
const longestPrompt = 200;

/** @param said bytes, one a character, of which there may be very many. The wide colon is UTF-8's */
const promptAtEnd = (said: string): string | null => {
  const line = said.slice(-longestPrompt).split("\n").at(-1)?.trim() ?? "";
  return /[^:]/.test(line) && (line.endsWith(":") || line.endsWith("\xef\xbc\x9a")) ? line : null;
};

/** Of this process: what is the same is known without being kept in words. */
const sameness = randomBytes(32);

/**
 * Becomes another user, and then says what `inner` says. Until the other user's shell has answered, nothing of the command or its input is sent; all
 * that the server prints is kept from the command's output.
 */
export class BecomePrologue implements Prologue, OtherUser {
  /** Value of the tag that all processes of the other user carry. */
  readonly tag: string;
  readonly become: Become;
  readonly password: BecomePassword | null;
  readonly #inner: Prologue;
  readonly #mark = newMark();
  readonly #tellsServer: boolean;
  readonly #begun = Promise.withResolvers<void>();
  readonly #held: Record<OutputStream, string> = { stdout: "", stderr: "" };
  #write: (bytes: Uint8Array) => Promise<void> = async () => {};
  #isBegun = false;
  #isAnswered = false;
  /** What su asked with, and where. */
  #asked: { prompt: string; stream: OutputStream } | null = null;
  #failure: SshMcpError | null = null;
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** @param helperTag of a helper, which is told the process that serves the connection, as $1; null for a command */
  constructor(become: Become, password: BecomePassword | null, inner: Prologue, helperTag: string | null = null) {
    this.#begun.promise.catch(() => undefined);
    this.tag = helperTag ?? randomBytes(16).toString("hex");
    this.#tellsServer = helperTag !== null;
    this.become = become;
    this.password = password;
    this.#inner = inner;
  }

  get isBegun(): boolean {
    return this.#isBegun;
  }

  /** Whom it becomes, and with what: who is the same can be helped by the same. */
  get who(): string {
    const { become, password } = this;
    const words = JSON.stringify([become.by, become.user, password?.of, password?.password]);
    return createHmac("sha256", sameness).update(words).digest("hex");
  }

  /** Becomes the same user once more, beside the command. @param inner what is said to the helper; @param tag its own */
  helper(inner: Prologue, tag: string): BecomePrologue {
    const { become, password } = this;
    const given = password === null ? null : { of: password.of, password: password.password };
    return new BecomePrologue(become, given, inner, tag);
  }

  async speak(write: (bytes: Uint8Array) => Promise<void>): Promise<void> {
    this.#write = write;
    const { become, tag, password } = this;
    const hasPassword = password !== null;
    const line = becomeLine({ become, mark: this.#mark, tag, hasPassword, tellsServer: this.#tellsServer });
    await write(Buffer.from(line));
    try {
      await this.#begun.promise;
    } finally {
      clearTimeout(this.#timer);
    }
    await this.#inner.speak(write);
  }

  heard(stream: OutputStream, chunk: Uint8Array): Uint8Array {
    if (this.#isBegun) return this.#inner.heard(stream, chunk);
    // Bytes, one a character: the rest may be the command's program's, and is handed on as it came.
    this.#held[stream] = (this.#held[stream] + Buffer.from(chunk).toString("latin1")).slice(-heldLimit);
    const after = this.#afterMark("ok", "stdout");
    if (after === null) {
      this.#consider(stream);
      return nothing;
    }
    this.#isBegun = true;
    this.password?.told?.("begun");
    this.#begun.resolve();
    return after === "" || stream !== "stdout" ? nothing : this.#inner.heard(stream, Buffer.from(after, "latin1"));
  }

  rest(stream: OutputStream): Uint8Array {
    return this.#isBegun ? this.#inner.rest(stream) : nothing;
  }

  get refused(): SshMcpError | null {
    return this.#isBegun ? this.#inner.refused : this.#failure;
  }

  refusal(exit: ExitReport | null): SshMcpError | null {
    clearTimeout(this.#timer);
    if (this.#isBegun) return this.#inner.refusal(exit);
    if (this.#failure !== null) return this.#failure;
    if (exit === null) {
      return new SshMcpError(
        "CONNECTION_LOST",
        `the connection was lost before ${this.become.by} had begun the command, which was not sent`,
      );
    }
    const said = this.#said;
    return this.#isAnswered && mayBeOfPassword(said) ? new PasswordRefused(this.become) : notLetIn(this.become, said);
  }

  doubt(exit: ExitReport): string | null {
    return this.#isBegun ? this.#inner.doubt(exit) : null;
  }

  /** Ends it: nothing of the command has been sent. */
  #fail(error: SshMcpError): void {
    this.#failure ??= error;
    this.#begun.reject(this.#failure);
  }

  #consider(stream: OutputStream): void {
    if (this.#failure !== null) return;
    const problem = this.#problem(stream);
    if (problem !== null) {
      this.#fail(problem);
      return;
    }
    if (this.#afterMark("asks", stream) !== null) this.#startTimer();
    const asked = this.become.by === "sudo" ? this.#askedBySudo(stream) : this.#askedBySu(stream);
    if (asked !== null) this.#answer(stream, asked);
  }

  #problem(stream: OutputStream): SshMcpError | null {
    if (this.#afterMark("missing", stream) !== null) return missing(this.become);
    if (this.#afterMark("need", stream) !== null) return new PasswordNeeded(this.become, null);
    return this.#afterMark("refused", stream) === null ? null : notLetIn(this.become, this.#said);
  }

  /** Whose password sudo asks for with our own words. */
  #askedBySudo(stream: OutputStream): string | null {
    const held = this.#held[stream];
    const prompt = promptOf(this.#mark);
    const at = held.lastIndexOf(prompt);
    const end = at < 0 ? -1 : held.indexOf(":", at);
    return end < 0 ? null : held.slice(at + prompt.length, end);
  }

  /**
   * Su is the only one to speak after the mark, and what it asks with ends in a colon and no newline, in every language. What got the password may
   * greet with a line like that as well: asked again is only what asks with the same words.
   */
  #askedBySu(stream: OutputStream): string | null {
    const asked = this.#asked;
    if (asked !== null && asked.stream !== stream) return null;
    const said = asked === null ? this.#afterMark("asks", stream) : this.#held[stream];
    const prompt = promptAtEnd(said ?? "");
    if (prompt === null) return null;
    if (wantsOther.test(prompt) || changesPassword.test(prompt)) {
      this.#fail(asksOtherwise(this.become, this.#said));
      return null;
    }
    if (asked !== null) return prompt === asked.prompt ? this.become.user : null;
    this.#asked = { prompt, stream };
    return this.become.user;
  }

  #answer(stream: OutputStream, of: string): void {
    const { password } = this;
    // Asked again, it was wrong; there is no second try.
    if (this.#isAnswered || password === null || password.of !== of) {
      this.#fail(this.#isAnswered ? new PasswordRefused(this.become) : new PasswordNeeded(this.become, of));
      return;
    }
    this.#isAnswered = true;
    password.told?.("given");
    this.#held[stream] = "";
    this.#startTimer();
    void this.#write(Buffer.from(`${password.password}\n`));
  }

  #startTimer(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#fail(asksOtherwise(this.become, this.#said)), answerLimitMs);
    this.#timer.unref();
  }

  /** What came behind a finding's line; null when it has not come. A terminal makes two of the line's end. */
  #afterMark(finding: BecomeFinding, stream: OutputStream): string | null {
    const held = this.#held[stream];
    const found = new RegExp(`${this.#mark} ${finding}\\r?\\n`).exec(held);
    return found === null ? null : held.slice(found.index + found[0].length);
  }

  /** In words, without what is ours: neither the marks nor the password, which a server may send back. */
  get #said(): string {
    const { stdout, stderr } = this.#held;
    const text = Buffer.from(`${stdout}\n${stderr}`, "latin1").toString();
    const theirs = text.replaceAll(new RegExp(`${promptOf(this.#mark)}[^:]*:|${this.#mark} \\w+`, "g"), "");
    return this.#isAnswered && this.password !== null ? theirs.replaceAll(this.password.password, "…") : theirs;
  }
}
