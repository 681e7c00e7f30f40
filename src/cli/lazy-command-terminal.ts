import type { CallOptions } from "../broker/client/client.ts";
import type { CommandTerminal } from "./command-terminal.ts";

/** The terminal for a command that will hardly have one on the server: what hands it over is loaded when it has. */
export class LazyCommandTerminal {
  readonly #type: string | undefined;
  #terminal: CommandTerminal | null = null;
  #closed = false;
  #isHandedOver = false;

  /** @param type TERM */
  constructor(type: string | undefined) {
    this.#type = type;
  }

  /** As `CommandTerminal.begin`. */
  readonly begin: NonNullable<CallOptions["terminal"]> = async (onResize) => {
    const { CommandTerminal } = await import("./command-terminal.ts");
    if (this.#closed) return null;
    this.#terminal ??= new CommandTerminal(this.#type);
    const begun = await this.#terminal.begin(onResize);
    this.#isHandedOver = begun !== null;
    return begun;
  };

  /** Whether the command has it. */
  get isHandedOver(): boolean {
    return this.#isHandedOver;
  }

  close(): void {
    this.#closed = true;
    this.#terminal?.close();
  }
}
