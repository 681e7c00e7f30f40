import { expect, test } from "bun:test";
import { HandshakeLimit } from "../../../src/broker/logins/handshake-limit.ts";

const never = new AbortController().signal;
const settle = () => new Promise((resolve) => setTimeout(resolve, 0));

test("eight have a place at a server, the others wait in line, each for one that is given back", async () => {
  const limit = new HandshakeLimit();
  const leaves = await Promise.all(Array.from({ length: 8 }, () => limit.enter("web", never)));
  const order: number[] = [];
  const waiting = [8, 9, 10].map(async (number) => {
    const leave = await limit.enter("web", never);
    order.push(number);
    return leave;
  });
  // Another server has a line of its own.
  (await limit.enter("db", never))();
  expect(order).toEqual([]);
  leaves[3]?.();
  leaves[3]?.();
  await settle();
  expect(order).toEqual([8]);
  for (const leave of leaves) leave();
  for (const leave of await Promise.all(waiting)) leave();
  expect(order).toEqual([8, 9, 10]);
  // All places are free again, and no more than that.
  const again: number[] = [];
  for (let number = 0; number < 9; number++) void limit.enter("web", never).then(() => again.push(number));
  await settle();
  expect(again).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
});

test("who is canceled leaves the line, and takes nobody's place", async () => {
  const limit = new HandshakeLimit();
  const leaves = await Promise.all(Array.from({ length: 8 }, () => limit.enter("web", never)));
  const cancel = new AbortController();
  const canceled = limit.enter("web", cancel.signal);
  canceled.catch(() => {});
  let isIn = false;
  const next = limit.enter("web", never).then(() => {
    isIn = true;
  });
  cancel.abort();
  await expect(canceled).rejects.toMatchObject({ code: "CANCELED" });
  await settle();
  expect(isIn).toBe(false);
  leaves[0]?.();
  await next;
  await expect(limit.enter("web", cancel.signal)).rejects.toMatchObject({ code: "CANCELED" });
});

test("who is canceled when its turn has come gives the place back", async () => {
  const limit = new HandshakeLimit();
  const leaves = await Promise.all(Array.from({ length: 8 }, () => limit.enter("web", never)));
  const cancel = new AbortController();
  const turn = limit.enter("web", cancel.signal);
  const order: string[] = [];
  const last = limit.enter("web", never).then(() => order.push("last"));
  leaves[0]?.();
  cancel.abort();
  (await turn)();
  await last;
  expect(order).toEqual(["last"]);
});
