import { describe, expect, test } from "bun:test";
import { OutputStore } from "../../../src/broker/outputs/output-store.ts";
import { readPage } from "../../../src/broker/outputs/read-page.ts";
import { captureLimit } from "../../../src/broker/wire/protocol.ts";
import type { Caller } from "../../../src/core/operation.ts";
import { largestAnswerBytes, type OutputRequest } from "../../../src/core/outputs.ts";

const caller: Caller = { face: "mcp", client: "editor 1.0", cwd: "/", agentSocket: null };
const { signal } = new AbortController();

const reading = (content: string | Uint8Array, { running = false } = {}) => {
  const store = new OutputStore({ stream: 64 * 1024 * 4, total: 64 * 1024 * 1024 });
  const output = store.begin(caller);
  store.append(output, "stdout", typeof content === "string" ? new TextEncoder().encode(content) : content);
  output.running = running;
  return async (asked: Partial<OutputRequest> = {}) =>
    await readPage(
      output,
      {
        ...{ id: output.id, stream: "stdout", offset: null, line: null, tail: null, lines: null, length: 16_384 },
        ...{ grep: null, context: 0, encoding: null, ...asked },
      },
      caller,
      signal,
    );
};

const numbered = (from: number, to: number): string =>
  Array.from({ length: to - from + 1 }, (_, index) => `line ${from + index}\n`).join("");

describe("a page", () => {
  test("of an output that fits is all of it", async () => {
    const page = await reading(numbered(1, 9))();
    expect(page).toMatchObject({
      ...{
        content: numbered(1, 9),
        encoding: "utf-8",
        binary: false,
        offset: 0,
        line: 1,
        nextOffset: null,
        more: false,
      },
      ...{ bytes: 63, lines: 9, keptFrom: 0, matches: null, running: false, stream: "stdout" },
    });
    expect(await reading("")()).toMatchObject({ content: "", bytes: 0, lines: 0, line: 1, nextOffset: null });
    expect(await reading("x")({ stream: "stderr" })).toMatchObject({ content: "", bytes: 0, stream: "stderr" });
  });

  test("follows page, each cut between lines, until all was read", async () => {
    const read = reading(numbered(1, 5000));
    let all = "";
    for (let offset: number | null = 0; offset !== null; ) {
      const page = await read({ offset, length: 1000 });
      expect(page.content).toMatch(/^line \d+\n[\s\S]*\n$/);
      expect(page.content).toStartWith(`line ${page.line}\n`);
      all += page.content;
      expect(page.more).toBe(page.nextOffset !== null);
      offset = page.nextOffset;
    }
    expect(all).toBe(numbered(1, 5000));
  });

  test("begins at a line, and has so many", async () => {
    const read = reading(numbered(1, 100));
    expect(await read({ line: 98 })).toMatchObject({ content: numbered(98, 100), line: 98, more: false });
    expect(await read({ line: 10, lines: 2 })).toMatchObject({ content: numbered(10, 11), more: true });
    expect(await read({ line: 1000 })).toMatchObject({ content: "", nextOffset: null });
    expect(await read({ offset: 10_000 })).toMatchObject({ content: "", more: false });
  });

  test("is the tail, and of a long one its end", async () => {
    const read = reading(numbered(1, 5000));
    expect(await read({ tail: 2 })).toMatchObject({ content: numbered(4999, 5000), line: 4999, nextOffset: null });
    const page = await read({ tail: 4000, length: 100 });
    expect(page.content).toMatch(/^line 49\d\d\n/);
    expect(page).toMatchObject({
      more: false,
      beginMissing: true,
      content: expect.stringMatching(/line 5000\n$/),
    });
    expect(await read({ tail: 6000, length: 1_000_000 })).toMatchObject({ offset: 0, beginMissing: false });
    expect(await reading("no newline")({ tail: 1 })).toMatchObject({ content: "no newline" });
  });

  test("cuts no character, and still goes on", async () => {
    const read = reading("é".repeat(100));
    expect(await read({ length: 3 })).toMatchObject({ content: "é", nextOffset: 2 });
    // Less than a character is better than nothing for ever.
    expect((await read({ length: 1 })).nextOffset).toBe(1);
  });

  test("says when the begin is gone", async () => {
    const read = reading(numbered(1, 100_000));
    const page = await read();
    const { keptFrom } = page;
    expect(keptFrom).toBeGreaterThan(0);
    expect(page).toMatchObject({ offset: keptFrom, beginMissing: true });
    for (const asked of [{ offset: 0 }, { line: 1 }, { line: page.line }, { tail: 100_000 }, { grep: "line" }])
      expect(await read({ ...asked, length: 1_000_000 })).toMatchObject({ offset: keptFrom, beginMissing: true });
    for (const asked of [{ offset: keptFrom }, { line: page.line + 1 }, { tail: 5 }])
      expect(await read(asked)).toMatchObject({ beginMissing: false });
  });

  test("of a command that runs says where whatever comes will begin, and waits for the rest of a character", async () => {
    const bytes = new TextEncoder().encode("half: é").subarray(0, -1);
    expect(await reading(bytes, { running: true })()).toMatchObject({
      ...{ content: "half: ", nextOffset: 6, running: true },
    });
    expect(await reading("a\n", { running: true })()).toMatchObject({ nextOffset: 2, more: false });
    const long = new Uint8Array([...new TextEncoder().encode("a line\n".repeat(100)), ...bytes]);
    const tail = await reading(long, { running: true })({ tail: 50, length: 100 });
    expect(tail).toMatchObject({ content: expect.stringMatching(/line\nhalf: $/), nextOffset: 706 });
    // Half a character alone is not worth a wrong one: there will be more.
    expect(await reading(bytes.subarray(-1), { running: true })()).toMatchObject({ content: "", nextOffset: 0 });
  });
});

describe("bytes that are no text", () => {
  const bytes = Uint8Array.from({ length: 1000 }, (_, index) => (index * 7) % 256);

  test("are said to be none, with what to call for them", async () => {
    const page = await reading(bytes)();
    expect(page).toMatchObject({ binary: true, encoding: "utf-8", nextOffset: null });
    expect(page.content).toMatch(
      /^\[binary: 1000 bytes; ssh_output {"id":"o[0-9a-f]+","offset":0,"encoding":"base64"}\]$/,
    );
  });

  test("come as base64, cut anywhere", async () => {
    const read = reading(bytes);
    const [first, second] = [
      await read({ encoding: "base64", length: 501 }),
      await read({ encoding: "base64", offset: 501 }),
    ];
    expect(first).toMatchObject({ binary: false, encoding: "base64", nextOffset: 501, more: true });
    const both = Buffer.concat([first, second].map(({ content }) => Buffer.from(content, "base64")));
    expect(both).toEqual(Buffer.from(bytes));
  });
});

describe("lines that match", () => {
  const read = reading(`${numbered(1, 20)}ERROR one\r\n${numbered(22, 30)}an ERROR\nend`);

  test("have their numbers, with what is around them", async () => {
    expect(await read({ grep: "ERROR" })).toMatchObject({
      content: "21:ERROR one\n31:an ERROR\n",
      matches: 2,
      more: false,
    });
    expect(await read({ grep: "ERROR", context: 1 })).toMatchObject({
      ...{ content: "20-line 20\n21:ERROR one\n22-line 22\n--\n30-line 30\n31:an ERROR\n32-end\n", matches: 2 },
    });
    expect(await read({ grep: "^line 1$" })).toMatchObject({ content: "1:line 1\n", matches: 1 });
    expect(await read({ grep: "nothing" })).toMatchObject({ content: "", matches: 0, nextOffset: null });
    expect(await read({ grep: "ERROR", line: 25 })).toMatchObject({ content: "31:an ERROR\n", line: 25 });
  });

  test("go on where there was no room", async () => {
    const first = await read({ grep: "line", length: 20 });
    expect(first).toMatchObject({ matches: 3, more: true, content: "1:line 1\n2:line 2\n3:line 3\n" });
    const second = await read({ grep: "line", offset: first.nextOffset, lines: 1 });
    expect(second.content).toBe("4:line 4\n");
    // Nothing further matches: there is no more.
    expect(await read({ grep: "an ERROR", lines: 1 })).toMatchObject({ matches: 1, more: false });
  });

  test("of a long line show what is around the match", async () => {
    const { content } = await reading(`${"a".repeat(100_000)}needle${"b".repeat(100_000)}`)({ grep: "needle" });
    expect(content).toContain("needle");
    expect(content.length).toBeLessThan(1100);
  });

  test("take escapes that only the older rules know", async () => {
    expect(await reading('a "b" c-d\n')({ grep: '\\"b\\" c\\-d' })).toMatchObject({ matches: 1 });
  });

  test("are not looked for by a pattern that is none", async () => {
    await expect(read({ grep: "(" })).rejects.toMatchObject({ code: "INVALID_INPUT" });
  });

  test("are not said to be none where the engine gave up", async () => {
    // From byte 52 on it would be found at once.
    const hard = reading(`easy\n${"a".repeat(50)}b a\n`);
    await expect(hard({ grep: "(?:a+)+$" })).rejects.toMatchObject({
      ...{ code: "TIMEOUT", message: expect.stringContaining("the pattern is too slow"), retryable: false },
    });
    expect(await hard({ grep: "^easy" })).toMatchObject({ content: "1:easy\n" });
  }, 20_000);

  test("of an output that makes room meanwhile are NOT_FOUND", async () => {
    const store = new OutputStore({ stream: 4 * 1024 * 1024, total: 8 * 1024 * 1024 });
    const output = store.begin(caller);
    store.append(output, "stdout", new TextEncoder().encode("hello world\n".repeat(300_000)));
    const page = readPage(
      output,
      {
        ...{ id: output.id, stream: "stdout", offset: null, line: null, tail: null, lines: null, length: 1000 },
        ...{ grep: "hello", context: 0, encoding: null },
      },
      caller,
      signal,
    );
    // It is copied in turns.
    await new Promise((resolve) => setImmediate(resolve));
    store.drop(output);
    await expect(page).rejects.toMatchObject({ code: "NOT_FOUND" });
  });

  test("are given up when a pattern takes for ever, which holds up nobody", async () => {
    const endless = reading(`${"a".repeat(200)}c\n`.repeat(1000));
    let longest = 0;
    let last = performance.now();
    const timer = setInterval(() => {
      longest = Math.max(longest, performance.now() - last);
      last = performance.now();
    }, 1);
    const error = await endless({ grep: "^(a+)+$" }).catch((thrown: unknown) => thrown);
    clearInterval(timer);
    expect(error).toMatchObject({ code: "TIMEOUT" });
    // Ten times what the loop may be held for: the machine has others to serve.
    expect(longest).toBeLessThan(200);
  }, 20_000);
});

test("no answer holds more than a result may", () => {
  expect(largestAnswerBytes).toBe(captureLimit);
});
