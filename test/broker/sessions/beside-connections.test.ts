/** Connections beside a session's own, as whoever waits for one sees them. */
import { expect, test } from "bun:test";
import { BesideConnections } from "../../../src/broker/sessions/beside-connections.ts";
import type { Connection } from "../../../src/ssh/connection.ts";

const nobody = new AbortController().signal;

/** What is lent knows only whether it is open. */
const lent = (): Connection => {
  let isOpen = true;
  const connection = {
    get isOpen() {
      return isOpen;
    },
    close: async () => {
      isOpen = false;
    },
  };
  return connection as unknown as Connection;
};

const two = () => {
  const beside = new BesideConnections();
  const all = [lent(), lent()];
  const uses = all.map((connection) => {
    const work = Promise.withResolvers<void>();
    const over = beside.run(
      {},
      async () => connection,
      () => work.promise,
      nobody,
    );
    return { end: () => work.resolve(), over };
  });
  return { beside, all, uses };
};

test("whoever asks again for one that came free has the same, and none is left open", async () => {
  const { beside, all, uses } = two();
  const waited = beside.waiting(async (free) => {
    const first = await free(nobody);
    return [first, await free(nobody)];
  });
  uses[0]?.end();
  expect(await waited).toEqual([all[0], all[0]] as Connection[]);
  uses[1]?.end();
  await Promise.all(uses.map(({ over }) => over));
  expect(all.map(({ isOpen }) => isOpen)).toEqual([false, false]);
  expect(beside.claimed).toBe(0);
});

test("when the first has ended meanwhile, it is the next that comes free", async () => {
  const { beside, all, uses } = two();
  const waited = beside.waiting(async (free) => {
    const first = await free(nobody);
    await first.close();
    const second = free(nobody);
    uses[1]?.end();
    return [first, await second];
  });
  uses[0]?.end();
  expect(await waited).toEqual(all);
  await Promise.all(uses.map(({ over }) => over));
  expect(all.map(({ isOpen }) => isOpen)).toEqual([false, false]);
  expect(beside.claimed).toBe(0);
});
