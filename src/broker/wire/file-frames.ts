/**
 * The payload of a `file` frame: `u32 file | u8 part | bytes`, big endian. The broker has the client open a file under a number that it
 * uses once in a call, and gives credit for what it took; the client sends data, then one end or one failure. Or it asks something about local
 * files under such a number: then data goes either way, each under the other's credit, and one reply or one failure of the client ends it. Either
 * lets go without waiting for the other: what is said of it afterwards was on its way, and says nothing.
 */
import { dataLimit, encodeFrame, encodeHeader, frameType, malformed } from "./frame.ts";

export const filePart = {
  /** Broker to client: JSON `FileRequest`. Its data has the credit of a whole window. */
  open: 1,
  /** Either way: `u32`, so many bytes more. */
  credit: 2,
  /** Broker to client: nobody reads any more. */
  close: 3,
  /** Bytes of the file, or of what was asked; needs credit. */
  data: 4,
  /** The file is complete, or what the broker has to say to what it asked. */
  end: 5,
  /** JSON `ErrorRecord`; the file could not be opened, or not be read any further. Of what was asked: either side cannot go on. */
  failure: 6,
  /** Broker to client: JSON `SideRequest`. Both sides have the credit of a whole `sideWindow`. */
  ask: 7,
  /** Client to broker: JSON, and the end of what was asked. */
  reply: 8,
  /** Client to broker: JSON `SideEvent`. */
  event: 9,
  /** Broker to client: JSON `HandedWord`. */
  handed: 10,
} as const;

export type FilePart = (typeof filePart)[keyof typeof filePart];

export interface FileMessage {
  file: number;
  part: number;
  /** A view into the frame. */
  bytes: Uint8Array;
}

const headLength = 5;
const noBytes = new Uint8Array(0);

/** Bytes of the longest piece of data. */
export const filePieceLimit = dataLimit - headLength;

/** @param bytes at most `filePieceLimit` */
export const encodeFilePart = (call: number, file: number, part: FilePart, bytes: Uint8Array = noBytes): Uint8Array => {
  const payload = new Uint8Array(headLength + bytes.length);
  const view = new DataView(payload.buffer);
  view.setUint32(0, file);
  view.setUint8(4, part);
  payload.set(bytes, headLength);
  return encodeFrame(frameType.file, call, payload);
};

/** What precedes so many bytes of data, which must follow at once: nobody has to copy them. */
export const encodeDataHead = (call: number, file: number, length: number): Uint8Array => {
  const header = encodeHeader(frameType.file, call, headLength + length);
  const bytes = new Uint8Array(header.length + headLength);
  bytes.set(header);
  new DataView(bytes.buffer).setUint32(header.length, file);
  bytes[header.length + 4] = filePart.data;
  return bytes;
};

export const encodeFileCredit = (call: number, file: number, bytes: number): Uint8Array => {
  const amount = new Uint8Array(4);
  new DataView(amount.buffer).setUint32(0, bytes);
  return encodeFilePart(call, file, filePart.credit, amount);
};

/** @throws SshMcpError PROTOCOL_ERROR for a payload without its head */
export const decodeFilePart = (payload: Uint8Array): FileMessage => {
  if (payload.length < headLength) throw malformed("a file frame that is too short");
  const view = new DataView(payload.buffer, payload.byteOffset, payload.byteLength);
  return { file: view.getUint32(0), part: view.getUint8(4), bytes: payload.subarray(headLength) };
};

/** @throws SshMcpError PROTOCOL_ERROR for anything but four bytes */
export const decodeFileCredit = (bytes: Uint8Array): number => {
  if (bytes.length !== 4) throw malformed("credit for a file of the wrong length");
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength).getUint32(0);
};
