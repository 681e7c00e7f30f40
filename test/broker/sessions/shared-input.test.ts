import { expect, test } from "bun:test";
import { SharedInput } from "../../../src/broker/sessions/shared-input.ts";

const chunk = (text: string): Uint8Array => Buffer.from(text);

/** Gives what it is told to, when it is told to. */
const source = () => {
  let wanted = Promise.withResolvers<IteratorResult<Uint8Array>>();
  let returns = 0;
  const iterator = {
    next: () => wanted.promise,
    return: async (): Promise<IteratorResult<Uint8Array>> => {
      returns += 1;
      return { done: true, value: undefined };
    },
  };
  return {
    input: new SharedInput({ [Symbol.asyncIterator]: () => iterator }),
    give(text: string): void {
      wanted.resolve({ done: false, value: chunk(text) });
      wanted = Promise.withResolvers();
    },
    returns: () => returns,
  };
};

test("what an attempt had asked for when it ended is the next one's, whenever it came", async () => {
  const { input, give, returns } = source();
  const first = input[Symbol.asyncIterator]();
  const asked = first.next();
  await first.return?.();
  expect(await first.next()).toEqual({ done: true, value: undefined });
  give("one");
  await asked;
  const second = input[Symbol.asyncIterator]();
  await second.return?.();
  const third = input[Symbol.asyncIterator]();
  expect(await third.next()).toEqual({ done: false, value: chunk("one") });
  const next = third.next();
  give("two");
  expect(await next).toEqual({ done: false, value: chunk("two") });
  expect(returns()).toBe(0);
  input.end();
  expect(returns()).toBe(1);
});

test("what was read by one attempt is not read again, and an input that nobody read is left alone", async () => {
  const chunks = (async function* () {
    yield chunk("one");
    yield chunk("two");
  })();
  const input = new SharedInput(chunks);
  input.end();
  const first = input[Symbol.asyncIterator]();
  expect((await first.next()).value).toEqual(chunk("one"));
  await first.return?.();
  const rest: Uint8Array[] = [];
  for await (const each of input) rest.push(each);
  expect(rest).toEqual([chunk("two")]);
});
