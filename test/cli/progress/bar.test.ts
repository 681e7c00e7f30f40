import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { barLine } from "../../../src/cli/progress/bar.ts";
import type { TransferProgress } from "../../../src/core/files/transfers.ts";

const half: TransferProgress = {
  bytes: 50_000_000,
  totalBytes: 100_000_000,
  files: 3,
  totalFiles: 10,
  path: "photos/a.jpg",
};

describe("at every width", () => {
  test.each([
    [120, "photos/a.jpg  [===================>                    ]   50%  50.0 of 100 MB  4.5 MB/s  0:12 left  3/10"],
    [80, "photos/a.jpg  [======>       ]   50%  50.0 of 100 MB  4.5 MB/s  0:12 left  3/10"],
    [72, "…s/a.jpg  [====>     ]   50%  50.0 of 100 MB  4.5 MB/s  0:12 left  3/10"],
    [63, "[====>      ]   50%  50.0 of 100 MB  4.5 MB/s  0:12 left  3/10"],
    [60, " 50%  50.0 of 100 MB  4.5 MB/s  0:12 left  3/10"],
    [48, " 50%  50.0 of 100 MB  4.5 MB/s  0:12 left  3/10"],
    [40, " 50%  50.0 of 100 MB  4.5 MB/s"],
    [24, " 50%  50.0 of 100 MB"],
    [8, " 50%"],
    [4, ""],
    [0, ""],
  ])("%d columns", (columns, line) => {
    expect(barLine(half, 4_500_000, columns)).toBe(line);
  });
});

describe("says what is known", () => {
  test.each<[string, Partial<TransferProgress>, number | null, string]>([
    ["no rate yet", { path: null }, null, "[=============>              ]   50%  50.0 of 100 MB  -:-- left  3/10"],
    ["no total", { totalBytes: null, totalFiles: null }, 1000, "photos/a.jpg  50.0 MB  1.0 kB/s  3 files"],
    [
      "one file",
      { totalFiles: 1, files: 0, path: "a" },
      null,
      "a  [==============>                ]   50%  50.0 of 100 MB  -:-- left",
    ],
    [
      "nothing yet",
      { bytes: 0, path: null },
      null,
      "[                             ]    0%  0.0 of 100 MB  -:-- left  3/10",
    ],
    [
      "all of it",
      { bytes: 1e8, path: null },
      1e6,
      "[==============================]  100%  100 of 100 MB  1.0 MB/s  3/10",
    ],
    [
      "a file that has grown",
      { bytes: 3e8, path: null },
      null,
      "[========================================]  100%  100 of 100 MB  3/10",
    ],
    [
      "empty files alone",
      { bytes: 0, totalBytes: 0, path: null },
      null,
      "[===========>                            ]   30%  0 of 0 B  3/10",
    ],
    [
      "a way that stands still",
      { path: null, totalFiles: 1 },
      0,
      "[============>              ]   50%  50.0 of 100 MB  0 B/s  -:-- left",
    ],
  ])("%s", (_, facts, rate, line) => {
    expect(barLine({ ...half, ...facts }, rate, 70)).toBe(line);
  });
});

describe("names", () => {
  const named = (path: string, columns = 80) => barLine({ ...half, path }, 4_500_000, columns).split("  ")[0];

  test.each([
    ["a very long one keeps its end", `${"deep/".repeat(50)}name.txt`, "…p/deep/deep/name.txt"],
    ["wide characters", "写真/".repeat(20), "…/写真/写真/写真/"],
    ["combined ones stay whole", `${"e\u0301".repeat(200)}`, `…${"e\u0301".repeat(20)}`],
    ["what would act is written out", "a\x1b[2J\r\n\u202eb", "…1b[2J\\r\\n\\u202eb"],
    ["a byte that is no text", "caf\udce9.txt", "caf\\udce9.txt"],
  ])("%s", (_, path, shown) => {
    const [expected, actual] = [shown, named(path) ?? ""];
    expect(Bun.stringWidth(actual)).toBeLessThanOrEqual(21);
    expect(actual.slice(0, 1)).toBe(expected.slice(0, 1));
    expect(actual.slice(-4)).toBe(expected.slice(-4));
  });

  test("whatever they are, the line fits and does nothing to a terminal", () => {
    const acting = /[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u206f]/;
    const known = fc.option(fc.nat(1e12), { nil: null });
    const progress = fc.record({
      bytes: fc.nat(1e12),
      totalBytes: known,
      files: fc.nat(1e6),
      totalFiles: known,
      path: fc.option(fc.string({ unit: "binary", maxLength: 2000 }), { nil: null }),
    });
    fc.assert(
      fc.property(progress, fc.option(fc.nat(1e12), { nil: null }), fc.nat(300), (now, rate, columns) => {
        const line = barLine(now, rate, columns);
        expect(Bun.stringWidth(line)).toBeLessThanOrEqual(Math.max(0, columns - 1));
        expect(line).not.toMatch(acting);
      }),
    );
  });
});
