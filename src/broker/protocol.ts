/**
 * Frames between a face and the broker: `u32 length | u8 type | u32 call | payload`, big endian, where length counts
 * everything after itself. One connection carries many calls; call 0 is the connection's own. Data flows by credit, so that a slow
 * reader stops its own sender and nobody else. Imports no package: the client's warm path is built on it.
 */
import { type ErrorRecord, SshMcpError } from "../core/errors.ts";
import type { Caller } from "../core/operation.ts";
import type { Question } from "../core/session.ts";

/** Another major number is another language: the hello is refused. */
export const protocolVersion = 1;

export const frameType = {
  /** JSON, see `ClientMessage` and `BrokerMessage`. */
  control: 1,
  /** Bytes for the command's standard input; needs credit. */
  stdin: 2,
  stdout: 3,
  stderr: 4,
  /** The sender's stream for this call is complete; the payload is empty. Only stdin has one: outputs end with the result. */
  eof: 5,
  /** `u8 stream | u32 bytes`: the receiver may send that many more bytes of that stream. */
  credit: 6,
  /** JSON `Question` with an id, broker to client; the answer is a control message. */
  prompt: 7,
  /** A piece of a result too large for one control frame; the pieces precede their `result` message. */
  value: 8,
} as const;

export type FrameType = (typeof frameType)[keyof typeof frameType];
export type StreamType = typeof frameType.stdin | typeof frameType.stdout | typeof frameType.stderr;

export interface Frame {
  type: number;
  call: number;
  /** A view into the reader's buffer, valid until the frame's handler returns: whoever keeps it copies it. */
  payload: Uint8Array;
}

/** Largest JSON control or prompt frame. */
export const controlLimit = 1024 * 1024;
/** Largest payload of a stream or value frame. */
export const dataLimit = 256 * 1024;
/** Credit each stream of a call starts with, in bytes. */
export const initialCredit = { stdin: 256 * 1024, stdout: 1024 * 1024, stderr: 1024 * 1024 } as const;

export interface Hello {
  kind: "hello";
  protocol: number;
  release: string;
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
  | { kind: "answer"; prompt: number; value: string | null };

export type BrokerMessage =
  | { kind: "welcome"; protocol: number; release: string; pid: number }
  | { kind: "accepted" }
  | { kind: "progress"; elapsedMs: number; message: string }
  /** When `chunked`, the JSON came in `value` frames before and `value` is null. */
  | { kind: "result"; value: unknown; chunked: boolean }
  | { kind: "failure"; error: ErrorRecord };

export type PromptMessage = Question & { prompt: number };

/** A byte pipe to the other side: a socket, or one end of an in-memory pair. */
export interface Transport {
  /** Queues bytes; never blocks. Bytes written after close are dropped. */
  write(bytes: Uint8Array): void;
  close(): void;
  /** Set once, before the first byte arrives. */
  onData: (bytes: Uint8Array) => void;
  /** Called once, when either side closed or the pipe broke. */
  onClose: () => void;
}

const headerLength = 9;
const noBytes = new Uint8Array(0);
const encoder = new TextEncoder();
const decoder = new TextDecoder();

export const encodeFrame = (type: FrameType, call: number, payload: Uint8Array = noBytes): Uint8Array => {
  const bytes = new Uint8Array(headerLength + payload.length);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, headerLength - 4 + payload.length);
  view.setUint8(4, type);
  view.setUint32(5, call);
  bytes.set(payload, headerLength);
  return bytes;
};

/** @throws SshMcpError TOO_LARGE when the message does not fit a control frame */
export const encodeControl = (call: number, message: ClientMessage | BrokerMessage): Uint8Array =>
  encodeJson(frameType.control, call, message);

export const encodePrompt = (call: number, message: PromptMessage): Uint8Array =>
  encodeJson(frameType.prompt, call, message);

const encodeJson = (type: FrameType, call: number, message: unknown): Uint8Array => {
  const payload = encoder.encode(JSON.stringify(message));
  if (payload.length > controlLimit) {
    throw new SshMcpError("TOO_LARGE", `a request of ${payload.length} bytes is over the limit of ${controlLimit}`, {
      hint: "send long input through stdin",
    });
  }
  return encodeFrame(type, call, payload);
};

export const encodeCredit = (call: number, stream: StreamType, bytes: number): Uint8Array => {
  const payload = new Uint8Array(5);
  const view = new DataView(payload.buffer);
  view.setUint8(0, stream);
  view.setUint32(1, bytes);
  return encodeFrame(frameType.credit, call, payload);
};

/** @throws SshMcpError PROTOCOL_ERROR on a payload of another length */
export const decodeCredit = (payload: Uint8Array): { stream: number; bytes: number } => {
  if (payload.length !== 5) throw malformed("a credit frame of the wrong length");
  const view = new DataView(payload.buffer, payload.byteOffset, payload.byteLength);
  return { stream: view.getUint8(0), bytes: view.getUint32(1) };
};

/** @throws SshMcpError PROTOCOL_ERROR when the payload is not JSON */
export const decodeJson = (payload: Uint8Array): unknown => {
  try {
    return JSON.parse(decoder.decode(payload));
  } catch (cause) {
    throw malformed("a control frame that is not JSON", cause);
  }
};

const malformed = (what: string, cause?: unknown): SshMcpError =>
  new SshMcpError("PROTOCOL_ERROR", `the other side sent ${what}`, { cause });

/** Cuts a byte stream into frames. Holds at most one incomplete frame, whose length was checked before a byte of it was kept. */
export class FrameReader {
  #held: Uint8Array = noBytes;

  /**
   * @param bytes the next bytes of the stream, in any portions
   * @throws SshMcpError PROTOCOL_ERROR for an unknown type or a length over the limit; the stream is lost then
   */
  push(bytes: Uint8Array, handle: (frame: Frame) => void): void {
    let data = bytes;
    if (this.#held.length > 0) {
      data = new Uint8Array(this.#held.length + bytes.length);
      data.set(this.#held);
      data.set(bytes, this.#held.length);
    }
    let at = 0;
    while (data.length - at >= headerLength) {
      const view = new DataView(data.buffer, data.byteOffset + at, headerLength);
      const length = view.getUint32(0);
      const type = view.getUint8(4);
      checkHeader(type, length);
      if (data.length - at < 4 + length) break;
      const payload = data.subarray(at + headerLength, at + 4 + length);
      at += 4 + length;
      handle({ type, call: view.getUint32(5), payload });
    }
    this.#held = at === data.length ? noBytes : data.slice(at);
  }
}

const checkHeader = (type: number, length: number): void => {
  const control = type === frameType.control || type === frameType.prompt;
  if (!control && !(type >= frameType.stdin && type <= frameType.value)) throw malformed(`a frame of type ${type}`);
  const payload = length - (headerLength - 4);
  if (payload < 0 || payload > (control ? controlLimit : dataLimit)) throw malformed(`a frame of ${length} bytes`);
};
