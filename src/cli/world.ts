/** What the command line touches of its process and of the system, in one place, so that a test can give it another one. */
import type { CallOptions } from "../broker/client/client.ts";
import type { BrokerStatus } from "../broker/wire/protocol.ts";
import type { Standing } from "../core/place.ts";
import type { Question } from "../core/question.ts";
import type { Sink } from "../core/sink.ts";
import { Askpass } from "./askpass.ts";
import { Input } from "./input.ts";
import { Output } from "./output.ts";
import { Terminal } from "./terminal.ts";

/** A broker to talk to, in this process or in another. */
export interface Broker {
  readonly client: { call(options: CallOptions): Promise<unknown> };
  /** Whether a session outlives the command that opened it. */
  readonly keepsSessions: boolean;
  /** What a person should know of this broker, as why it is not the one that keeps sessions. */
  readonly notes: readonly string[];
  /** Ends what runs and the connection. */
  close(): Promise<void>;
}

/** Which broker a command wants. */
export interface BrokerChoice {
  /** One in this process, whatever runs beside it. */
  noBroker: boolean;
}

/** The broker process itself. */
export interface BrokerControl {
  /** Where it listens, or would. */
  readonly socket: string;
  /** Starts none: null when none runs. */
  status(): Promise<BrokerStatus | null>;
  /** Resolves when it has ended; false when none ran. */
  stop(): Promise<boolean>;
  /** Starts one, or finds the one that another process has just started. */
  start(): Promise<BrokerStatus>;
}

/** The ways to a broker. */
export interface BrokerAccess {
  openBroker(choice: BrokerChoice): Promise<Broker>;
  /** @throws SshMcpError INVALID_INPUT for an SSH_MCP_DIR that is none */
  brokerControl(): BrokerControl;
}

export interface PausableInput extends AsyncIterable<Uint8Array> {
  pause(): Promise<void>;
  resume(): void;
}

export interface QuestionDevice {
  /** @param withdrawn aborts when the answer came from elsewhere: what it resolves with does not matter then */
  ask(question: Question, signal: AbortSignal, withdrawn: AbortSignal): Promise<string | null>;
  close(): void;
}

export interface World extends Standing, BrokerAccess {
  readonly stdin: PausableInput;
  readonly stdout: Sink;
  readonly stderr: Sink;
  /** @returns null when there is no terminal to ask at */
  openTerminal(): QuestionDevice | null;
  /** A program that asks instead. */
  openAskpass(program: string): QuestionDevice;
  /** Whether this descriptor is a terminal. Loads node:tty, which costs 1.5 ms. */
  isTerminal(fd: 0 | 1 | 2): Promise<boolean>;
  /** Whether this process was started with the descriptor closed: what reads or writes it meets /dev/null. Absent where nobody knows. */
  wasClosed?(fd: 0 | 1): Promise<boolean>;
  /** How wide the terminal is that standard output is; null when it is none. Loads node:tty too. */
  columns(): Promise<number | null>;
  /** Leaves at once, whatever still runs. */
  exit(status: number): void;
}

/** A terminal that nobody has widened. */
const usualColumns = 80;

export const processWorld = ({ openBroker, brokerControl }: BrokerAccess): World => ({
  env: process.env,
  stdin: new Input(0),
  stdout: new Output(1, "standard output"),
  stderr: new Output(2, "standard error"),
  openBroker,
  brokerControl,
  openTerminal: () => Terminal.open(),
  openAskpass: (program) => new Askpass(program, process.env),
  cwd: () => process.cwd(),
  isTerminal: async (fd) => (await import("node:tty")).isatty(fd),
  wasClosed: async (fd) => (await import("../files/closed-descriptor.ts")).wasClosed(fd),
  columns: async () => {
    const { isatty, WriteStream } = await import("node:tty");
    // Some terminals do not say, and count 0 columns.
    return isatty(1) ? new WriteStream(1).columns || usualColumns : null;
  },
  exit: (status) => process.exit(status),
});
