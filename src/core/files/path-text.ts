/**
 * File names are bytes, and JavaScript's strings are not. A name that is UTF-8 is its text; every byte that is no part of valid UTF-8
 * stands as a lone surrogate U+DC80–U+DCFF, so that the bytes come back exactly (Python's `surrogateescape`, PEP 383). JSON writes such a
 * character as `\udcXX` and reads it back.
 */

const lenient = new TextDecoder("utf-8", { ignoreBOM: true });
const encoder = new TextEncoder();
const surrogate = /[\ud800-\udfff]/;
/** Units that become a string at once: more arguments than that are too many for a function. Here once: names come by the thousand. */
const units = new Uint16Array(4096);

/** The text of a path as a server or a disk gave it. */
export const pathText = (bytes: Uint8Array): string => {
  const text = lenient.decode(bytes);
  // What stands for bytes that are no UTF-8, and may also be a name's own. Not told by an exception: a server may send names by the thousand.
  return text.includes("\ufffd") ? escapedText(bytes) : text;
};

/** The bytes of a path. A surrogate that no byte stands behind has none, and becomes U+FFFD. */
export const pathBytes = (text: string): Uint8Array =>
  surrogate.test(text) ? escapedBytes(text) : encoder.encode(text);

const escapedText = (bytes: Uint8Array): string => {
  let text = "";
  let count = 0;
  for (let at = 0; at < bytes.length; ) {
    // No sequence becomes more than two.
    if (count > units.length - 2) {
      text += stringOf(count);
      count = 0;
    }
    const first = bytes[at] ?? 0;
    const length = sequenceLength(bytes, at);
    if (length === 0) units[count++] = 0xdc00 + first;
    else if (length === 1) units[count++] = first;
    else if (length === 2) units[count++] = ((first & 0x1f) << 6) | rest(bytes, at + 1);
    else if (length === 3) {
      units[count++] = ((first & 0x0f) << 12) | (rest(bytes, at + 1) << 6) | rest(bytes, at + 2);
    } else {
      const above =
        (((first & 0x07) << 18) | (rest(bytes, at + 1) << 12) | (rest(bytes, at + 2) << 6) | rest(bytes, at + 3)) -
        0x1_0000;
      units[count++] = 0xd800 | (above >> 10);
      units[count++] = 0xdc00 | (above & 0x3ff);
    }
    at += Math.max(length, 1);
  }
  return text + stringOf(count);
};

/** The first units. */
const stringOf = (count: number): string =>
  String.fromCharCode.apply(null, units.subarray(0, count) as unknown as number[]);

/** What a byte behind the first one adds. */
const rest = (bytes: Uint8Array, at: number): number => (bytes[at] ?? 0) & 0x3f;

const escapedBytes = (text: string): Uint8Array => {
  // No unit takes more than three bytes, and no pair more than four.
  const bytes = new Uint8Array(3 * text.length);
  let count = 0;
  for (let at = 0; at < text.length; at++) {
    const unit = text.charCodeAt(at);
    if (unit >= 0xdc80 && unit <= 0xdcff) {
      bytes[count++] = unit - 0xdc00;
      continue;
    }
    let code = unit;
    if (unit >= 0xd800 && unit <= 0xdfff) {
      const low = unit < 0xdc00 && at + 1 < text.length ? text.charCodeAt(at + 1) : 0;
      const isPair = low >= 0xdc00 && low <= 0xdfff;
      code = isPair ? 0x1_0000 + ((unit & 0x3ff) << 10) + (low & 0x3ff) : 0xfffd;
      if (isPair) at++;
    }
    if (code < 0x80) {
      bytes[count++] = code;
      continue;
    }
    if (code < 0x800) bytes[count++] = 0xc0 | (code >> 6);
    else {
      if (code < 0x1_0000) bytes[count++] = 0xe0 | (code >> 12);
      else {
        bytes[count++] = 0xf0 | (code >> 18);
        bytes[count++] = 0x80 | ((code >> 12) & 0x3f);
      }
      bytes[count++] = 0x80 | ((code >> 6) & 0x3f);
    }
    bytes[count++] = 0x80 | (code & 0x3f);
  }
  return bytes.slice(0, count);
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
