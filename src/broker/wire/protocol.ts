/**
 * What a face and the broker say to each other, in frames. Data flows by credit, so that a slow reader stops its own sender and
 * nobody else. Imports no package: the client's warm path is built on it.
 */

import type { CallerTerminal, TerminalSize } from "../../core/call-scope.ts";
import { type ErrorRecord, SshMcpError } from "../../core/errors.ts";
import type { TransferProgress } from "../../core/files/transfers.ts";
import type { Caller } from "../../core/operation.ts";
import type { Question } from "../../core/question.ts";
import { encodeJson, frameType } from "./frame.ts";

/** Another major number is another language: the hello is refused. */
export const protocolVersion = 1;

/** Largest result, as bytes of JSON, in one frame or in pieces. */
export const valueLimit = 64 * 1024 * 1024;
/** Largest `capture`: two streams of it, escaped as JSON at worst, still make a result that fits. */
export const captureLimit = 4 * 1024 * 1024;
/** Calls that may run at once on one connection. */
export const callLimit = 256;
/**
 * The most credit a stream's sender has, in bytes. Outputs start with all of it, stdin with none: it is
 * granted when the operation begins to read. A receiver gives back what was read when it comes to a quarter of
 * this, so a sender must use whatever it has.
 */
export const streamWindow = { stdin: 256 * 1024, stdout: 1024 * 1024, stderr: 1024 * 1024 } as const;
/** The credit that the sender of a file begins with, and the most it has, in bytes. */
export const fileWindow = 256 * 1024;
/** The same of what the broker asks about local files, either way: transfers want more under way. */
export const sideWindow = 1024 * 1024;
/**
 * What the broker may ask of the caller's files at once for one call: as many large files as a transfer moves, as many compared meanwhile, and what goes
 * on beside them.
 */
export const openFileLimit = 256;

/**
 * The client's first frame; it need not wait for the `welcome`. Every major version
 * keeps this shape, and `failure`'s on call 0.
 */
export interface Hello {
  kind: "hello";
  protocol: number;
  release: string;
  /** Where the client runs, see `files/machine.ts`: another machine or namespace has other files and another network. */
  place: string;
  /** True asks the broker to end, of whatever version it is: it cancels what runs, and closes this connection last. */
  stop: boolean;
}

export interface Request {
  kind: "request";
  operation: string;
  input: unknown;
  caller: Caller;
  /** Bytes of each output stream to keep in the result instead of streaming them; null streams. */
  capture: number | null;
  /** Whether the face wants progress messages. */
  progress: boolean;
  /** Whether the face can put a question to a person. */
  asks: boolean;
}

export type ClientMessage =
  | Hello
  | Request
  | { kind: "cancel" }
  /** Answer to the prompt with this id; null when the person declined. */
  | { kind: "answer"; prompt: number; value: string | null }
  /** Answer to the variables asked for with this id; those that are not set are absent. */
  | { kind: "variables"; request: number; values: Record<string, string> }
  /** The terminal that was asked for; null when standard input is none. */
  | { kind: "terminal"; terminal: CallerTerminal | null }
  | ({ kind: "resize" } & TerminalSize)
  /** A call by itself, answered with a `BrokerStatus` as its result. */
  | { kind: "status" };

export type BrokerMessage =
  | { kind: "welcome"; protocol: number; release: string; pid: number }
  | { kind: "accepted" }
  /** `transfer`: how far it is, where files are moved. */
  | { kind: "progress"; elapsedMs: number; message: string; transfer: TransferProgress | null }
  /** The prompt with this id needs no answer any more: what is asked was answered elsewhere. The call goes on. */
  | { kind: "withdrawn"; prompt: number }
  /** The command is to have a terminal: asks for the one that standard input is, which is the command's from then on. */
  | { kind: "terminal" }
  /** Something the person or the model should know beside the result, as that a session could not be saved. */
  | { kind: "notice"; message: string }
  /** When `chunked`, the JSON came in `value` frames before and `value` is null. */
  | { kind: "result"; value: unknown; chunked: boolean }
  | { kind: "failure"; error: ErrorRecord }
  /** On call 0: what runs here goes on, and a further request is refused. Another broker takes it, over another connection. */
  | { kind: "leaving" };

export type PromptMessage = Question & { prompt: number };

/** The names of variables that ssh_config refers to as `${NAME}`. */
export interface VariablesRequest {
  request: number;
  /** Null for all there are: a command of the person's own configuration runs in their environment. */
  names: string[] | null;
}

/** A file that the broker asks the client to open: as the call's input has it, for the client opens no other. */
export interface FileRequest {
  path: string;
}

/** What `ssh-mcp broker status` says of a running broker. */
export interface BrokerStatus {
  pid: number;
  version: string;
  protocol: number;
  socket: string;
  uptimeMs: number;
  /** Sessions by name, live or cached. */
  sessions: number;
  /** SSH connections that are open now. */
  connections: number;
  /** Processes that are connected to the broker now, this one included. */
  clients: number;
  /** Operations that run now. */
  calls: number;
}

/** A byte pipe to the other side: a socket, or one end of an in-memory pair. */
export interface Transport {
  /** The process at the other end, as this one would call it; null or absent where the system does not say. */
  peer?: number | null;
  /** Queues bytes, which must not change from then on; never blocks. Bytes written after close are dropped. */
  write(bytes: Uint8Array): void;
  /** Bytes written that the other side has not taken yet. */
  readonly pending: number;
  /**
   * Calls back when what was written up to now is out of this process, and reaches the other side whatever becomes of it: at once, before this
   * returns, when nothing has to wait. Never when the pipe ends before.
   */
  whenTaken(callback: () => void): void;
  /** Ends both directions. What was written before is delivered first. */
  close(): void;
  /** Ends both directions at once; what the other side has not taken is lost. */
  abort(): void;
  /** Set once, before the first byte arrives. The bytes are the receiver's: nobody changes them any more. */
  onData: (bytes: Uint8Array) => void;
  /** Called when everything written was taken, after some of it had to wait. */
  onDrain: () => void;
  /** Called once, when either side closed or the pipe broke. */
  onClose: () => void;
}

/** @throws SshMcpError TOO_LARGE when the message does not fit a control frame */
export const encodeControl = (call: number, message: ClientMessage | BrokerMessage): Uint8Array =>
  encodeJson(frameType.control, call, message);

export const encodePrompt = (call: number, message: PromptMessage): Uint8Array =>
  encodeJson(frameType.prompt, call, message);

export const encodeVariablesRequest = (call: number, message: VariablesRequest): Uint8Array =>
  encodeJson(frameType.env, call, message);

/** The error for two sides of different major versions. */
export const otherLanguage = ({ broker, client }: { broker: number; client: number }): SshMcpError =>
  new SshMcpError("BROKER_UNAVAILABLE", `the running broker speaks protocol ${broker}, this client ${client}`, {
    hint: "ssh-mcp broker restart",
  });
