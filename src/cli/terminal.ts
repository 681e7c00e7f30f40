/**
 * The terminal of the person, whatever stdin and stdout are: where questions are asked. The kernel edits the line, so erase keys
 * work as everywhere, and only `echo` is turned off for a secret. Texts from servers are escaped here.
 */
import { closeSync, constants, openSync, readSync, writeSync } from "node:fs";
import { errorCode } from "../core/error-code.ts";
import { SshMcpError } from "../core/errors.ts";
import { escapeText } from "../core/escape.ts";
import type { Question } from "../core/question.ts";

const device = "/dev/tty";
const answeredElsewhere = "(no answer is needed here any more: it came from elsewhere)\n";
/** Milliseconds between looks at the keyboard. A pending read would take the next line from the command when its question is gone. */
const lookEvery = 20;

export class Terminal {
  /** For writing and for stty(1). */
  readonly #screen: number;
  /** Of its own, so that reading without waiting concerns no other program on the terminal. */
  readonly #keyboard: number;
  /** The settings to go back to, as `stty -g` gives them; null when nothing was changed. */
  #settings: string | null = null;
  #question: string | null = null;
  #last: Promise<unknown> = Promise.resolve();
  #closed = false;

  private constructor(screen: number, keyboard: number) {
    this.#screen = screen;
    this.#keyboard = keyboard;
  }

  /** @returns null when this process has no terminal */
  static open(): Terminal | null {
    try {
      const screen = openSync(device, constants.O_RDWR | constants.O_NOCTTY);
      return new Terminal(screen, openSync(device, constants.O_RDONLY | constants.O_NOCTTY | constants.O_NONBLOCK));
    } catch {
      return null;
    }
  }

  /**
   * Asks one question after the other.
   * @returns the line that was typed, or null when the person ended the input instead (Ctrl-D), and when the question was withdrawn
   * @throws SshMcpError CANCELED when the signal aborts, LOCAL_IO when a secret would be shown
   */
  ask(question: Question, signal: AbortSignal, withdrawn: AbortSignal): Promise<string | null> {
    const answer = this.#last.then(() => this.#ask(question, signal, withdrawn));
    this.#last = answer.catch(() => undefined);
    return answer;
  }

  /** Puts the settings back, whatever was being asked. Safe to call at any moment, and twice. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    if (this.#question !== null) this.#show("\n");
    this.#restore();
    closeSync(this.#screen);
    closeSync(this.#keyboard);
  }

  async #ask({ text, echo }: Question, signal: AbortSignal, withdrawn: AbortSignal): Promise<string | null> {
    if (this.#closed || signal.aborted) throw canceled();
    if (withdrawn.aborted) return null;
    const shownText = escapeText(text);
    this.#question = /\s$/.test(shownText) ? shownText : `${shownText} `;
    const suspend = () => this.#suspend(echo);
    const takeBack = () => this.#takeBack();
    process.on("SIGTSTP", suspend);
    withdrawn.addEventListener("abort", takeBack, { once: true });
    try {
      this.#set(echo);
      this.#drain();
      this.#show(this.#question);
      const line = await this.#line(signal, withdrawn);
      if (withdrawn.aborted) return null;
      // The Return key was not echoed either; neither was Ctrl-D.
      if (!echo || line === null) this.#show("\n");
      this.#question = null;
      return line;
    } finally {
      process.off("SIGTSTP", suspend);
      withdrawn.removeEventListener("abort", takeBack);
      if (this.#question !== null) this.#show("\n");
      this.#question = null;
      this.#restore();
    }
  }

  /** Up to Return, or what there is when the input ends; nothing when it is withdrawn. */
  async #line(signal: AbortSignal, withdrawn: AbortSignal): Promise<string | null> {
    const decoder = new TextDecoder();
    let line = "";
    for (;;) {
      if (withdrawn.aborted) return null;
      if (this.#closed || signal.aborted) throw canceled();
      const bytes = this.#read();
      if (bytes === null) {
        await Bun.sleep(lookEvery);
        continue;
      }
      line += decoder.decode(bytes, { stream: true });
      if (line.endsWith("\n")) return line.slice(0, -1);
      if (bytes.length === 0) return line === "" ? null : line;
    }
  }

  /** @returns at most one line; null when there is none yet, no bytes at the end of the input */
  #read(): Uint8Array | null {
    const bytes = new Uint8Array(4096);
    try {
      return bytes.subarray(0, readSync(this.#keyboard, bytes));
    } catch (failure) {
      if (errorCode(failure) === "EAGAIN") return null;
      // The terminal is gone, as when its window was closed.
      return bytes.subarray(0, 0);
    }
  }

  /** What was typed before the question was shown is no answer to it. */
  #drain(): void {
    for (let bytes = this.#read(); bytes !== null && bytes.length > 0; bytes = this.#read());
  }

  /** At once: what follows from the answer that came from elsewhere may be shown next. */
  #takeBack(): void {
    if (this.#closed) return;
    // A half-typed secret must not become the begin of the shell's next line; until a line is full, a terminal keeps it to itself.
    this.#stty("-icanon", "min", "0");
    this.#drain();
    this.#show(`\n${answeredElsewhere}`);
    this.#question = null;
    this.#restore();
  }

  /** Ctrl-Z: the shell gets its terminal back as it was, and the question is asked again when we go on. */
  #suspend(echo: boolean): void {
    this.#restore();
    process.kill(process.pid, "SIGSTOP");
    this.#set(echo);
    this.#show(this.#question ?? "");
  }

  #set(echo: boolean): void {
    this.#settings ??= this.#stty("-g");
    // A program before us may have left the terminal without lines or without Ctrl-C.
    const changed = this.#settings === null ? null : this.#stty("icanon", "isig", "icrnl", echo ? "echo" : "-echo");
    if (changed === null && !echo) {
      throw new SshMcpError("LOCAL_IO", "the terminal would show what is typed: stty cannot turn its echo off", {
        hint: "stty -a </dev/tty",
      });
    }
  }

  #restore(): void {
    const settings = this.#settings;
    this.#settings = null;
    if (settings !== null) this.#stty(settings);
  }

  /** @returns what it printed, or null when it failed */
  #stty(...words: string[]): string | null {
    try {
      const outcome = Bun.spawnSync(["stty", ...words], { stdin: this.#screen, stdout: "pipe", stderr: "ignore" });
      return outcome.success ? outcome.stdout.toString().trim() : null;
    } catch {
      // It is not installed.
      return null;
    }
  }

  #show(text: string): void {
    try {
      writeSync(this.#screen, text);
    } catch (failure) {
      // EIO: the terminal is gone, and nobody is left to read it.
      if (errorCode(failure) !== "EIO") throw failure;
    }
  }
}

const canceled = (): SshMcpError => new SshMcpError("CANCELED", "the question was not answered");
