import { expect, test } from "bun:test";
import { Turns } from "../../src/core/turns.ts";

test("so many at once, in order, and one that is given back twice counts once", async () => {
  const turns = new Turns(2);
  const seen: number[] = [];
  const one = async (index: number) => {
    const over = await turns.take();
    seen.push(index);
    return over;
  };
  const first = await one(0);
  const second = await one(1);
  const [third, fourth] = [one(2), one(3)];
  await Promise.resolve();
  expect(seen).toEqual([0, 1]);
  first();
  first();
  (await third)();
  second();
  await fourth;
  expect(seen).toEqual([0, 1, 2, 3]);
});
