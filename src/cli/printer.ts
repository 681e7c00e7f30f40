/** How results, texts and errors reach the person or the script: as text, or as exactly one JSON document on stdout. */
import { type ErrorRecord, SshMcpError } from "../core/errors.ts";
import type { Messages } from "./messages.ts";
import type { World } from "./world.ts";

/** What it needs of the world. */
type Desk = Pick<World, "stdout" | "stderr" | "env" | "isTerminal">;

/** Fields of the input that tell one of several. */
interface About {
  target?: unknown;
  path?: unknown;
}

const encoder = new TextEncoder();

export class Printer {
  readonly #world: Desk;
  readonly #json: boolean;
  readonly #about: About;
  #messages: Promise<Messages> | null = null;

  /** @param about which of several it speaks of */
  constructor(world: Desk, json: boolean, about: About = {}) {
    this.#world = world;
    this.#json = json;
    this.#about = about;
  }

  /**
   * @param value what the JSON document holds
   * @param text the same for people; ends with a newline unless it is empty
   * @throws BrokenPipe, SshMcpError LOCAL_IO
   */
  async data(value: unknown, text: () => string | Promise<string>): Promise<void> {
    const printed = this.#json ? `${safeJson(value)}\n` : await text();
    if (printed !== "") await this.#world.stdout.write(encoder.encode(printed));
  }

  /** The same for one of several hosts or files: the document of an error says which. */
  about({ target, path }: About): Printer {
    return new Printer(this.#world, this.#json, { target, ...(path === undefined ? {} : { path }) });
  }

  /** The same with its messages written elsewhere. */
  through(stderr: Desk["stderr"]): Printer {
    const { stdout, env, isTerminal } = this.#world;
    return new Printer({ stdout, stderr, env, isTerminal: (fd) => isTerminal(fd) }, this.#json, this.#about);
  }

  /**
   * Why there is no result: on stderr, and as the document.
   * @throws BrokenPipe
   */
  async failure(record: ErrorRecord): Promise<void> {
    await this.message(record);
    try {
      if (this.#json) await this.data({ ...this.#about, error: record }, () => "");
    } catch (failure) {
      // A full disk takes no document either, and the first error is the one to know.
      if (!(failure instanceof SshMcpError)) throw failure;
    }
  }

  /** How a result that was printed came about, on stderr alone. */
  async message(record: Pick<ErrorRecord, "code" | "message" | "hint">): Promise<void> {
    await (await this.#loaded()).error(record);
  }

  /** Help that nobody asked for: on stderr. */
  async explain(text: string): Promise<void> {
    await (await this.#loaded()).text(text);
  }

  async note(message: string): Promise<void> {
    await (await this.#loaded()).note(message);
  }

  async colour(fd: 1 | 2): Promise<boolean> {
    const { NO_COLOR, TERM } = this.#world.env;
    return (NO_COLOR ?? "") === "" && TERM !== "dumb" && (await this.#world.isTerminal(fd));
  }

  #loaded(): Promise<Messages> {
    this.#messages ??= import("./messages.ts").then(
      async ({ Messages }) => new Messages(this.#world.stderr, await this.colour(2)),
    );
    return this.#messages;
  }
}

/** JSON that does nothing to a terminal it is printed on: beyond what JSON escapes itself, C1 and bidirectional controls are. */
const safeJson = (value: unknown): string =>
  JSON.stringify(value).replace(
    /[\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
