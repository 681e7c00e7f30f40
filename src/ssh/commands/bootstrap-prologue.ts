import { type ErrorCode, SshMcpError } from "../../core/errors.ts";
import { shortened, shown } from "../../core/escape.ts";
import { pathBytes } from "../../core/files/path-text.ts";
import { quoteWord } from "../../core/quote.ts";
import { type ExitReport, exitWords, type OutputStream } from "./channel.ts";
import { MarkFilter } from "./mark-filter.ts";
import { type Finding, findings, type Program } from "./program.ts";
import type { Prologue } from "./prologue.ts";

/** A command that the server could not begin as it was asked to: nothing of it was run. */
export class NotBegun extends SshMcpError {
  /** A command that shows what there is instead. */
  readonly look: string;

  constructor(code: ErrorCode, message: string, look: string) {
    super(code, message);
    this.look = look;
  }
}

type Word = Finding | "ok";

const words: ReadonlySet<string> = new Set<Word>([...findings, "ok"]);
const isWord = (text: string): text is Word => words.has(text);

/** Says a program to the bootstrap, and hears whether it went as far as the command. */
export class BootstrapPrologue implements Prologue {
  readonly #program: Program;
  readonly #filters: Record<OutputStream, MarkFilter<Word>>;
  readonly #begun = Promise.withResolvers<void>();
  #word: Word | null = null;

  constructor(program: Program) {
    this.#program = program;
    const heard = (word: Word): void => {
      this.#word ??= word;
      if (word === "ok") this.#begun.resolve();
    };
    const filter = () => new MarkFilter(program.mark, isWord, heard);
    this.#filters = { stdout: filter(), stderr: filter() };
  }

  /** Where there is a terminal, what is typed must find it in its usual modes: it waits for the command's begin. */
  async speak(write: (bytes: Uint8Array) => Promise<void>): Promise<void> {
    const { lines, hasTerminal } = this.#program;
    // What of it is a file's name may be no UTF-8.
    await write(pathBytes(lines.join("")));
    if (hasTerminal) await this.#begun.promise;
  }

  heard(stream: OutputStream, chunk: Uint8Array): Uint8Array {
    return this.#filters[stream].pass(chunk);
  }

  rest(stream: OutputStream): Uint8Array {
    return this.#filters[stream].rest();
  }

  get refused(): SshMcpError | null {
    return this.#word === null || this.#word === "ok" ? null : refused(this.#word, this.#program);
  }

  refusal(): SshMcpError | null {
    return this.refused;
  }

  /** Without a word nobody knows: start-up files that lead all output elsewhere lead our mark there too. */
  doubt(exit: ExitReport): string | null {
    if (this.#word !== null) return null;
    const said = `${this.#filters.stderr.held}\n${this.#filters.stdout.held}`.split("\n");
    const line = said.find((each) => each.trim() !== "");
    const what = `the server reported ${exitWords(exit)}, and did not say that it began the command`;
    return line === undefined ? what : `${what}: ${shortened(line, 200)}`;
  }
}

const refused = (finding: Finding, { form }: Program): NotBegun => {
  const cwd = shown(form.cwd ?? "");
  const lists = `ls -la ${quoteWord(parentOf(form.cwd ?? ""))}`;
  const notRun = "the command was not run";
  switch (finding) {
    case "cwd-gone":
      return new NotBegun("NOT_FOUND", `the server has no directory ${cwd}: ${notRun}`, lists);
    case "cwd-file":
      return new NotBegun("NOT_FOUND", `${cwd} is no directory on the server: ${notRun}`, lists);
    case "cwd-denied":
      return new NotBegun("REMOTE_PERMISSION", `the server's user may not enter ${cwd}: ${notRun}`, lists);
    case "no-shell":
      return new NotBegun(
        "UNSUPPORTED",
        `the server has no ${form.interpreter ?? "login shell"}: ${notRun}`,
        "echo $SHELL",
      );
    case "no-long-script":
      return new NotBegun("UNSUPPORTED", `the server's csh takes no command of this length: ${notRun}`, "echo $SHELL");
    case "no-terminal":
      return new NotBegun("UNSUPPORTED", `the server gave no terminal: ${notRun}`, "tty");
    case "no-stty":
      return new NotBegun(
        "UNSUPPORTED",
        `the server has no stty to set up a terminal with: ${notRun}`,
        "command -v stty",
      );
  }
};

/** A login begins at home. */
const parentOf = (cwd: string): string => {
  const path = cwd.replace(/^~(\/+|$)/, "");
  const end = path.replace(/\/+$/, "").lastIndexOf("/");
  if (end < 0) return path.startsWith("/") ? "/" : ".";
  return end === 0 ? "/" : path.slice(0, end).replace(/^(?=[-~])/, "./");
};
