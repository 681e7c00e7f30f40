/** Names are bytes: every one of them has a text of its own, and comes back. */
import { expect, test } from "bun:test";
import fc from "fast-check";
import { pathBytes, pathText } from "../../../src/core/files/path-text.ts";

const bytes = (...values: number[]): Uint8Array => Uint8Array.from(values);

test("UTF-8 is its text", () => {
  fc.assert(
    fc.property(fc.string({ unit: "grapheme" }), (text) => {
      expect(pathText(new TextEncoder().encode(text))).toBe(text);
      expect(pathBytes(text)).toEqual(new TextEncoder().encode(text));
    }),
  );
  const kept = "\ufeffa\ufffdb\u{1f600}";
  expect(pathText(pathBytes(kept))).toBe(kept);
});

test("all other bytes come back, each by itself, also between what is UTF-8", () => {
  const part = fc.oneof(
    fc.uint8Array({ maxLength: 6 }),
    fc.constantFrom("é", "€", "😀", "�", "x").map((text) => new TextEncoder().encode(text)),
  );
  fc.assert(
    fc.property(fc.array(part), (parts) => {
      const name = Uint8Array.from(parts.flatMap((some) => [...some]));
      const text = pathText(name);
      expect(pathBytes(text)).toEqual(name);
      // What JSON says of it is the same name.
      expect(pathBytes(JSON.parse(JSON.stringify(text)))).toEqual(name);
    }),
  );
});

test.each([
  ["a byte that goes on with nothing", bytes(0x61, 0x80, 0x62), "a\udc80b"],
  ["too long for what it says", bytes(0xc0, 0xaf), "\udcc0\udcaf"],
  ["a surrogate", bytes(0xed, 0xa0, 0x80), "\udced\udca0\udc80"],
  ["above U+10FFFF", bytes(0xf4, 0x90, 0x80, 0x80), "\udcf4\udc90\udc80\udc80"],
  ["cut", bytes(0x61, 0xe2, 0x82), "a\udce2\udc82"],
  ["a pair beside a bad byte", bytes(0xff, 0xf0, 0x9f, 0x98, 0x80), "\udcff\u{1f600}"],
])("%s", (_what, name, text) => {
  expect(pathText(name)).toBe(text);
  expect(pathBytes(text)).toEqual(name);
});

test("long names, around the pieces that they are made of", () => {
  for (const length of [4094, 4095, 4096, 4097, 10_000]) {
    const name = new Uint8Array(length + 4).fill(0x80);
    name.set(new TextEncoder().encode("😀"), length - 2);
    expect(pathText(name)).toHaveLength(length + 2);
    expect(pathBytes(pathText(name))).toEqual(name);
  }
});

test("a surrogate that no byte stands behind has none", () => {
  const replaced = new TextEncoder().encode("�");
  for (const text of ["\ud800", "\udc00", "\udc7f", "\udd00", "\ud83d"]) expect(pathBytes(text)).toEqual(replaced);
  expect(pathBytes("\udc00\udc80")).toEqual(bytes(...replaced, 0x80));
});
