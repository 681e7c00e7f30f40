/** How often a call that waits for a person tries. */
import { expect, test } from "bun:test";
import { SshMcpError } from "../../src/core/errors.ts";
import type { Context } from "../../src/core/operation.ts";
import type { LoginWait } from "../../src/core/pending-login.ts";
import { forPerson } from "../../src/operations/waiting.ts";
import { cli, model, requestFor } from "../broker/sessions/sessions.ts";

const refused = new SshMcpError("AUTH_REQUIRED", "it takes a password", { hint: "ssh-mcp connect db1" });
const late = (mayTry: boolean): LoginWait => ({ how: "late", error: refused, mayTry });

/** A call that waits for so long, with what becomes of each wait and each attempt. */
const call = async (
  seconds: number | undefined,
  waits: readonly LoginWait[],
  attempts: readonly (string | SshMcpError)[],
  asks = false,
) => {
  const told: string[] = [];
  const [waitsLeft, attemptsLeft] = [[...waits], [...attempts]];
  const signal = new AbortController().signal;
  const pending = { list: () => [], answered: async () => waitsLeft.shift() };
  const progress = (message: string): number => told.push(message);
  const context = { caller: asks ? cli : model(), asks, signal, progress, sessions: { pending } } as unknown as Context;
  const attempt = async (): Promise<string> => {
    const outcome = attemptsLeft.shift();
    if (typeof outcome === "string") return outcome;
    throw outcome ?? new Error("one attempt more than there should be");
  };
  const answer = await forPerson(requestFor("db1"), seconds, context, attempt).catch((thrown: unknown) => thrown);
  return { answer, told, left: [waitsLeft.length, attemptsLeft.length] };
};

test("who can be asked is not waited for: one attempt, and its error", async () => {
  expect(await call(50, [], [refused], true)).toEqual({ answer: refused, told: [], left: [0, 0] });
});

test("one that waits tries again after a change, and when the time is over", async () => {
  const waits: LoginWait[] = [{ how: "absent" }, { how: "changed" }, late(true)];
  const tried = await call(50, waits, [refused, refused, "in"]);
  expect(tried).toEqual({
    answer: "in",
    told: Array(2).fill(expect.stringContaining("ssh-mcp connect db1")),
    left: [0, 0],
  });
});

test.each([
  { what: "after the last attempt", mayTry: true, attempts: [refused] },
  { what: "without one, when there was one just now", mayTry: false, attempts: [] },
])("it says that it waited, $what", async ({ mayTry, attempts }) => {
  const { answer, left } = await call(50, [late(mayTry)], attempts);
  expect(answer).toMatchObject({
    ...{ code: "AUTH_REQUIRED", message: "it takes a password; waited 50s for a person", retryable: true },
    hint: "ssh-mcp connect db1",
  });
  expect(left).toEqual([0, 0]);
});

test("one that nothing is kept for does not wait", async () => {
  const { answer, left } = await call(50, [{ how: "absent" }, { how: "absent" }], [refused]);
  expect(answer).toMatchObject({ code: "AUTH_REQUIRED", message: expect.stringContaining("this one does not") });
  expect(left).toEqual([0, 0]);
});

test("another failure is no person's", async () => {
  const error = new SshMcpError("CONNECT_REFUSED", "nobody listens");
  expect(await call(50, [{ how: "absent" }], [error])).toMatchObject({ answer: error });
});

test("a model that does not wait hears how to", async () => {
  const { answer } = await call(undefined, [], [refused]);
  expect(answer).toMatchObject({ message: expect.stringContaining("the same call with wait: 50 goes on once") });
});
