import { expect, test } from "bun:test";
import { waitFor, within } from "./wait.ts";

test("waitFor gives what the condition gave, once it is truthy", async () => {
  let looks = 0;
  const value = await waitFor(async () => ++looks === 3 && { looks }, { what: "three looks", interval: 1 });
  expect(value).toEqual({ looks: 3 });
});

test("waitFor names what did not happen", async () => {
  await expect(waitFor(() => false, { what: "a miracle", timeout: 20 })).rejects.toThrow("20 ms in vain for a miracle");
});

test("waitFor passes on what the condition throws", async () => {
  const condition = () => {
    throw new Error("broken");
  };
  await expect(waitFor(condition, { what: "it" })).rejects.toThrow("broken");
});

test("within gives the promise's own end, or names it", async () => {
  expect(await within(Promise.resolve(1), { what: "one" })).toBe(1);
  await expect(within(Promise.reject(new Error("own")), { what: "it" })).rejects.toThrow("own");
  await expect(within(new Promise(() => {}), { what: "it", timeout: 20 })).rejects.toThrow("20 ms in vain for it");
});
