import { describe, expect, test } from "bun:test";
import { MarkedOutput } from "../../../../src/ssh/commands/shell/marked-output.ts";
import { commandProgram, spent } from "../../../../src/ssh/commands/shell/shell-program.ts";

const { marks } = commandProgram("true", "posix");
const { start, end } = marks;

/** Feeds it in pieces of this size. @returns all that came out */
const fed = (output: MarkedOutput, bytes: Buffer, size: number): string => {
  const pieces: Buffer[] = [];
  for (let at = 0; at < bytes.length; at += size) pieces.push(output.pass(bytes.subarray(at, at + size)));
  return Buffer.concat(pieces).toString("latin1");
};

const bytesOf = (...parts: (string | Buffer)[]): Buffer => Buffer.concat(parts.map((part) => Buffer.from(part)));

describe("output between marks", () => {
  const own = [
    "",
    "plain\n",
    "no line's end",
    "\x1e",
    "\x1e\x1e\x1e",
    `${end.toString().slice(0, -1)}`,
    `${end.toString().slice(0, 20)}${end.toString().slice(0, 30)}`,
    `${end.toString()}is no status at all`,
    start.toString(),
    "x".repeat(70_000),
  ];
  test.each(own)("is exactly what the command wrote, however it is cut: %#", (text) => {
    for (const size of [1, 2, 3, 7, 33, 64, 100_000]) {
      const output = new MarkedOutput(marks);
      expect(fed(output, bytesOf("before", start, text, end, "17\nafter"), size)).toBe(text);
      expect([output.isOver, output.status]).toEqual([true, "17"]);
    }
  });

  test("is what came instead, when the command never began", () => {
    const output = new MarkedOutput(marks);
    const late = bytesOf(commandProgram("true", "posix").marks.end, `${spent}\n`);
    expect(fed(output, bytesOf(late, "syntax error\n", end, "2\n"), 5)).toBe("syntax error\n");
    expect(output.status).toBe("2");
  });

  test("is given up to a cut, with what was held back", () => {
    const output = new MarkedOutput(marks);
    const cut = bytesOf(start, "own", end.subarray(0, 10));
    expect(fed(output, cut, 4) + output.rest().toString()).toBe(`own${end.subarray(0, 10)}`);
    expect(output.isOver).toBe(false);
  });

  test("keeps a bounded end of what comes before it", () => {
    const output = new MarkedOutput(marks);
    fed(output, Buffer.alloc(1_000_000, "n"), 30_000);
    expect(output.rest().length).toBe(64 * 1024);
  });
});
