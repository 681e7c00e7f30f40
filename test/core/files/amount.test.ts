import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { formatAmount, formatClock, formatCount, formatPart, formatTaken } from "../../../src/core/files/amount.ts";
import { parseSize } from "../../../src/core/size.ts";

test.each([
  [0, "0 B"],
  [999, "999 B"],
  [1000, "1.0 kB"],
  [3_400_000, "3.4 MB"],
  [99_949, "99.9 kB"],
  [99_950, "100 kB"],
  [999_499, "999 kB"],
  [999_500, "1.0 MB"],
  [120_000_000, "120 MB"],
  [4.5e9, "4.5 GB"],
  [9e15, "9.0 PB"],
  [5e18, "5000 PB"],
])("%d bytes are %s", (bytes, text) => {
  expect(formatAmount(bytes)).toBe(text);
});

test("is what a rate is given by, within a twentieth", () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }), (bytes) => {
      const read = parseSize(formatAmount(bytes));
      return Math.abs(read - bytes) <= Math.max(1, bytes / 20);
    }),
  );
});

test.each([
  [0, 0, "0 of 0 B"],
  [12_300_000, 100_000_000, "12.3 of 100 MB"],
  [5, 2_000_000_000, "0.0 of 2.0 GB"],
  [120, 100, "100 of 100 B"],
])("%d of %d is %s", (bytes, whole, text) => {
  expect(formatPart(bytes, whole)).toBe(text);
});

test.each([
  [0, "0:00"],
  [6.2, "0:07"],
  [59.9, "1:00"],
  [754, "12:34"],
  [3723, "1:02:03"],
  [359_999, "99:59:59"],
  [360_000, "-:--"],
  [-1, "-:--"],
  [Number.POSITIVE_INFINITY, "-:--"],
  [Number.NaN, "-:--"],
  [null, "-:--"],
])("%p seconds left are %s", (seconds, text) => {
  expect(formatClock(seconds)).toBe(text);
});

describe("in a sentence", () => {
  test.each([
    [1, "file", "1 file"],
    [0, "file", "0 files"],
    [2, "directory", "2 directories"],
    [1, "directory", "1 directory"],
  ])("%d %s", (count, what, text) => {
    expect(formatCount(count, what)).toBe(text);
  });

  test.each([
    [0, "0 ms"],
    [85.4, "85 ms"],
    [1200, "1.2 s"],
    [75_000, "75 s"],
    [600_000, "10:00"],
  ])("%d ms are %s", (ms, text) => {
    expect(formatTaken(ms)).toBe(text);
  });
});
