/** What the command line touches of its process and of the system, in one place, so that a test can give it another one. */
import type { CallOptions } from "../broker/client.ts";
import type { Standing } from "../core/place.ts";
import type { Question, Sink } from "../core/session.ts";
import { Input } from "./input.ts";
import { Output } from "./output.ts";
import { Terminal } from "./terminal.ts";

/** A broker to talk to, in this process or in another. */
export interface Broker {
  readonly client: { call(options: CallOptions): Promise<unknown> };
  /** Whether a session outlives the command that opened it. */
  readonly keepsSessions: boolean;
  /** Ends what runs and the connection. */
  close(): Promise<void>;
}

export interface PausableInput extends AsyncIterable<Uint8Array> {
  pause(): Promise<void>;
  resume(): void;
}

export interface QuestionDevice {
  ask(question: Question, signal: AbortSignal): Promise<string | null>;
  close(): void;
}

export interface World extends Standing {
  readonly stdin: PausableInput;
  readonly stdout: Sink;
  readonly stderr: Sink;
  openBroker(): Promise<Broker>;
  /** @returns null when there is no terminal to ask at */
  openTerminal(): QuestionDevice | null;
  /** Whether this descriptor is a terminal. Loads node:tty, which costs 1.5 ms. */
  isTerminal(fd: 1 | 2): Promise<boolean>;
  /** Leaves at once, whatever still runs. */
  exit(status: number): void;
}

export const processWorld = (openBroker: () => Promise<Broker>): World => ({
  env: process.env,
  stdin: new Input(0),
  stdout: new Output(1, "standard output"),
  stderr: new Output(2, "standard error"),
  openBroker,
  openTerminal: () => Terminal.open(),
  cwd: () => process.cwd(),
  isTerminal: async (fd) => (await import("node:tty")).isatty(fd),
  exit: (status) => process.exit(status),
});
