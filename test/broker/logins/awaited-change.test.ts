import { expect, test } from "bun:test";
import { AwaitedChange } from "../../../src/broker/logins/awaited-change.ts";

const never = new AbortController().signal;

test("a person's time is not the server's: a question outlives the budget", async () => {
  const asking = new AwaitedChange();
  const answer = Promise.withResolvers<boolean>();
  asking.begin(asking.ask(() => answer.promise));
  let isSettled = false;
  const budget = { leftMs: 20 };
  const settled = asking.settled(budget, never).then(() => {
    isSettled = true;
  });
  // As much time, and more, as the other one had.
  const silent = new AwaitedChange();
  silent.begin(new Promise(() => undefined));
  const other = { leftMs: 60 };
  await silent.settled(other, never);
  expect([isSettled, budget.leftMs > other.leftMs]).toEqual([false, true]);
  answer.resolve(true);
  await settled;
});

test("nobody is asked once the login waits no more", async () => {
  const change = new AwaitedChange();
  const proof = Promise.withResolvers<void>();
  let asked = 0;
  const update = proof.promise.then(() => change.ask(async () => ++asked > 0));
  change.begin(update);
  await change.settled({ leftMs: 10 }, never);
  proof.resolve();
  expect([await update, asked]).toEqual([false, 0]);
});

test("a server that says nothing of its keys is not waited for beyond the budget; an abort ends every wait", async () => {
  const budget = { leftMs: 10 };
  const late = new AwaitedChange();
  await late.settled(budget, never);
  expect(await late.ask(async () => true)).toBe(false);
  expect(budget.leftMs).toBeLessThan(10);
  const abort = new AbortController();
  const change = new AwaitedChange();
  change.begin(change.ask(() => new Promise(() => undefined)));
  const settled = change.settled({ leftMs: 1e6 }, abort.signal);
  abort.abort();
  await settled;
  await new AwaitedChange().settled({ leftMs: 1e6 }, AbortSignal.abort());
});
