/**
 * Frames between a face and the broker: `u32 length | u8 type | u32 call | payload`, big endian, where length counts
 * everything after itself. One connection carries many calls; call 0 is the connection's own. Imports no package: the
 * client's warm path is built on it.
 */
import { SshMcpError } from "../../core/errors.ts";

export const frameType = {
  /** JSON, see `ClientMessage` and `BrokerMessage`. */
  control: 1,
  /** Bytes for the command's standard input; needs credit. */
  stdin: 2,
  stdout: 3,
  stderr: 4,
  /**
   * The sender's stream for this call is complete; the payload is empty. Only
   * stdin has one: outputs end with the result.
   */
  eof: 5,
  /** `u8 stream | u32 bytes`: the receiver may send that many more bytes of that stream. */
  credit: 6,
  /** JSON `Question` with an id, broker to client; the answer is a control message. */
  prompt: 7,
  /** A piece of a result too large for one control frame; the pieces precede their `result` message. */
  value: 8,
  /** JSON: the broker asks for variables of the caller's environment (`VariablesRequest`); the client answers with a control message. */
  env: 9,
  /** A part of a file that the client's process opens for the operation, either way: see file-frames.ts. */
  file: 10,
} as const;

export type FrameType = (typeof frameType)[keyof typeof frameType];
export type StreamType = typeof frameType.stdin | typeof frameType.stdout | typeof frameType.stderr;

export interface Frame {
  type: number;
  call: number;
  /** Nobody changes it any more. It is a view, and who keeps a small one keeps the memory of all that came with it: such a one is copied. */
  payload: Uint8Array;
}

/** Largest JSON control or prompt frame. */
export const controlLimit = 1024 * 1024;
/** Largest payload of a stream, value or file frame. */
export const dataLimit = 256 * 1024;
const headerLength = 9;
const noBytes = new Uint8Array(0);
const encoder = new TextEncoder();
const decoder = new TextDecoder();

export const encodeFrame = (type: FrameType, call: number, payload: Uint8Array = noBytes): Uint8Array => {
  const bytes = new Uint8Array(headerLength + payload.length);
  writeHeader(bytes, type, call, payload.length);
  bytes.set(payload, headerLength);
  return bytes;
};

/** A frame without its payload, which must follow at once: nobody has to copy a large one. */
export const encodeHeader = (type: FrameType, call: number, payloadLength: number): Uint8Array => {
  const bytes = new Uint8Array(headerLength);
  writeHeader(bytes, type, call, payloadLength);
  return bytes;
};

const writeHeader = (bytes: Uint8Array, type: FrameType, call: number, payloadLength: number): void => {
  const view = new DataView(bytes.buffer);
  view.setUint32(0, headerLength - 4 + payloadLength);
  view.setUint8(4, type);
  view.setUint32(5, call);
};

/** @throws SshMcpError TOO_LARGE when the message does not fit a control frame */
export const encodeJson = (type: FrameType, call: number, message: unknown): Uint8Array => {
  const payload = encoder.encode(JSON.stringify(message));
  if (payload.length > controlLimit) {
    throw new SshMcpError("TOO_LARGE", `a message of ${payload.length} bytes is over the limit of ${controlLimit}`, {
      hint: "send it in parts, or as a file: ssh_transfer, ssh-mcp cp",
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

/** The error for a peer that breaks the protocol. */
export const malformed = (what: string, cause?: unknown): SshMcpError =>
  new SshMcpError("PROTOCOL_ERROR", `the other side sent ${what}`, { cause });

/**
 * Cuts a byte stream into frames. Holds at most one incomplete frame, whose length was checked before a byte of its
 * payload was kept; the work is linear in the bytes however they are portioned.
 */
export class FrameReader {
  #held: Uint8Array = noBytes;
  #length = 0;

  /**
   * @param bytes the next bytes of the stream, in any portions
   * @throws SshMcpError PROTOCOL_ERROR for an unknown type or a length over the limit; the stream is lost then
   */
  push(bytes: Uint8Array, handle: (frame: Frame) => void): void {
    let rest = bytes;
    if (this.#length > 0) {
      rest = this.#hold(rest, headerLength);
      if (this.#length < headerLength) return;
      const size = frameSize(this.#held);
      rest = this.#hold(rest, size);
      if (this.#length < size) return;
      const whole = this.#held.subarray(0, size);
      this.#held = noBytes;
      this.#length = 0;
      handle(frameOf(whole));
    }
    while (rest.length >= headerLength) {
      const size = frameSize(rest);
      if (rest.length < size) break;
      handle(frameOf(rest.subarray(0, size)));
      rest = rest.subarray(size);
    }
    this.#hold(rest, rest.length);
  }

  /** Keeps bytes until `upTo` of the frame are held; returns those that are left. */
  #hold(bytes: Uint8Array, upTo: number): Uint8Array {
    const taken = Math.min(bytes.length, upTo - this.#length);
    if (taken <= 0) return bytes;
    const length = this.#length + taken;
    if (length > this.#held.length) {
      const larger = new Uint8Array(Math.max(length, Math.min(upTo, this.#held.length * 2)));
      larger.set(this.#held.subarray(0, this.#length));
      this.#held = larger;
    }
    this.#held.set(bytes.subarray(0, taken), this.#length);
    this.#length = length;
    return bytes.subarray(taken);
  }
}

/**
 * The frame that the bytes begin with, and its size, header included.
 * @returns null when it is not whole
 * @throws SshMcpError PROTOCOL_ERROR as `FrameReader.push`
 */
export const firstFrame = (bytes: Uint8Array): { frame: Frame; size: number } | null => {
  if (bytes.length < headerLength) return null;
  const size = frameSize(bytes);
  return bytes.length < size ? null : { frame: frameOf(bytes.subarray(0, size)), size };
};

const frameOf = (bytes: Uint8Array): Frame => ({
  type: bytes[4] ?? 0,
  call: new DataView(bytes.buffer, bytes.byteOffset).getUint32(5),
  payload: bytes.subarray(headerLength),
});

/** The size of the frame that begins here, header included; there must be a whole header. */
const frameSize = (bytes: Uint8Array): number => {
  const view = new DataView(bytes.buffer, bytes.byteOffset, headerLength);
  const length = view.getUint32(0);
  const type = view.getUint8(4);
  const json = type === frameType.control || type === frameType.prompt || type === frameType.env;
  if (type < frameType.control || type > frameType.file) throw malformed(`a frame of type ${type}`);
  const payload = length - (headerLength - 4);
  if (payload < 0 || payload > (json ? controlLimit : dataLimit)) throw malformed(`a frame of ${length} bytes`);
  return length + 4;
};
