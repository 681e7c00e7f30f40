import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { formatDuration, formatLimit, maxDurationMs, parseDuration } from "../../src/core/duration.ts";

const good: [text: string, ms: number][] = [
  ["0", 0],
  ["30", 30_000],
  ["0.5", 500],
  ["1.1", 1100],
  ["007", 7000],
  ["1500ms", 1500],
  ["30s", 30_000],
  ["5m", 300_000],
  ["8h", 28_800_000],
  ["2d", 172_800_000],
  ["1.5h", 5_400_000],
  ["1h30m", 5_400_000],
  ["1d2h3m4s5ms", 93_784_005],
  ["0s", 0],
  ["0.0001", 1],
  ["0.4ms", 1],
  ["1.4ms", 1],
  ["365d", maxDurationMs],
  ["31536000", maxDurationMs],
];

const bad = [
  "",
  " ",
  "-1",
  "-1s",
  "+1",
  "1e3",
  "0x10",
  "NaN",
  "Infinity",
  "1.",
  ".5",
  "1..5s",
  "1.2.3",
  "s",
  "ms",
  "5 s",
  " 5s",
  "5s ",
  "5s\n",
  "5M",
  "5w",
  "5sec",
  "1h 30m",
  "30m1h",
  "1m1m",
  "1h30",
  "1ms1m",
  "٣s",
  "365d1ms",
  "366d",
  "31536001",
  "9".repeat(400),
  `${"9".repeat(400)}s`,
];

describe("parsing durations", () => {
  test.each(good)("%s is %d ms", (text, ms) => {
    expect(parseDuration(text)).toBe(ms);
  });

  test.each(bad)("%j is refused", (text) => {
    expect(() => parseDuration(text)).toThrow(expect.objectContaining({ code: "INVALID_INPUT" }));
  });

  test("the message shows the input escaped, and says which limit was passed", () => {
    expect(() => parseDuration("5\x1b[31m")).toThrow('"5\\x1b[31m" is not a duration');
    expect(() => parseDuration("400d")).toThrow('the duration "400d" is over the limit of 365d');
  });

  test("any text is a whole number of milliseconds within the limit, or refused", () => {
    const text = fc.oneof(fc.string(), fc.string({ unit: fc.constantFrom(..."0123456789.msmhd-e ") }));
    fc.assert(
      fc.property(text, (input) => {
        let ms = 0;
        try {
          ms = parseDuration(input);
        } catch (error) {
          expect(error).toMatchObject({ code: "INVALID_INPUT" });
        }
        expect(Number.isInteger(ms) && ms >= 0 && ms <= maxDurationMs).toBe(true);
      }),
      { numRuns: 2000 },
    );
  });
});

const shortForms: [ms: number, text: string][] = [
  [-5000, "0s"],
  [0, "0s"],
  [0.4, "0s"],
  [1, "1ms"],
  [999, "999ms"],
  [1000, "1s"],
  [59_999, "59s"],
  [60_000, "1m"],
  [3_599_999, "59m"],
  [3_600_000, "1h"],
  [86_399_999, "23h"],
  [86_400_000, "1d"],
  [400 * 86_400_000, "400d"],
];

describe("formatting durations", () => {
  test.each(shortForms)("%d ms is %s", (ms, text) => {
    expect(formatDuration(ms)).toBe(text);
  });

  test("what is shown parses, is not more than what was meant, and misses less than one unit", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: maxDurationMs }), (ms) => {
        const back = parseDuration(formatDuration(ms));
        expect(back <= ms && back > ms / 2).toBe(true);
      }),
    );
  });
});

describe("formatting limits", () => {
  test.each([
    [0.2, "1ms"],
    [250, "250ms"],
    [999, "999ms"],
    [1000, "1s"],
    [1500, "1.5s"],
    [14_998, "15s"],
    [90_000, "90s"],
    [3_600_000, "3600s"],
  ])("%d ms is %s", (ms, text) => {
    expect(formatLimit(ms)).toBe(text);
  });
});
