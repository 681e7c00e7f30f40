import { describe, expect, test } from "bun:test";
import { OutputStore } from "../../../src/broker/outputs/output-store.ts";
import type { Caller } from "../../../src/core/operation.ts";

const callerOf = (face: Caller["face"], client: string): Caller => ({ face, client, cwd: "/", agentSocket: null });
const person = callerOf("cli", "cli");
const editor = callerOf("mcp", "editor 1.0");
const other = callerOf("mcp", "editor 2.0");
const kilobytes = (count: number): Uint8Array => new Uint8Array(count * 1024).fill(0x61);

const errorOf = (work: () => unknown): { code: string; message: string } => {
  try {
    work();
  } catch (error) {
    return error as { code: string; message: string };
  }
  throw new Error("nothing was thrown");
};

describe("an output", () => {
  test("is found by who made it, and by nobody else, in the same words as one that there is not", () => {
    const store = new OutputStore();
    const output = store.begin(editor);
    expect(store.find(output.id, editor)).toBe(output);
    for (const caller of [other, person, callerOf("cli", "editor 1.0")]) {
      const taken = errorOf(() => store.find(output.id, caller));
      const unknown = errorOf(() => store.find("o00000000", caller));
      expect(taken.code).toBe("NOT_FOUND");
      expect(taken.message.replace(output.id, "ID")).toBe(unknown.message.replace("o00000000", "ID"));
    }
  });

  test("has a name that says nothing of others", () => {
    const store = new OutputStore();
    const ids = Array.from({ length: 100 }, () => store.begin(editor).id);
    expect(new Set(ids).size).toBe(100);
    for (const id of ids) expect(id).toMatch(/^o[0-9a-f]{10}$/);
  });

  test("is its session's last for its owner alone, and not of an earlier session with that name", () => {
    const store = new OutputStore();
    const [first, second] = [store.begin(editor), store.begin(editor)];
    store.ranOn(first, "web");
    expect(store.last("web", 1000, editor)).toBe(first.id);
    store.ranOn(second, "web");
    store.ranOn(first, "web");
    expect(store.last("web", 1000, editor)).toBe(second.id);
    expect(store.last("db", 1000, editor)).toBeNull();
    expect(store.last("web", 1000, other)).toBeNull();
    Object.assign(second, { ranOn: { session: "web", at: performance.now() - 5000 } });
    expect(store.last("web", 1000, editor)).toBeNull();
  });

  test("that is gone is nobody's last", () => {
    const store = new OutputStore();
    const output = store.begin(editor);
    store.ranOn(output, "web");
    store.drop(output);
    expect(store.last("web", 1000, editor)).toBeNull();
    store.ranOn(output, "web");
    expect(store.last("web", 1000, editor)).toBeNull();
  });
});

describe("the limit for all", () => {
  test("takes the oldest first, of whomever, and one that still runs too", () => {
    const store = new OutputStore({ stream: 1024 * 1024, total: 1024 * 1024 });
    const outputs = [editor, other, person].map((caller) => store.begin(caller));
    const [first, second, third] = outputs;
    if (first === undefined || second === undefined || third === undefined) throw new Error("three were begun");
    for (const output of outputs) store.append(output, "stdout", kilobytes(300));
    expect(outputs.map(({ isKept }) => isKept)).toEqual([true, true, true]);
    store.append(third, "stderr", kilobytes(300));
    expect(outputs.map(({ isKept }) => isKept)).toEqual([false, true, true]);
    expect(store.append(first, "stdout", kilobytes(1))).toBeNull();
    expect(errorOf(() => store.find(first.id, editor)).code).toBe("NOT_FOUND");
    expect(store.used).toBeLessThanOrEqual(1024 * 1024);
  });

  test("holds for empty outputs as well", () => {
    const store = new OutputStore({ stream: 1024, total: 64 * 1024 });
    for (let count = 0; count < 1000; count++) store.begin(editor);
    expect(store.size).toBe(64);
  });

  test("is for blocks that wait for their next use as well", () => {
    const mebibyte = 1024 * 1024;
    const store = new OutputStore({ stream: mebibyte, total: 4 * mebibyte });
    for (let count = 0; count < 4; count++) store.append(store.begin(editor), "stdout", kilobytes(1000));
    for (let count = 0; count < 100; count++) {
      // Smaller than a block: none of those that wait is taken.
      store.append(store.begin(editor), "stdout", kilobytes(60));
      expect(store.held).toBeLessThanOrEqual(4 * mebibyte);
    }
  });

  test("is given back by what is dropped", () => {
    const store = new OutputStore();
    const output = store.begin(editor);
    store.append(output, "stdout", kilobytes(100));
    store.drop(output);
    store.drop(output);
    expect({ used: store.used, size: store.size }).toEqual({ used: 0, size: 0 });
  });
});

test("the memory of the process stays bounded while gigabytes pass through many outputs", () => {
  const store = new OutputStore();
  const chunk = kilobytes(64);
  Bun.gc(true);
  const before = process.memoryUsage.rss();
  for (let count = 0; count < 60; count++) {
    const output = store.begin(editor);
    for (let piece = 0; piece < 512; piece++) store.append(output, piece % 2 === 0 ? "stdout" : "stderr", chunk);
  }
  expect(store.used).toBeLessThanOrEqual(64 * 1024 * 1024);
  expect(process.memoryUsage.rss() - before).toBeLessThan(256 * 1024 * 1024);
});
