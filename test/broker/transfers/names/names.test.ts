import { afterAll, expect, test } from "bun:test";
import { mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { cleanup } from "../../../support/cleanup.ts";
import { startWorld } from "../transfer-fixture.ts";

afterAll(cleanup);

const count = 10_000;

/** Any bytes but `/` and NUL, as POSIX has names; the first of them make each unlike all others. */
const nameOf = (index: number): Buffer => {
  const length = index % 97 === 0 ? 255 - 6 : (index * 7) % 40;
  const bytes = crypto
    .getRandomValues(new Uint8Array(length))
    .map((byte) => (byte === 0 || byte === 0x2f ? 0x2d : byte));
  return Buffer.concat([bytes, Buffer.from(`~${index}`)]);
};

test(`${count} names of any bytes go there and back`, async () => {
  const { here, there, cp } = await startWorld();
  mkdirSync(join(here, "tree"));
  const names = Array.from({ length: count }, (_, index) => nameOf(index));
  for (const [index, name] of names.entries())
    writeFileSync(Buffer.concat([Buffer.from(`${here}/tree/`), name]), `${index}`);
  const put = await cp(["tree"], "db1:", { recursive: true });
  expect(put.report).toMatchObject({ files: count, failures: [] });
  const got = await cp(["db1:tree"], "back", { recursive: true });
  expect(got.report).toMatchObject({ files: count, failures: [] });
  const list = (folder: string): string[] =>
    readdirSync(folder, { encoding: "buffer" })
      .map((name) => name.toString("hex"))
      .sort();
  expect(list(join(there, "tree"))).toEqual(list(join(here, "tree")));
  expect(list(join(here, "back"))).toEqual(list(join(here, "tree")));
  const diff = Bun.spawnSync(["diff", "-r", join(here, "tree"), join(here, "back")]);
  expect(diff.exitCode).toBe(0);
}, 60_000);
