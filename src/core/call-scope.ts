/** What a call brings along: who called, who answers, what is the caller's own, when to stop. */
import type { Caller } from "./operation.ts";
import type { Ask } from "./question.ts";

/** Local files as the caller's own process opens them: with its permissions, its descriptors and its view of the disk. */
export interface CallerFiles {
  /**
   * Reads a file from its begin. It is opened when the reading begins, and closed when it ends or the loop is left.
   * Reading throws SshMcpError NOT_FOUND, LOCAL_IO; CANCELED when the call is; TOO_LARGE for too many files at once.
   * @param path one that occurs in the call's input, and exactly as it does: the process opens no other
   */
  read(path: string): AsyncIterable<Uint8Array>;
}

/** Names, or all there are: for a command that the person's own configuration has run, which gets the environment ssh would give it. */
export type WantedVariables = readonly string[] | "all";

export interface TerminalSize {
  columns: number;
  rows: number;
}

/** The terminal that a call's standard input is. */
export interface CallerTerminal extends TerminalSize {
  /** TERM; empty when it is not set. */
  type: string;
}

/** The part of a call that sessions need: who called, who answers, when to stop. */
export interface CallScope {
  caller: Caller;
  /** Its reason is an SshMcpError when it was somebody else who ended the call: it says who, or why. */
  signal: AbortSignal;
  ask: Ask;
  /** Whether `ask` can reach a person at all. */
  asks: boolean;
  /**
   * Values of the caller's environment variables, by name; those that are not set are absent. Nothing of the broker's own
   * environment is ever used, and nothing of the caller's is kept.
   */
  variables(names: WantedVariables): Promise<Readonly<Record<string, string>>>;
  files: CallerFiles;
  /**
   * Hands the caller's terminal over to a command that has one on the server, until the call ends; null when standard input is none. The same
   * answer however often it is asked.
   */
  terminal(onResize: (size: TerminalSize) => void): Promise<CallerTerminal | null>;
  /** Says something beside the result. Remote text in it is escaped by whoever shows it. */
  notice(message: string): void;
}
