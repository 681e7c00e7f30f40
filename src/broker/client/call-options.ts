import type { CallScope } from "../../core/call-scope.ts";
import type { TransferProgress } from "../../core/files/transfers.ts";
import type { Caller } from "../../core/operation.ts";
import type { Question } from "../../core/question.ts";
import type { Sink } from "../../core/sink.ts";
import type { LocalPolicy } from "../../files/local/local-policy.ts";

/** One operation, as a face asks for it: what to run, for whom, and with which streams. */
export interface CallOptions {
  operation: string;
  /** The operation may have this process open the local files whose paths occur in here, and no others. */
  input: unknown;
  caller: Caller;
  /**
   * Bytes of each output stream to keep in the result instead of streaming them, at most `captureLimit`; null streams.
   */
  capture: number | null;
  /**
   * Not touched before the operation reads, and never when it does not. Then read ahead by one chunk at most, and
   * returned (`return()`) when the call ends, even while it waits. Absent means empty. An error it throws cancels the
   * call: the remote must not take a cut input for a complete one.
   */
  stdin?: AsyncIterable<Uint8Array>;
  /** Absent discards. Everything sent before the result is written before the call resolves, unless it was canceled. */
  stdout?: Sink;
  stderr?: Sink;
  /** Whether running it twice does what running it once does: then an end that nobody saw is no riddle. Absent is false. */
  repeatable?: boolean;
  /**
   * Puts a question to a person, one at a time; null when declined. When `withdrawn` aborts, the answer came from elsewhere, and none is
   * taken any more. Absent: the operation fails where it must ask.
   */
  ask?: (question: Question, withdrawn: AbortSignal) => Promise<string | null>;
  progress?: (elapsedMs: number, message: string, transfer: TransferProgress | null) => void;
  /** Told what a person or a model should know beside the result. */
  notice?: (message: string) => void;
  /** The variables of this process that ssh_config may refer to as `${NAME}`; only those asked for are sent. Absent is none. */
  environment?: Readonly<Record<string, string | undefined>>;
  /** Hands over the terminal that standard input is; null when it is none. Absent: there is none. */
  terminal?: CallScope["terminal"];
  /** How far a transfer may touch this machine's files. Absent: wherever the input says. */
  local?: LocalPolicy;
  /** Aborting asks the broker to stop the operation; the call settles when it has. */
  signal?: AbortSignal;
}
