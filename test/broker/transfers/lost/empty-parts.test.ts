import { afterAll, expect, test } from "bun:test";
import { readdirSync } from "node:fs";
import { cleanup } from "../../../support/cleanup.ts";
import { startWorld } from "../transfer-fixture.ts";

afterAll(cleanup);

async function* broken(...pieces: Uint8Array[]): AsyncGenerator<Uint8Array> {
  yield* pieces;
  throw new Error("the source broke");
}

test("a stream that breaks leaves no part: nothing could go on from it", async () => {
  const { there, cp } = await startWorld();
  for (const pieces of [[], [new Uint8Array(500_000)]]) {
    const failed = await cp(["-"], "db1:f", { stdin: broken(...pieces) }).then(
      ({ report }) => report.failures.length,
      () => 1,
    );
    expect(failed).toBe(1);
    expect(readdirSync(there)).toEqual([]);
  }
});

test("a file of which nothing could be read leaves no part", async () => {
  const { there, cp } = await startWorld();
  // Every read of it at its beginning fails.
  await cp(["/proc/self/mem"], "db1:f").catch(() => undefined);
  expect(readdirSync(there)).toEqual([]);
});
