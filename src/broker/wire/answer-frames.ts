/** The last frames of a call: its result, or why there is none. */
import { SshMcpError } from "../../core/errors.ts";
import { controlLimit, dataLimit, encodeHeader, frameType } from "./frame.ts";
import { encodeControl, valueLimit } from "./protocol.ts";

/** Over half a control frame, a result travels in pieces. */
const wholeLimit = controlLimit / 2;
/** Messages and hints hold words of servers; longer ones help nobody and must fit a frame. */
const longestText = 8 * 1024;

const encoder = new TextEncoder();

/**
 * The bytes of a result's frames, to be sent one after another at once: large payloads are not copied.
 * @throws SshMcpError TOO_LARGE, INTERNAL for what JSON cannot say
 */
export const encodeResult = (call: number, value: unknown): Uint8Array[] => {
  const text = stringify(value);
  const json = encoder.encode(text);
  if (json.length > valueLimit) {
    throw new SshMcpError("TOO_LARGE", `the result of ${json.length} bytes is over the limit of ${valueLimit}`);
  }
  if (json.length <= wholeLimit) {
    // The message of protocol.ts, around the JSON that is there already.
    const message = encoder.encode(`{"kind":"result","value":${text},"chunked":false}`);
    return [encodeHeader(frameType.control, call, message.length), message];
  }
  const pieces: Uint8Array[] = [];
  for (let at = 0; at < json.length; at += dataLimit) {
    const piece = json.subarray(at, at + dataLimit);
    pieces.push(encodeHeader(frameType.value, call, piece.length), piece);
  }
  return [...pieces, encodeControl(call, { kind: "result", value: null, chunked: true })];
};

/** The frame of an error, its texts cut to what fits. */
export const encodeFailure = (call: number, error: SshMcpError): Uint8Array => {
  const record = error.toRecord();
  const hint = record.hint === null ? null : shortened(record.hint);
  return encodeControl(call, { kind: "failure", error: { ...record, message: shortened(record.message), hint } });
};

const stringify = (value: unknown): string => {
  try {
    return JSON.stringify(value) ?? "null";
  } catch (cause) {
    throw new SshMcpError("INTERNAL", "the result cannot be written as JSON", { cause });
  }
};

const shortened = (text: string): string => (text.length > longestText ? `${text.slice(0, longestText)}…` : text);
