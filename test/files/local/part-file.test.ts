/** Two transfers of one file: neither spoils the other's part, nor gives it the final name. */
import { afterAll, expect, test } from "bun:test";
import { existsSync, readdirSync, readFileSync, renameSync, unlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { partName } from "../../../src/core/files/transfer-side.ts";
import { atCalls } from "../../../src/files/local/at-calls.ts";
import { cleanup } from "../../support/cleanup.ts";
import { codeOf, place, plain, stream } from "./sides.ts";

afterAll(cleanup);

/** A transfer that has written `begun`, and goes on when it is told to. */
const slowly = (begun: string, rest: string) => {
  const [at, on] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const bytes = async function* () {
    if (begun !== "") yield* stream(begun);
    at.resolve();
    await on.promise;
    if (rest !== "") yield* stream(rest);
  };
  return { bytes: bytes(), begun: at.promise, goOn: on.resolve };
};

test("a second resume leaves the part of the first as it is", async () => {
  const { root, side } = place();
  const { bytes, begun, goOn } = slowly("abc", "d");
  const first = side.write(root, "f", bytes, 0, plain);
  await begun;
  const error = await side.write(root, "f", stream("x"), 1, plain).catch((thrown) => thrown);
  expect(error.message).toContain("is being written by another transfer");
  expect(readFileSync(join(root, partName("f")), "utf8")).toBe("abc");
  goOn();
  await first;
  expect(readFileSync(join(root, "f"), "utf8")).toBe("abcd");
});

test("what has become another transfer's part gets no final name, and stays", async () => {
  const { root, side } = place();
  const part = join(root, partName("f"));
  const { bytes, begun, goOn } = slowly("all", "");
  const write = side.write(root, "f", bytes, 0, plain).catch((thrown) => thrown);
  await begun;
  renameSync(part, join(root, "away"));
  writeFileSync(part, "hal");
  goOn();
  expect((await write).message).toContain("is being written by another transfer");
  expect(existsSync(join(root, "f"))).toBe(false);
  expect(readFileSync(part, "utf8")).toBe("hal");
});

test("nor is it removed by one that breaks before its first byte", async () => {
  const { root, side } = place();
  const part = join(root, partName("f"));
  const { bytes, begun, goOn } = slowly("", "");
  const failing = async function* () {
    yield* bytes;
    throw new Error("the link is lost");
  };
  const write = codeOf(side.write(root, "f", failing(), 0, plain));
  await begun;
  unlinkSync(part);
  writeFileSync(part, "half");
  goOn();
  expect(await write).not.toBe("fine");
  expect(readdirSync(root)).toEqual([partName("f")]);
});

test("where there is no lock to be had, there is no other transfer", () => {
  // Not the error of a file system without locks, but as little that of one that is taken.
  expect(atCalls().lock(-1)).toBe(true);
});
