/**
 * File names are bytes, and JavaScript's strings are not. A name that is UTF-8 is its text; every byte that is no part of valid UTF-8
 * stands as a lone surrogate U+DC80–U+DCFF, so that the bytes come back exactly (Python's `surrogateescape`, PEP 383). JSON writes such a
 * character as `\udcXX` and reads it back.
 */

const strict = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const encoder = new TextEncoder();
const escaped = /[\udc80-\udcff]/;

/** The text of a path as a server or a disk gave it. */
export const pathText = (bytes: Uint8Array): string => {
  try {
    return strict.decode(bytes);
  } catch {
    return piecewise(bytes);
  }
};

/** The bytes of a path. A surrogate that no byte stands behind has none, and becomes U+FFFD. */
export const pathBytes = (text: string): Uint8Array => {
  if (!escaped.test(text)) return encoder.encode(text);
  const parts: number[] = [];
  for (const character of text) {
    const code = character.codePointAt(0) ?? 0;
    if (code >= 0xdc80 && code <= 0xdcff) parts.push(code - 0xdc00);
    else parts.push(...encoder.encode(character));
  }
  return Uint8Array.from(parts);
};

const piecewise = (bytes: Uint8Array): string => {
  let text = "";
  for (let at = 0; at < bytes.length; ) {
    const length = sequenceLength(bytes, at);
    text +=
      length === 0 ? String.fromCharCode(0xdc00 + (bytes[at] ?? 0)) : strict.decode(bytes.subarray(at, at + length));
    at += Math.max(length, 1);
  }
  return text;
};

/** Bytes of the valid sequence that begins here (RFC 3629, section 4); 0 when there is none. */
const sequenceLength = (bytes: Uint8Array, at: number): number => {
  const first = bytes[at] ?? 0;
  const length = first < 0x80 ? 1 : first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : first >= 0xc2 ? 2 : 0;
  try {
    if (length > 0 && at + length <= bytes.length)
      return strict.decode(bytes.subarray(at, at + length)) === "" ? 0 : length;
  } catch {}
  return 0;
};
