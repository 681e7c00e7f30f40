import { expect, test } from "bun:test";
import { SharedWork } from "../../../src/broker/logins/shared-work.ts";
import { SshMcpError } from "../../../src/core/errors.ts";

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

test("it is ended for everybody at once, with the reason, also when it takes no notice", async () => {
  const work = new SharedWork(() => new Promise<string>(() => {}));
  const joined = Promise.allSettled([work.join(never), work.join(never)]);
  work.cancel(new SshMcpError("CANCELED", "the session web was closed"));
  const reason = { code: "CANCELED", message: "the session web was closed; no command was sent" };
  for (const result of await joined) expect(result).toMatchObject({ reason });
  expect(work.isOver).toBe(true);
});

test("everybody gets a result that came about otherwise, and the work is canceled", async () => {
  const { work, canceled } = startWork();
  const joined = [work.join(never), work.join(never)];
  // It has begun.
  await Promise.resolve();
  work.finish("from elsewhere");
  expect(await Promise.all(joined)).toEqual(["from elsewhere", "from elsewhere"]);
  expect([canceled(), work.isOver]).toEqual([true, true]);
});

test("who is ended by somebody else hears why", async () => {
  const { work } = startWork();
  const leaver = new AbortController();
  const left = work.join(leaver.signal);
  leaver.abort(new SshMcpError("CANCELED", "the broker was stopped"));
  await expect(left).rejects.toMatchObject({ message: "the broker was stopped; no command was sent" });
});

test("one of them can be sent away, while it goes on for the others", async () => {
  const { work, finish, canceled } = startWork();
  const sent = work.join(never, Promise.reject(new Error("not you")));
  const stays = work.join(never);
  await expect(sent).rejects.toThrow("not you");
  expect(canceled()).toBe(false);
  finish("done");
  expect(await stays).toBe("done");
});
