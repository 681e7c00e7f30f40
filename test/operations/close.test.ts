import { expect, test } from "bun:test";
import type * as v from "valibot";
import type { Issue } from "../../src/core/operation.ts";
import { close } from "../../src/operations/close.ts";
import { contextFor, FakeSessions } from "./fake-sessions.ts";

type Input = v.InferOutput<typeof close.input>;

const both = [{ field: "", message: "give {targets} or {all}, not both" }];
const neither = [{ field: "", message: "give {targets}, the names of the sessions, or {all}" }];

test.each<{ input: Input; names: readonly string[] | "all" }>([
  { input: { targets: ["web"] }, names: ["web"] },
  { input: { targets: ["web", "db"], all: false }, names: ["web", "db"] },
  { input: { all: true }, names: "all" },
  { input: { targets: [], all: true }, names: "all" },
])("%j is what is closed", async ({ input, names }) => {
  expect(close.validate(input)).toEqual([]);
  const sessions = new FakeSessions();
  const context = contextFor("mcp", sessions);
  await close.run(input, context);
  expect(sessions.closes).toEqual([{ names, caller: context.caller }]);
});

test.each<{ input: Input; issues: Issue[] }>([
  { input: {}, issues: neither },
  { input: { targets: [] }, issues: neither },
  { input: { all: false }, issues: neither },
  { input: { targets: [], all: false }, issues: neither },
  { input: { targets: ["web"], all: true }, issues: both },
])("%j is refused", ({ input, issues }) => {
  expect(close.validate(input)).toEqual(issues);
});
