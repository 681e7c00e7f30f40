import { expect, test } from "bun:test";
import { isBackgroundJob } from "../../src/files/background.ts";

test.each([
  ["the job at the terminal", "7 (ssh-mcp) R 1 7 5 34816 7 4194304 0", false],
  ["a job beside it", "7 (ssh-mcp) R 1 7 5 34816 5 4194304 0", true],
  ["a name with brackets and spaces", "7 (a) R 1 2 3 4 5 (b) S 1 7 5 34816 7 4194304 0", false],
  ["no terminal", "7 (ssh-mcp) R 1 7 7 0 -1 4194304 0", false],
  ["no /proc", null, false],
  ["nothing known", "", false],
])("%s", (_, stat, expected) => {
  expect(isBackgroundJob(stat)).toBe(expected);
});
