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

/** Stretches of valid UTF-8 at once: a server may send very long names, and none may take long. */
const piecewise = (bytes: Uint8Array): string => {
  let text = "";
  let validFrom = 0;
  for (let at = 0; at < bytes.length; ) {
    const length = sequenceLength(bytes, at);
    if (length === 0) {
      if (at > validFrom) text += strict.decode(bytes.subarray(validFrom, at));
      text += String.fromCharCode(0xdc00 + (bytes[at] ?? 0));
      validFrom = at + 1;
    }
    at += Math.max(length, 1);
  }
  return text + strict.decode(bytes.subarray(validFrom));
};

/** Bytes of the valid sequence that begins here (RFC 3629, section 4); 0 when there is none. */
const sequenceLength = (bytes: Uint8Array, at: number): number => {
  const first = bytes[at] ?? 0;
  if (first < 0x80) return 1;
  if (first < 0xc2 || first > 0xf4) return 0;
  const length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
  const second = bytes[at + 1] ?? 0;
  // Too long for what it says, a surrogate, or more than U+10FFFF.
  if (first === 0xe0 && second < 0xa0) return 0;
  if (first === 0xed && second > 0x9f) return 0;
  if (first === 0xf0 && second < 0x90) return 0;
  if (first === 0xf4 && second > 0x8f) return 0;
  for (let next = at + 1; next < at + length; next++) if (((bytes[next] ?? 0) & 0xc0) !== 0x80) return 0;
  return length;
};
