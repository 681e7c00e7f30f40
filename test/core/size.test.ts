import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { formatSize, parseSize } from "../../src/core/size.ts";

const good: [text: string, bytes: number][] = [
  ["0", 0],
  ["16384", 16_384],
  ["512B", 512],
  ["512b", 512],
  ["16k", 16_384],
  ["16K", 16_384],
  ["16KiB", 16_384],
  ["16kib", 16_384],
  ["16Ki", 16_384],
  ["16 KiB", 16_384],
  ["16kB", 16_000],
  ["16KB", 16_000],
  ["1M", 1_048_576],
  ["1MiB", 1_048_576],
  ["1MB", 1_000_000],
  ["1G", 1_073_741_824],
  ["1GB", 1_000_000_000],
  ["2T", 2_199_023_255_552],
  ["1P", 1_125_899_906_842_624],
  ["1.5k", 1536],
  ["0.5MB", 500_000],
  ["1.1M", 1_153_434],
  ["9007199254740991", Number.MAX_SAFE_INTEGER],
];

const bad = [
  "",
  " ",
  "k",
  "-1",
  "+1",
  "1e3",
  "0x10",
  "1.5",
  "1.5B",
  "1.",
  ".5k",
  "1  k",
  " 1k",
  "1k ",
  "1k\n",
  "1iB",
  "1i",
  "1kk",
  "1E",
  "1,000",
  "NaN",
  "٣k",
  "9007199254740992",
  "8P",
  `${"9".repeat(400)}k`,
];

describe("parsing sizes", () => {
  test.each(good)("%s is %d bytes", (text, bytes) => {
    expect(parseSize(text)).toBe(bytes);
  });

  test.each(bad)("%j is refused", (text) => {
    expect(() => parseSize(text)).toThrow(expect.objectContaining({ code: "INVALID_INPUT" }));
  });

  test("the message shows the input escaped", () => {
    expect(() => parseSize("1\u202ek")).toThrow('"1\\u202ek" is not a size');
  });
});

const forms: [bytes: number, text: string][] = [
  [0, "0 B"],
  [1, "1 B"],
  [1023, "1023 B"],
  [1024, "1 KiB"],
  [1536, "1.5 KiB"],
  [16_384, "16 KiB"],
  [10_188, "9.9 KiB"],
  [10_239, "10 KiB"],
  [1_048_575, "1 MiB"],
  [1_048_576, "1 MiB"],
  [5_368_709_120, "5 GiB"],
  [Number.MAX_SAFE_INTEGER, "8 PiB"],
];

describe("formatting sizes", () => {
  test.each(forms)("%d bytes are %s", (bytes, text) => {
    expect(formatSize(bytes)).toBe(text);
  });

  test("what is shown parses, to within a twentieth", () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 2 ** 52 }), (bytes) => {
        expect(Math.abs(parseSize(formatSize(bytes)) - bytes)).toBeLessThanOrEqual(bytes / 20);
      }),
    );
  });
});
