/** Links between a client and a real SFTP server that are bad in one way. */
import type { SftpLink } from "../../src/ssh/sftp/sftp-link.ts";

/** Dies after so many bytes, both directions together; what comes before is passed on to the byte. */
export const cutLink = (inner: SftpLink, afterBytes: number): SftpLink => {
  let left = afterBytes;
  const pass = (bytes: Uint8Array, on: (part: Uint8Array) => void): void => {
    if (left <= 0) return;
    on(bytes.subarray(0, left));
    left -= bytes.length;
    if (left <= 0) inner.end();
  };
  const link: SftpLink = {
    send: (bytes) => pass(bytes, (part) => inner.send(part)),
    onData: () => undefined,
    ended: inner.ended,
    end: () => inner.end(),
  };
  inner.onData = (chunk) => void pass(chunk, (part) => link.onData(part));
  return link;
};

/** Takes half of a round trip for each direction, in milliseconds. */
export const slowLink = (inner: SftpLink, roundTripMs: number): SftpLink => {
  const later = (work: () => void) => setTimeout(work, roundTripMs / 2);
  const link: SftpLink = {
    send: (bytes) => void later(() => inner.send(bytes)),
    onData: () => undefined,
    ended: inner.ended,
    end: () => inner.end(),
  };
  inner.onData = (chunk) => void later(() => link.onData(chunk));
  return link;
};
