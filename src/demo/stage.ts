import { escapeText } from "../core/escape.ts";
import { quoteWords } from "../core/quote.ts";
import type { Sink } from "../core/sink.ts";

const encoder = new TextEncoder();

/** What the demo shows: what it says itself, the commands, and what they print. All on one stream, in order. */
export class Stage {
  readonly #sink: Sink;
  readonly #colour: boolean;

  /** @param colour whether the sink is a terminal that wants colour */
  constructor(sink: Sink, colour: boolean) {
    this.#sink = sink;
    this.#colour = colour;
  }

  /** A line or more of the demo's own. @throws BrokenPipe, SshMcpError LOCAL_IO, as everything here */
  async say(text: string): Promise<void> {
    await this.#write(`${text}\n`);
  }

  /** What follows is about this. */
  async title(text: string): Promise<void> {
    await this.#write(`\n${this.#styled(text, bold)}\n`);
  }

  /** A command as a person would type it. */
  async command(...words: string[]): Promise<void> {
    await this.#write(`${this.#styled(`$ ${quoteWords(words)}`, cyan)}\n`);
  }

  /** What a process printed. */
  async output(text: string): Promise<void> {
    if (text === "") return;
    await this.#write(`${escapeText(text).replace(/\n$/, "")}\n`);
  }

  /** What the demo itself has seen. */
  async note(text: string): Promise<void> {
    await this.#write(`${this.#styled(`  (${text})`, dim)}\n`);
  }

  #styled(text: string, [on, off]: readonly [number, number]): string {
    return this.#colour ? `\x1b[${on}m${text}\x1b[${off}m` : text;
  }

  async #write(text: string): Promise<void> {
    await this.#sink.write(encoder.encode(text));
  }
}

const bold = [1, 22] as const;
const dim = [2, 22] as const;
const cyan = [36, 39] as const;
