import { expect, test } from "bun:test";
import { OutputCapture } from "../../src/core/output.ts";

const captured = async (text: string, limit: number): Promise<OutputCapture> => {
  const capture = new OutputCapture(limit);
  await capture.write(new TextEncoder().encode(text));
  return capture;
};

const lines = (count: number): string => Array.from({ length: count }, (_, index) => `line ${index}\n`).join("");

test("less than what was kept is both ends of it, with exact counts", async () => {
  const capture = await captured(lines(100), 10_000);
  expect(capture.text()).toMatchObject({ text: lines(100), truncated: false });
  const { text, truncated, omittedBytes, omittedLines } = capture.text(100);
  expect(truncated).toBe(true);
  expect(text).toStartWith("line 0\nline 1\n");
  expect(text).toEndWith("line 98\nline 99\n");
  const kept = text.split("\n").filter((line) => line.startsWith("line "));
  expect(omittedLines).toBe(100 - kept.length);
  expect(omittedBytes).toBe(capture.bytes - kept.join("\n").length - 1);
  expect(omittedBytes).toBeGreaterThanOrEqual(capture.bytes - 100);
});

test("a share of what was cut before counts what was cut before", async () => {
  const capture = await captured(lines(1000), 500);
  const { text, omittedBytes } = capture.text(100);
  expect(text).toStartWith("line 0\n");
  expect(text).toEndWith("line 999\n");
  expect(omittedBytes).toBeGreaterThanOrEqual(capture.bytes - 100);
  expect(capture.text(500)).toEqual(capture.text());
  expect(capture.text(0).omittedBytes).toBe(capture.bytes);
});
