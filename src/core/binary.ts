/** Whether bytes are text that is worth showing as such. */

const replacement = "\ufffd";
/** Enough of a stream to see what it is. */
const looked = 16 * 1024;
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

/** A NUL byte, as grep(1) and git judge, or more than a tenth of malformed UTF-8. A few bytes of an older encoding leave it a text. */
export const isBinary = (bytes: Uint8Array): boolean =>
  bytes.includes(0) || isMostlyMalformed(bytes.subarray(0, looked));

const isMostlyMalformed = (bytes: Uint8Array): boolean => {
  const text = decoder.decode(bytes);
  let malformed = 0;
  for (let at = text.indexOf(replacement); at >= 0; at = text.indexOf(replacement, at + 1)) malformed++;
  // What was cut at either end is at most two of them.
  return malformed > 2 && malformed * 10 > text.length;
};
