import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { errorCode } from "../../src/core/error-code.ts";

test("errorCode names a system error, and shows anything else", () => {
  let thrown: unknown;
  try {
    readFileSync("/dev/null/x");
  } catch (error) {
    thrown = error;
  }
  expect(errorCode(thrown)).toBe("ENOTDIR");
  expect(errorCode(new Error("short write"))).toBe("Error: short write");
  expect(errorCode("text")).toBe("text");
});
