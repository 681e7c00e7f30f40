import { afterEach, expect, spyOn, test } from "bun:test";
import { OutputStore } from "../../../src/broker/outputs/output-store.ts";
import { captured } from "../../../src/broker/process/capture.ts";
import type { Context, Operation } from "../../../src/core/operation.ts";
import { exec } from "../../../src/operations/exec.ts";
import { contextFor } from "../../operations/fake-sessions.ts";

const timers = spyOn(globalThis, "setTimeout");
afterEach(() => timers.mockClear());

const hello = new TextEncoder().encode("hello\n");

/** Runs a command that says hello. @returns its own context, and how often a timer was set meanwhile */
const captureOf = async (more: Partial<Context>) => {
  let own = contextFor("mcp");
  const run = captured(new OutputStore(), async ({ context }) => {
    own = context;
    await context.stdout.write(hello);
    return {};
  });
  const operation = exec as unknown as Operation;
  const context = { ...contextFor("mcp"), ...more };
  const result = await run({ operation, input: { target: "web", command: "x" }, capture: 1000, context });
  expect(result).toMatchObject({ stdout: "hello\n" });
  return { own, timers: timers.mock.calls.length };
};

test("progress is not thought of where nobody reads it", async () => {
  expect((await captureOf({ watched: false })).timers).toBe(0);
  expect((await captureOf({ watched: true })).timers).toBe(1);
});

test("what is written after the end makes no progress of a call that has its result", async () => {
  const { own } = await captureOf({ watched: true });
  timers.mockClear();
  await own.stdout.write(hello);
  expect(timers.mock.calls.length).toBe(0);
});
