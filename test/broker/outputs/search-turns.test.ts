import { describe, expect, test } from "bun:test";
import { SearchTurns } from "../../../src/broker/outputs/search-turns.ts";

const { signal } = new AbortController();
const limits = { atOnce: 1, waiting: 2, waitMs: 60_000 };

/** Work that goes on until it is told to end. */
const held = () => {
  const { promise, resolve } = Promise.withResolvers<void>();
  return { work: () => promise, end: resolve };
};

describe("a search", () => {
  test("begins in its turn, and nothing of it before", async () => {
    const turns = new SearchTurns(limits);
    const order: string[] = [];
    const first = held();
    const all = [
      turns.take(signal, first.work),
      turns.take(signal, async () => void order.push("second")),
      turns.take(signal, async () => void order.push("third")),
    ];
    await Promise.resolve();
    expect(order).toEqual([]);
    first.end();
    await Promise.all(all);
    expect(order).toEqual(["second", "third"]);
  });

  test("that fails gives its turn on", async () => {
    const turns = new SearchTurns(limits);
    const failed = turns.take(signal, () => Promise.reject(new Error("no")));
    const next = turns.take(signal, async () => "done");
    await expect(failed).rejects.toThrow("no");
    expect(await next).toBe("done");
  });

  test("leaves the queue when it is canceled, at once, and takes no turn", async () => {
    const turns = new SearchTurns(limits);
    const first = held();
    const running = turns.take(signal, first.work);
    const stop = new AbortController();
    const waiting = turns.take(stop.signal, async () => "never");
    const last = turns.take(signal, async () => "last");
    stop.abort();
    await expect(waiting).rejects.toMatchObject({ code: "CANCELED" });
    first.end();
    await running;
    expect(await last).toBe("last");
    await expect(turns.take(stop.signal, async () => "never")).rejects.toMatchObject({ code: "CANCELED" });
  });

  test("is refused where too many wait, and where it waits too long", async () => {
    const turns = new SearchTurns({ ...limits, waitMs: 1 });
    const first = held();
    const running = turns.take(signal, first.work);
    const waiting = [turns.take(signal, async () => 1), turns.take(signal, async () => 2)];
    const refused = turns.take(signal, async () => 3);
    for (const each of await Promise.allSettled([refused, ...waiting]))
      expect(each).toMatchObject({ status: "rejected", reason: { code: "TIMEOUT", retryable: true } });
    first.end();
    await running;
    expect(await turns.take(signal, async () => 4)).toBe(4);
  });
});
