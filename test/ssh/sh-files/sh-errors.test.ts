import { expect, test } from "bun:test";
import { failureOf } from "../../../src/ssh/sh-files/sh-errors.ts";

test.each([
  ["/bin/sh: 10: eval: cannot open x: Permission denied", "cannot open x: Permission denied"],
  ["sh: line 3: x: Permission denied", "x: Permission denied"],
  ["zsh:3: permission denied: x", "permission denied: x"],
  ["cat: x: strange", "cat: x: strange"],
])("of %p is told %p", (said, told) => {
  expect(failureOf("x", "read", null, said).message).toBe(`"x" could not be read: ${told}`);
});
