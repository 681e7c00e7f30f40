import { expect, test } from "bun:test";
import { atOnce } from "../../../src/broker/transfers/at-once.ts";
import { begun } from "../../../src/broker/transfers/begun.ts";
import { Queue } from "../../../src/broker/transfers/queue.ts";
import { RateLimit } from "../../../src/broker/transfers/rate-limit.ts";

test("a queue hands everything on in order, and holds no more than its limit", async () => {
  const queue = new Queue<number>(3);
  let put = 0;
  const producer = (async () => {
    for (; put < 20; put++) await queue.put(put);
    queue.end();
  })();
  const taken: number[] = [];
  for await (const item of queue) {
    taken.push(item);
    expect(put - taken.length).toBeLessThanOrEqual(4);
  }
  await producer;
  expect(taken).toEqual(Array.from({ length: 20 }, (_, index) => index));
});

test("what begins ahead is handed on whole, and let go of", async () => {
  const log: string[] = [];
  const counted = async function* (): AsyncGenerator<number, void> {
    try {
      for (let number = 0; number < 3; number++) {
        log.push(`${number}`);
        yield number;
      }
    } finally {
      log.push("over");
    }
  };
  const all = begun(counted());
  expect(log).toEqual(["0"]);
  expect([await all.next(), await all.next()].map(({ value }) => value)).toEqual([0, 1]);
  await all.return?.();
  expect(log).toEqual(["0", "1", "over"]);
});

test("a queue that failed tells both ends", async () => {
  const queue = new Queue<number>(1);
  await queue.put(1);
  const waiting = queue.put(2);
  queue.fail(new Error("broken"));
  expect(waiting).rejects.toThrow("broken");
  expect(queue.take(1)).rejects.toThrow("broken");
});

test("so many at once, and nothing more after a failure", async () => {
  let running = 0;
  let most = 0;
  const done: number[] = [];
  const work = async (item: number): Promise<void> => {
    most = Math.max(most, ++running);
    await Promise.resolve();
    running--;
    if (item === 50) throw new Error("fifty");
    done.push(item);
  };
  expect(atOnce(Array(100).keys(), 7, work)).rejects.toThrow("fifty");
  await Bun.sleep(1);
  expect(most).toBe(7);
  expect(done.length).toBeLessThan(60);
});

test("a rate is kept, and a wait for it ends with the call", async () => {
  const call = new AbortController();
  const limit = new RateLimit(1_000_000, call.signal);
  const startedAt = performance.now();
  let bytes = 0;
  for await (const piece of limit.pieces(new Uint8Array(450_000))) bytes += piece.length;
  expect(bytes).toBe(450_000);
  // A quarter of a second is saved at the begin.
  expect(performance.now() - startedAt).toBeGreaterThan(150);
  const waiting = limit.pass(1e9);
  call.abort(new Error("over"));
  expect(waiting).rejects.toThrow("over");
});
