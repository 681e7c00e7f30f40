import { expect, test } from "bun:test";
import { valueEnd } from "../../../src/config/own-config/toml-value.ts";

test.each([
  ["a = 1\nb = 2", 1],
  ["a = [\n1,\n2]\nb = 2", 3],
  ["a = [ # [ [\n]\nb = 2", 2],
  ["a = [[1], { b = [\n] },\n\"]\", ']'\n]\nb = 2", 4],
  ['a = """\n]\n\\"""\n"" # """\nb = 2', 4],
  ['a = """x""" # [\nb = 2', 1],
  ['a = """x"""""\nb = 2', 1],
  ["a = '''\n\"\"\"\n\\'''\nb = 2", 3],
  ['\'[\' = "\\"["\nb = 2', 1],
  ['"a[" = "# [" # ["', 1],
  ["a = [\n1", 2],
])("%j ends before line %i", (text, end) => {
  const lines = text.split("\n");
  expect(valueEnd(lines, 0, lines.length)).toBe(end);
  // The parser says so, too, where the text is whole.
  if (end < lines.length) expect(() => Bun.TOML.parse(lines.slice(0, end).join("\n"))).not.toThrow();
});
