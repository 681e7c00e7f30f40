import { expect, test } from "bun:test";
import { SharedWork } from "../../src/broker/shared-work.ts";

const never = new AbortController().signal;

/** Work that ends when it is told to, or rejects when it is canceled. */
const startWork = () => {
  const result = Promise.withResolvers<string>();
  let canceled = false;
  const work = new SharedWork<string>((signal) => {
    signal.addEventListener("abort", () => {
      canceled = true;
      result.reject(new Error("canceled"));
    });
    return result.promise;
  });
  return { work, finish: result.resolve, fail: result.reject, canceled: () => canceled };
};

test("everybody who joins gets the one result", async () => {
  const { work, finish } = startWork();
  const joined = [work.join(never), work.join(never)];
  finish("done");
  expect(await Promise.all(joined)).toEqual(["done", "done"]);
});

test("who leaves does not end it for the others", async () => {
  const { work, finish, canceled } = startWork();
  const leaver = new AbortController();
  const left = work.join(leaver.signal);
  const stays = work.join(never);
  leaver.abort();
  await expect(left).rejects.toMatchObject({ code: "CANCELED" });
  expect(canceled()).toBe(false);
  expect(work.isOver).toBe(false);
  finish("done");
  expect(await stays).toBe("done");
});

test("it is canceled when the last has left, and nobody joins it any more", async () => {
  const { work, canceled } = startWork();
  const leaver = new AbortController();
  const left = work.join(leaver.signal);
  leaver.abort();
  await expect(left).rejects.toMatchObject({ code: "CANCELED" });
  expect(canceled()).toBe(true);
  expect(work.isOver).toBe(true);
});

test("its failure is everybody's, and no unhandled rejection when all have left", async () => {
  const { work, fail } = startWork();
  const joined = work.join(never);
  fail(new Error("refused"));
  await expect(joined).rejects.toThrow("refused");
});
