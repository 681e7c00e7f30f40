import { expect, test } from "bun:test";
import fc from "fast-check";
import { Rate } from "../../../src/core/files/rate.ts";

const after = (steps: readonly [seconds: number, bytes: number][]): number | null => {
  const rate = new Rate(1000);
  let [at, bytes] = [1000, 0];
  for (const [seconds, more] of steps) {
    at += seconds * 1000;
    bytes += more;
    rate.update(bytes, at);
  }
  return rate.now;
};

test("says nothing before there is something to say", () => {
  expect(after([])).toBeNull();
  expect(after([[0.4, 1_000_000]])).toBeNull();
});

test("is the rate where that is steady", () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 1e9 }), fc.integer({ min: 5, max: 100 }), (bytes, count) => {
      const rate = after(Array.from({ length: count }, () => [0.1, bytes]));
      return rate !== null && Math.abs(rate - bytes * 10) < bytes;
    }),
  );
});

test("lies between the slowest and the fastest moment, and never below nothing", () => {
  const steps = fc.array(fc.tuple(fc.double({ min: 0.5, max: 5, noNaN: true }), fc.nat(1_000_000)), { minLength: 1 });
  fc.assert(
    fc.property(steps, (each) => {
      const rates = each.map(([seconds, bytes]) => bytes / seconds);
      const rate = after(each) ?? -1;
      return rate >= Math.min(...rates) * 0.999 && rate <= Math.max(...rates) * 1.001;
    }),
  );
  const rate = new Rate(0);
  rate.update(1000, 1000);
  rate.update(0, 2000);
  expect(rate.now).toBeGreaterThanOrEqual(0);
});

test("follows a way that becomes slower, and one that stands still", () => {
  const fast: [number, number][] = Array.from({ length: 50 }, () => [0.1, 1000]);
  const slow: [number, number][] = Array.from({ length: 60 }, () => [0.1, 100]);
  expect(after([...fast, ...slow])).toBeLessThan(2500);
  expect(after([...fast, [60, 0]])).toBeLessThan(1);
});
