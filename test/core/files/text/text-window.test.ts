import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { NumberedLines, numberedText } from "../../../../src/core/files/text/numbered-lines.ts";
import { type Limits, TextWindow, type Wanted } from "../../../../src/core/files/text/text-window.ts";

const encoder = new TextEncoder();
const decoder = new TextDecoder();
const endless: Limits = { bytes: Number.MAX_SAFE_INTEGER, lines: Number.MAX_SAFE_INTEGER };

/** A text in pieces of any size. */
const pieces = (text: string, sizes: readonly number[]): Uint8Array[] => {
  const bytes = encoder.encode(text);
  const found: Uint8Array[] = [];
  for (let at = 0, turn = 0; at < bytes.length; turn++) {
    const size = Math.max(1, sizes[turn % Math.max(1, sizes.length)] ?? 7);
    found.push(bytes.slice(at, at + size));
    at += size;
  }
  return found;
};

const pick = (text: string, wanted: Wanted, limits = endless, sizes: readonly number[] = [3]) => {
  const window = new TextWindow(wanted, limits);
  for (const piece of pieces(text, sizes)) window.push(piece);
  const { bytes, ...picked } = window.picked();
  return { ...picked, text: decoder.decode(bytes), lines: window.lines };
};

const text = fc.array(fc.constantFrom("a", "bb", "\n", "\n", "é", "ccc"), { maxLength: 40 }).map((all) => all.join(""));
const sizes = fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 4 });
const linesOf = (all: string): string[] => all.match(/[^\n]*\n|[^\n]+$/g) ?? [];

describe("a window", () => {
  test("of lines holds what splitting gives, however it comes in pieces", () => {
    const number = fc.integer({ min: 1, max: 12 });
    fc.assert(
      fc.property(text, number, fc.option(number), sizes, (all, from, count, cuts) => {
        const to = count === null ? null : from + count - 1;
        const picked = pick(all, { kind: "lines", from, to }, endless, cuts);
        const expected = linesOf(all).slice(from - 1, to ?? undefined);
        expect(picked.text).toBe(expected.join(""));
        expect(picked.truncated).toBe(false);
        expect(picked.lines).toBe(linesOf(all).length);
        if (expected.length > 0) expect([picked.startLine, picked.endLine]).toEqual([from, from + expected.length - 1]);
      }),
      { numRuns: 2000 },
    );
  });

  test("of the last lines, and of bytes", () => {
    fc.assert(
      fc.property(text, fc.integer({ min: 0, max: 12 }), sizes, (all, count, cuts) => {
        const lines = linesOf(all);
        const tail = pick(all, { kind: "tail", lines: count }, endless, cuts);
        expect(tail.text).toBe(lines.slice(Math.max(0, lines.length - count)).join(""));
        if (tail.text !== "") expect(tail.startLine).toBe(Math.max(0, lines.length - count) + 1);
        const bytes = pick(all, { kind: "bytes", offset: count, length: 5 }, endless, cuts);
        expect(bytes.text).toBe(decoder.decode(encoder.encode(all).subarray(count, count + 5)));
      }),
      { numRuns: 2000 },
    );
  });

  test("read on from where it says gives the whole, in pieces under the limits", () => {
    const limits = fc.record({ bytes: fc.integer({ min: 8, max: 20 }), lines: fc.integer({ min: 1, max: 5 }) });
    fc.assert(
      fc.property(text, limits, sizes, (all, limit, cuts) => {
        let [read, wanted]: [string, Wanted] = ["", { kind: "lines", from: 1, to: null }];
        for (let turn = 0; turn < 100; turn++) {
          const picked = pick(all, wanted, limit, cuts);
          expect(encoder.encode(picked.text).length).toBeLessThanOrEqual(limit.bytes);
          expect(linesOf(picked.text).length).toBeLessThanOrEqual(limit.lines + (wanted.kind === "bytes" ? 99 : 0));
          read += picked.text;
          if (!picked.truncated) break;
          const next = picked.offset + encoder.encode(picked.text).length;
          wanted =
            picked.nextLine === null
              ? { kind: "bytes", offset: next, length: null }
              : { kind: "lines", from: picked.nextLine, to: null };
        }
        expect(read).toBe(all);
      }),
      { numRuns: 2000 },
    );
  });

  test("of the end keeps the end, in bounds", () => {
    const all = Array.from({ length: 1000 }, (_, index) => `${index + 1}\n`).join("");
    const picked = pick(all, { kind: "tail", lines: 500 }, { bytes: 20, lines: 2000 }, [1, 7]);
    expect(picked).toMatchObject({ text: "997\n998\n999\n1000\n", startLine: 997, endLine: 1000, truncated: true });
  });

  test("is full when nothing more can be in it", () => {
    const window = new TextWindow({ kind: "lines", from: 1, to: 1 }, endless);
    window.push(encoder.encode("a"));
    expect(window.full).toBe(false);
    window.push(encoder.encode("b\nc"));
    expect(window.full).toBe(true);
    expect(decoder.decode(window.picked().bytes)).toBe("ab\n");
  });
});

test("numbers stand before the lines, however these come", () => {
  expect(numberedText("a\n\nb", 9)).toBe("     9\ta\n    10\t\n    11\tb");
  fc.assert(
    fc.property(text, sizes, (all, cuts) => {
      const numbered = new NumberedLines(5);
      const bytes = pieces(all, cuts).map((piece) => numbered.push(piece));
      expect(decoder.decode(Buffer.concat(bytes))).toBe(numberedText(all, 5));
    }),
  );
});
