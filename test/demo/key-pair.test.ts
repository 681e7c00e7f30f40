import { expect, test } from "bun:test";
import ssh2 from "ssh2";
import { makeKeyPair } from "../../src/demo/key-pair.ts";

test("every key can be read, also the one in 256 whose public half begins with a zero", () => {
  const pairs = Array.from({ length: 1500 }, makeKeyPair);
  const halves = pairs.flatMap((pair) => [pair.private, pair.public]);
  expect(halves.filter((half) => ssh2.utils.parseKey(half) instanceof Error)).toEqual([]);
});
