/**
 * Everything a person is told beside the data: on standard error, through an instance of consola of our own (the default one prints to
 * standard output). Loaded when there is something to say, so that a command that just works does not wait for it.
 */
import { type ConsolaReporter, createConsola } from "consola/core";
import type { ErrorRecord } from "../core/errors.ts";
import { escapeLine, escapeText } from "../core/escape.ts";
import type { Sink } from "../core/sink.ts";

const encoder = new TextEncoder();

export class Messages {
  readonly #sink: Sink;
  readonly #log: ReturnType<typeof createConsola>;
  #written: Promise<void> = Promise.resolve();

  /** @param colour whether the sink is a terminal that wants colour */
  constructor(sink: Sink, colour: boolean) {
    this.#sink = sink;
    const reporter: ConsolaReporter = {
      log: ({ type, args }) => {
        if (type === "log") return this.#write(args.join(""));
        const name = colour && type === "error" ? "\x1b[31mssh-mcp:\x1b[39m" : "ssh-mcp:";
        this.#write(`${name} ${args.join("")}\n`);
      },
    };
    // Its default would swallow equal messages that follow each other.
    this.#log = createConsola({ reporters: [reporter], level: 3, throttle: 0 });
  }

  /** What went wrong, and the next command to type. Resolves when it is written. */
  async error({ code, message, hint }: Pick<ErrorRecord, "code" | "message" | "hint">): Promise<void> {
    const lines = [`${escapeLine(message)} [${code}]`, ...(hint === null ? [] : [`  try: ${escapeLine(hint)}`])];
    this.#log.error(lines.join("\n"));
    await this.#written;
  }

  /** Something to know that is no error. */
  async note(message: string): Promise<void> {
    this.#log.info(indented(message));
    await this.#written;
  }

  /** Whole lines of our own, as they are. */
  async text(lines: string): Promise<void> {
    this.#log.log(lines);
    await this.#written;
  }

  #write(text: string): void {
    // Nobody reads standard error: there is no other place to say so.
    const ignore = () => undefined;
    this.#written = this.#sink.write(encoder.encode(text)).catch(ignore);
  }
}

/** Lines after the first are indented: none that came from elsewhere can pass for one of ours. */
const indented = (message: string): string => escapeText(message).replaceAll("\n", "\n  ");
