import { expect, test } from "bun:test";
import { RequestWindow } from "../../../src/ssh/sftp/request-window.ts";
import { waitFor } from "../../support/wait.ts";

const mebibyte = 1024 * 1024;

/** As on a link of gigabytes in a second, far away. */
const grow = (window: RequestWindow): Promise<unknown> => {
  const before = window.bytes;
  let notes = 0;
  return waitFor(
    () => {
      window.note(10_000 * mebibyte, 5);
      notes += 1;
      return window.bytes > before || notes > 100;
    },
    { what: "a look at the throughput", interval: 1 },
  );
};

test("all windows together have their bound, and the least is everybody's", async () => {
  const windows = Array.from({ length: 10 }, () => new RequestWindow());
  await Promise.all(windows.map(grow));
  expect(windows.reduce((sum, { bytes }) => sum + bytes, 0)).toBe((10 * 2 + 64) * mebibyte);
  expect(Math.max(...windows.map(({ bytes }) => bytes))).toBe(16 * mebibyte);
  expect(Math.min(...windows.map(({ bytes }) => bytes))).toBe(2 * mebibyte);
  for (const window of windows) {
    window.end();
    window.end();
  }
  const later = new RequestWindow();
  await grow(later);
  expect(later.bytes).toBe(16 * mebibyte);
  later.end();
});
