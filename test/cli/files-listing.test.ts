import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { allPages } from "../../src/cli/all-pages.ts";
import { fileNames, filesTable, type ListedFile } from "../../src/cli/files-listing.ts";
import type { Parsed } from "../../src/cli/parse.ts";

const file = (path: string, facts: Partial<ListedFile> = {}): ListedFile => ({
  ...{ path, type: "file", size: 5, mode: "0644", uid: 1000, gid: 100, owner: null, group: null },
  ...{ mtime: "2026-01-02T03:04:05.000Z", linkTarget: null },
  ...facts,
});

describe("names", () => {
  test("are one a line in a pipe", () => {
    expect(fileNames([file("a"), file("b c"), file("\u001b[2J\n")], null)).toBe("a\nb c\n\\x1b[2J\\n\n");
    expect(fileNames([], null)).toBe("");
    expect(fileNames([], 80)).toBe("");
  });

  test("go down the columns of a terminal", () => {
    const names = ["aa", "b", "c", "dddd", "e", "f", "g"].map((name) => file(name));
    expect(fileNames(names, 12)).toBe("aa  dddd  g\nb   e\nc   f\n");
    expect(fileNames(names, 80)).toBe("aa  b  c  dddd  e  f  g\n");
    expect(fileNames(names, 1)).toBe("aa\nb\nc\ndddd\ne\nf\ng\n");
    expect(fileNames([file("日本語"), file("x")], 9)).toBe("日本語  x\n");
  });

  test("are all there, in lines that fit", () => {
    const name = fc.string({ minLength: 1, maxLength: 12 }).filter((text) => !/\s/u.test(text));
    fc.assert(
      fc.property(fc.array(name, { maxLength: 60 }), fc.integer({ min: 20, max: 200 }), (names, room) => {
        const files = names.map((path) => file(path));
        const shown = fileNames(files, room);
        const words = (text: string): string[] => text.split(/[ \n]+/).filter((word) => word !== "");
        expect(words(shown).sort()).toEqual(words(fileNames(files, null)).sort());
        const widest = Math.max(0, ...words(shown).map((word) => Bun.stringWidth(word)));
        for (const line of shown.split("\n")) expect(Bun.stringWidth(line)).toBeLessThanOrEqual(Math.max(room, widest));
      }),
    );
  });
});

test("the long form has a line of facts for each", () => {
  const link = file("l\u202e", { type: "symlink", mode: "0777", owner: "ana", linkTarget: "to\u001b", size: 12345 });
  expect(filesTable([file("a", { mode: null, mtime: null, uid: null }), link])).toBe(
    [
      "MODE        OWNER  GROUP  SIZE   MODIFIED              NAME\n",
      "-?????????  ?      100    5      ?                     a\n",
      "lrwxrwxrwx  ana    100    12345  2026-01-02T03:04:05Z  l\\u202e -> to\\x1b\n",
    ].join(""),
  );
  expect(filesTable([])).toBe("");
});

describe("all pages", () => {
  const run = (name: string, input: Record<string, unknown>): Extract<Parsed, { kind: "run" }> =>
    ({ kind: "run", command: { operation: { name } }, input }) as never;
  const answers = [
    { path: "/d", entries: [1, 2], token: "next" },
    { path: "/d", entries: [3], token: null },
  ];

  test("are one answer to whoever asks for no page", async () => {
    const asked: unknown[] = [];
    const call = async (changes: unknown): Promise<unknown> => answers[asked.push(changes) - 1];
    expect(await allPages(run("list-directory", {}), call)).toEqual({ path: "/d", entries: [1, 2, 3], token: null });
    expect(asked).toEqual([{}, { token: "next" }]);
  });

  test.each([
    ["list-directory", { limit: 2 }],
    ["exec", {}],
  ])("%s with %p is asked once", async (name, input) => {
    expect(await allPages(run(name, input), async () => answers[0])).toBe(answers[0]);
  });
});
