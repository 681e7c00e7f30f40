import { expect, test } from "bun:test";
import { isOfProcess, pathToType } from "../../src/files/process-path.ts";

test.each([
  "/dev/fd/63",
  "/dev//fd/./63",
  "/tmp/../dev/fd/3",
  "/dev/stdin",
  "/dev/stdout",
  "/dev/stderr",
  "/proc/self/fd/11",
  "/proc/self/root/etc/passwd",
  "/proc/thread-self/fd/3",
  "/proc/4711/fd/3",
  "/proc/4711/task/4712/fd/3",
])("%s is another file in every process", (path) => {
  expect(isOfProcess(path)).toBe(true);
  expect(pathToType(path, "KEY")).toBe("KEY");
});

test.each([
  "/dev/null",
  "/dev/fdx/1",
  "/dev/stdinx",
  "/dev/fd/../null",
  "/home/ann/dev/fd/3",
  "/proc/4711/environ",
  "/proc/selfish",
  "dev/fd/3",
  "none",
])("%s is not", (path) => {
  expect(isOfProcess(path)).toBe(false);
});

test("a path in a command to type is quoted", () => {
  expect(pathToType("/home/ann/my key", "KEY")).toBe("'/home/ann/my key'");
});
