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

/** All that windows may have beyond the least, taken by so many that nothing is left. */
const takeAll = (): RequestWindow[] =>
  Array.from({ length: 6 }, () => {
    const window = new RequestWindow();
    window.over(8);
    return window;
  });
const sumOf = (windows: readonly RequestWindow[]): number => windows.reduce((sum, { bytes }) => sum + bytes, 0);

test("each channel is worth a window of its own, up to eight, whatever the throughput is", async () => {
  for (const [channels, mebibytes] of [
    [1, 2],
    [2, 4],
    [4, 8],
    [8, 16],
    [9, 16],
    [1000, 16],
  ] as const) {
    const window = new RequestWindow();
    window.over(channels);
    expect([channels, window.bytes]).toEqual([channels, mebibytes * mebibyte]);
    // Slow: by itself it would have the least.
    const since = performance.now();
    await waitFor(() => performance.now() - since > 15, { what: "a look at the throughput", interval: 1 });
    window.note(1, 5);
    expect([channels, window.bytes]).toEqual([channels, mebibytes * mebibyte]);
    window.end();
    expect(window.bytes).toBe(2 * mebibyte);
  }
});

test("channels take of what all windows have together, and it is given back at the end", () => {
  for (let round = 0; round < 3; round++) {
    const windows = takeAll();
    expect(windows.map(({ bytes }) => bytes / mebibyte)).toEqual([16, 16, 16, 16, 10, 2]);
    // What one gives back is the next one's.
    windows[0]?.end();
    windows[5]?.over(4);
    expect(windows.map(({ bytes }) => bytes / mebibyte)).toEqual([2, 16, 16, 16, 10, 8]);
    for (const window of windows) window.end();
    expect(sumOf(windows)).toBe(6 * 2 * mebibyte);
  }
});

test("a window that has ended takes nothing any more, also for a channel that comes late", () => {
  const ended = new RequestWindow();
  ended.over(2);
  ended.end();
  ended.over(8);
  expect(ended.bytes).toBe(2 * mebibyte);
  const windows = takeAll();
  expect(sumOf(windows)).toBe((6 * 2 + 64) * mebibyte);
  for (const window of windows) window.end();
});
