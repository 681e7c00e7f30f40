import { afterAll, expect, test } from "bun:test";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { cleanup } from "../../../support/cleanup.ts";
import { startWorld } from "../transfer-fixture.ts";

afterAll(cleanup);

test("a directory that cannot be made is told once, and what lies in it is counted", async () => {
  const { here, there, cp } = await startWorld();
  mkdirSync(join(here, "tree", "d", "e"), { recursive: true });
  for (let file = 0; file < 20; file++) writeFileSync(join(here, "tree", "d", `f${file}`), "");
  mkdirSync(join(there, "tree"));
  writeFileSync(join(there, "tree", "d"), "in the way");
  const below = await cp(["tree"], "db1:", { recursive: true });
  expect(below.report.failures.map(({ path }) => path)).toEqual(["./tree/d"]);
  expect(below.notices).toEqual([expect.stringContaining("21 more were left out")]);
  const root = await cp(["tree"], "db1:/proc/tree", { recursive: true });
  expect(root.report.failures.map(({ path }) => path)).toEqual(["/proc/tree"]);
  expect(root.notices).toEqual([expect.stringContaining("22 more were left out")]);
});
