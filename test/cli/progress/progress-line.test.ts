import { afterEach, expect, test } from "bun:test";
import { ProgressLine } from "../../../src/cli/progress/progress-line.ts";
import { waitFor } from "../../support/wait.ts";

const lines: ProgressLine[] = [];
afterEach(() => {
  for (const line of lines.splice(0)) line.close();
});

/** A terminal that keeps what it is written, and the line on it. */
const started = (facts: { taken?: () => boolean; columns?: () => number } = {}) => {
  const chunks: string[] = [];
  const sink = { write: async (chunk: Uint8Array) => void chunks.push(new TextDecoder().decode(chunk)) };
  const line = new ProgressLine({
    sink,
    columns: facts.columns ?? (() => 60),
    isTaken: facts.taken ?? (() => false),
  });
  lines.push(line);
  return { line, chunks, all: () => chunks.join("") };
};

const at = (bytes: number) => ({ bytes, totalBytes: 1000, files: 0, totalFiles: 1, path: "a" });
const shows = (all: () => string, text: string) => waitFor(() => all().includes(text), { what: text });
const write = (line: ProgressLine, text: string) => line.sink.write(new TextEncoder().encode(text));

test("nothing is drawn for what ends at once", async () => {
  const { line, chunks } = started();
  line.update(at(0));
  line.update(at(1000));
  await write(line, "a word\n");
  line.close();
  expect(chunks).toEqual(["a word\n"]);
});

test("is drawn in place, ten times a second at most, and taken away", async () => {
  const { line, chunks, all } = started();
  const beganAt = performance.now();
  for (let bytes = 0; bytes < 1000; bytes++) {
    line.update(at(bytes));
    if (bytes % 10 === 0) await Bun.sleep(5);
  }
  await shows(all, "1.0 of 1.0 kB");
  const seconds = (performance.now() - beganAt) / 1000;
  line.close();
  expect(chunks.length).toBeLessThanOrEqual(seconds * 10 + 2);
  for (const chunk of chunks) expect(chunk).toMatch(/^\r[^\r\n]*\x1b\[K$/);
  expect(chunks.at(-1)).toBe("\r\x1b[K");
  line.update(at(5));
  line.close();
  expect(chunks.at(-1)).toBe("\r\x1b[K");
});

test("what others write stands on a line of its own, and the bar comes back", async () => {
  const { line, chunks, all } = started();
  line.update(at(500));
  await shows(all, " 50%");
  await write(line, "ssh-mcp: a note\n");
  expect(chunks.slice(-2)).toEqual(["\r\x1b[K", "ssh-mcp: a note\n"]);
  await waitFor(() => chunks.at(-1)?.includes(" 50%"), { what: "the bar to come back" });
});

test("a question has the line to itself for as long as it takes", async () => {
  const { line, chunks, all } = started();
  line.update(at(500));
  await shows(all, " 50%");
  await line.pause();
  expect(chunks.at(-1)).toBe("\r\x1b[K");
  const before = chunks.length;
  line.update(at(700));
  await Bun.sleep(250);
  expect(chunks.length).toBe(before);
  line.resume();
  await shows(all, " 70%");
});

test("a terminal that is another program's just now is left alone", async () => {
  let isTaken = false;
  const { line, chunks, all } = started({ taken: () => isTaken });
  line.update(at(500));
  await shows(all, " 50%");
  isTaken = true;
  const before = chunks.length;
  line.update(at(600));
  await Bun.sleep(250);
  line.close();
  expect(chunks.length).toBe(before);
});

test("a terminal that takes nothing for a while is not given more and more", async () => {
  const taken = Promise.withResolvers<void>();
  let writes = 0;
  const sink = { write: () => (++writes === 1 ? taken.promise : Promise.resolve()) };
  const line = new ProgressLine({ sink, columns: () => 60, isTaken: () => false });
  lines.push(line);
  line.update(at(100));
  await waitFor(() => writes === 1, { what: "the first draw" });
  line.update(at(500));
  await Bun.sleep(250);
  expect(writes).toBe(1);
  taken.resolve();
  await waitFor(() => writes === 2, { what: "the next draw" });
});

test("follows the width", async () => {
  let columns = 60;
  const { line, chunks, all } = started({ columns: () => columns });
  line.update(at(500));
  await shows(all, "[=");
  columns = 8;
  await waitFor(() => chunks.at(-1) === "\r 50%\x1b[K", { what: "the narrow line" });
  expect(line).toBeDefined();
});
