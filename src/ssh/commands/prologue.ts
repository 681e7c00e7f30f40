/**
 * What is said to the server between the exec request and the command's own first byte: a command that is not plain is begun by a constant line,
 * which reads from standard input what to set, whom to become and what to run.
 */
import type { SshMcpError } from "../../core/errors.ts";
import type { ExitReport, OutputStream } from "./channel.ts";
import type { CommandSetup } from "./command-setup.ts";

export interface Prologue {
  /**
   * Says what the server's side needs to know; resolves when the command's own input may follow.
   * @param write resolves when the peer's window took the bytes, or when the channel has closed
   * @throws SshMcpError when the command is not to be run; the channel is closed then
   */
  speak(write: (bytes: Uint8Array) => Promise<void>): Promise<void>;
  /** Every piece of output passes here first. @returns what of it is the command's own, perhaps nothing */
  heard(stream: OutputStream, chunk: Uint8Array): Uint8Array;
  /** What was held back and turned out to be the command's own, when all output has come. */
  rest(stream: OutputStream): Uint8Array;
  /** Why the command is not run, as far as it was heard; null when it is, or may be. */
  readonly refused: SshMcpError | null;
  /**
   * The same when the channel has closed.
   * @param exit null unless all output came as well
   */
  refusal(exit: ExitReport | null): SshMcpError | null;
  /** Why nobody knows whether a command was run whose end the server reported; null when it was. To be asked before `rest`. */
  doubt(exit: ExitReport): string | null;
}

/** A command that runs as another user, as who stops it sees it. */
export interface OtherUser {
  /** Who it is: commands of the same can be stopped by one helper. */
  who: string;
  /** Value of the tag that all processes of the other user carry. */
  tag: string;
  /** Whether the command was handed to the other user's shell; before that nothing of it was sent. */
  isBegun: boolean;
  /** Becomes the same user once more, beside the command. @param inner what is said to the helper; @param tag its own */
  helper(inner: Prologue, tag: string): Prologue;
}

/** A command as it is sent; what it brings along takes the place of what was asked for. */
export interface PreparedCommand extends Partial<Pick<CommandSetup, "environment" | "terminal">> {
  /** The exec request (RFC 4254, section 6.5). */
  line: string;
  /** Null where the line is all there is to say. */
  prologue: Prologue | null;
  /** For one whose input is typed into its terminal, where the server gives it one. */
  isTyped?: true;
  /** For a device that may take offence at anything beside the line: it is not marked for the stop either. */
  isBare?: true;
  /** For one that runs as another user: who stops it has to become the same. */
  become?: OtherUser;
}
