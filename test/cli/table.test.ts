import { describe, expect, test } from "bun:test";
import { type Column, table } from "../../src/cli/table.ts";

const columns: readonly Column[] = [
  { head: "NAME", cut: "last" },
  { head: "STATE", cut: "never" },
  { head: "TITLE", cut: "first" },
];

const widest = (text: string): number => Math.max(...text.split("\n").map((line) => Bun.stringWidth(line)));

test("is as wide as its cells need, and a pipe gets all of them", () => {
  const long = "x".repeat(200);
  expect(table(columns, [["web", "live", long]], null)).toBe(`NAME  STATE  TITLE\nweb   live   ${long}\n`);
  expect(table(columns, [], null)).toBe("NAME  STATE  TITLE\n");
});

test("leaves no spaces at the end of a line", () => {
  expect(table(columns, [["web", "live", ""]], null)).toBe("NAME  STATE  TITLE\nweb   live\n");
});

describe("on a terminal", () => {
  const rows = [["a".repeat(12), "live", "t".repeat(30)]];

  test("what fits is left alone", () => {
    expect(table(columns, rows, 51)).toBe(table(columns, rows, null));
  });

  test("the first to be cut is cut by just what is missing", () => {
    const cut = table(columns, rows, 50);
    expect(widest(cut)).toBe(50);
    expect(cut).toContain(`${"a".repeat(12)}  live   ${"t".repeat(28)}…\n`);
  });

  test("the last is cut when the first has no more to give", () => {
    expect(table(columns, rows, 31)).toContain(`${"a".repeat(12)}  live   ${"t".repeat(9)}…\n`);
    expect(table(columns, rows, 24)).toContain(`${"a".repeat(8)}…  live   ttttt…\n`);
  });

  test("the widest of several is cut first", () => {
    const two: Column[] = [
      { head: "A", cut: "first" },
      { head: "B", cut: "first" },
    ];
    expect(table(two, [["a".repeat(40), "b".repeat(10)]], 30)).toContain(`${"a".repeat(17)}…  ${"b".repeat(10)}\n`);
    expect(table(two, [["a".repeat(40), "b".repeat(40)]], 30)).toContain(`${"a".repeat(13)}…  ${"b".repeat(13)}…\n`);
  });

  test("heads and what is never cut stay whole, however little room there is", () => {
    expect(table(columns, rows, 1)).toBe(`NAME    STATE  TITLE\naaaaa…  live   ttttt…\n`);
  });

  test("counts wide characters as two, and cuts none in the middle", () => {
    const wide = [["web", "live", "用户用户用户用户"]];
    const cut = table(columns, wide, 24);
    // 11 columns are left: five characters of two, and the mark.
    expect(cut).toContain("web   live   用户用户用…\n");
    expect(table(columns, wide, 23)).toContain("web   live   用户用户…\n");
    expect(widest(cut)).toBe(24);
    const family = "👩‍👩‍👧‍👧";
    expect(table(columns, [["web", "live", family.repeat(5)]], 20)).toContain(`live   ${family.repeat(3)}…\n`);
  });
});
