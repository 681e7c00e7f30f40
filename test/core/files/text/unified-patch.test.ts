import { afterAll, describe, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { SshMcpError } from "../../../../src/core/errors.ts";
import { unifiedDiff as diffSteps } from "../../../../src/core/files/text/line-diff.ts";
import { applyDiff as patchSteps } from "../../../../src/core/files/text/unified-patch.ts";
import { cleanup } from "../../../support/cleanup.ts";
import { tempDir } from "../../../support/temp.ts";
import { last } from "./steps.ts";

afterAll(cleanup);

const unifiedDiff = (...texts: Parameters<typeof diffSteps>): string => last(diffSteps(...texts)).diff;
const applyDiff = (text: string, diff: string) => last(patchSteps(text, diff));

const line = fc.constantFrom(
  "a",
  "b",
  "c",
  "",
  "{",
  "}",
  "- x",
  "+ y",
  "@@ -1 +1 @@",
  "\\ n",
  "--- a",
  "+++ b",
  "\ttab",
);
/** Few different lines, so that there is much to confuse; with and without a final newline. */
const text = fc
  .tuple(fc.array(line, { maxLength: 30 }), fc.boolean())
  .map(([lines, ended]) => (lines.length === 0 ? "" : `${lines.join("\n")}${ended ? "\n" : ""}`));

/** What diff(1) and patch(1) make of two texts. */
const tools = () => {
  const dir = tempDir("diff");
  const [a, b, patch] = ["a", "b", "patch"].map((name) => join(dir, name)) as [string, string, string];
  return {
    diff: (before: string, after: string): string => {
      writeFileSync(a, before);
      writeFileSync(b, after);
      return Bun.spawnSync(["diff", "-u", a, b]).stdout.toString();
    },
    patch: (before: string, diff: string): string => {
      writeFileSync(a, before);
      writeFileSync(patch, diff);
      const { exitCode, stdout } = Bun.spawnSync(["patch", "-s", "-F0", "-o", "-", a, patch]);
      return exitCode === 0 ? stdout.toString() : `patch: ${exitCode}`;
    },
  };
};

test("what diff -u wrote is applied", () => {
  const { diff } = tools();
  fc.assert(
    fc.property(text, text, (before, after) => {
      if (before === after) return;
      expect(applyDiff(before, diff(before, after)).text).toBe(after);
    }),
    { numRuns: 300 },
  );
});

test("patch applies what is written here", () => {
  const { patch } = tools();
  fc.assert(
    fc.property(text, text, (before, after) => {
      if (before === after) return;
      expect(patch(before, unifiedDiff(before, after, { before: "a", after: "b" }))).toBe(after);
    }),
    { numRuns: 200 },
  );
});

test("patch applies it at its place where lines repeat", () => {
  const { patch } = tools();
  const repeated = fc.array(fc.constantFrom("a", "a", "a", "b"), { maxLength: 24 });
  fc.assert(
    fc.property(repeated, repeated, fc.nat(24), fc.nat(24), (begin, end, removed, added) => {
      const whole = (middle: number): string => [...begin, ...Array(middle).fill("a"), ...end, ""].join("\n");
      const [before, after] = [whole(removed), whole(added)];
      if (before === after) return;
      const diff = unifiedDiff(before, after, { before: "a", after: "b" });
      expect([diff, patch(before, diff)]).toEqual([diff, after]);
    }),
    { numRuns: 300 },
  );
});

test("a diff that makes a file fits no file that is there, but an empty one", () => {
  for (const name of ["/dev/null", "/dev/null\t1970-01-01 00:00:00.000000000 +0000"]) {
    const diff = `--- ${name}\n+++ b/f\n@@ -0,0 +1,2 @@\n+n1\n+n2\n`;
    expect(() => applyDiff("old\n", diff)).toThrow("makes a new file");
    expect(applyDiff("", diff).text).toBe("n1\nn2\n");
  }
});

test("one's own diff leads from one text to the other, whatever their line endings", () => {
  const lines = fc.array(fc.tuple(line, fc.constantFrom("\n", "\r\n")), { maxLength: 20 });
  fc.assert(
    fc.property(text, text, (before, after) => {
      if (before === after) return;
      const diff = unifiedDiff(before, after, { before: "a", after: "b" });
      expect(applyDiff(before, diff).text).toBe(after);
      const crlf = (plain: string) => plain.replaceAll("\n", "\r\n");
      if (before.includes("\n")) expect(applyDiff(crlf(before), diff).text).toBe(crlf(after));
    }),
    { numRuns: 1000 },
  );
  fc.assert(
    fc.property(lines, text, (mixed, after) => {
      const before = mixed.map(([each, end]) => `${each}${end}`).join("");
      const plain = before.replaceAll("\r\n", "\n");
      if (plain === after) return;
      const patched = applyDiff(before, unifiedDiff(plain, after, { before: "a", after: "b" })).text;
      expect(patched.replaceAll("\r\n", "\n")).toBe(after);
    }),
    { numRuns: 1000 },
  );
});

describe("unified diff", () => {
  const ten = Array.from({ length: 10 }, (_, index) => `line ${index + 1}\n`).join("");
  const fifth = "@@ -5,1 +5,1 @@\n-line 5\n+LINE 5\n";

  test("a hunk may be some lines away, and says how many", () => {
    const { text: patched, offsets } = applyDiff(`new\nnew\n${ten}`, fifth);
    expect(patched).toBe(`new\nnew\n${ten.replace("line 5", "LINE 5")}`);
    expect(offsets).toEqual([2]);
  });

  test("names, an index line and a mail's signature are passed over", () => {
    const mail = `diff --git a/x b/x\nindex 1..2\n--- a/x\n+++ b/x\n${fifth}-- \n2.39.5\n`;
    expect(applyDiff(ten, mail).text).toContain("LINE 5");
  });

  test("a blank that was cut from an empty line of context is one", () => {
    expect(applyDiff("a\n\nb\n", "@@ -1,3 +1,3 @@\n a\n\n-b\n+c\n").text).toBe("a\n\nc\n");
  });

  test("a new file, and a file that becomes empty", () => {
    expect(applyDiff("", "--- /dev/null\n+++ b/x\n@@ -0,0 +1,2 @@\n+a\n+b\n").text).toBe("a\nb\n");
    expect(applyDiff("a\n", "@@ -1 +0,0 @@\n-a\n").text).toBe("");
  });

  test("a missing newline at the end that the diff does not speak of stays missing", () => {
    expect(applyDiff("a\nb", "@@ -1,2 +1,2 @@\n a\n-b\n+c\n").text).toBe("a\nc");
  });

  test.each([
    ["text that is none", "hello\n", "no hunk"],
    ["counts that are wrong", "@@ -5,2 +5,1 @@\n-line 5\n+LINE 5\n", "does not go with the counts"],
    ["more lines than counted", "@@ -5,1 +5,1 @@\n-line 5\n+LINE 5\n+more\n", "does not go with the counts"],
    ["two files", `--- a\n+++ b\n${fifth}--- c\n+++ d\n${fifth}`, "more than one file"],
    ["context that is not there", "@@ -5,2 +5,2 @@\n line five\n-line 6\n+x\n", 'line 5 should be "line five"'],
    ["white space that differs", "@@ -5 +5 @@\n-line  5\n+x\n", "does not fit"],
    ["a second hunk that does not fit", `${fifth}@@ -9 +9 @@\n-nine\n+x\n`, "hunk 2 of 2"],
    ["a newline that is denied", "@@ -10 +10 @@\n-line 10\n\\ No newline at end of file\n+x\n", "does not fit"],
  ])("refuses %s", (_, diff, said) => {
    expect(() => applyDiff(ten, diff)).toThrow(SshMcpError);
    expect(() => applyDiff(ten, diff)).toThrow(said);
  });
});
