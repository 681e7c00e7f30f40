import { describe, expect, test } from "bun:test";
import * as v from "valibot";
import { isSessionName } from "../../src/core/target.ts";
import { connect } from "../../src/operations/connect.ts";
import { contextFor, FakeSessions } from "./fake-sessions.ts";

const opensWith = async (input: Record<string, unknown>) => {
  const sessions = new FakeSessions();
  await connect.run(v.parse(connect.input, { destination: "web", ...input }), contextFor("mcp", sessions));
  return sessions.opens[0];
};

test("hands down everything that was said", async () => {
  const dial = { user: "me", port: 22, configFile: "none", options: ["User=x"] };
  const session = { name: "web-1", title: "the web" };
  expect(await opensWith({ ...dial, ...session, identityFile: ["~/a"], ttl: 1.5, timeout: 0.25 })).toEqual({
    ...{ destination: "web", identityFiles: ["~/a"], ttlMs: 1500, timeoutMs: 250 },
    ...dial,
    ...session,
    ...{ lent: true, fresh: false },
  });
});

test.each([
  { input: { private: true }, opened: { lent: false, fresh: false } },
  { input: { private: false, new: true }, opened: { lent: true, fresh: true } },
])("$input is a person's to say", async ({ input, opened }) => {
  expect(await opensWith(input)).toMatchObject(opened);
  for (const field of Object.keys(input)) expect(connect.cliOnly as readonly string[]).toContain(field);
});

test("leaves to the configuration what nobody said", async () => {
  expect(await opensWith({})).toEqual({
    ...{ destination: "web", user: null, port: null, identityFiles: [], configFile: null, options: [] },
    ...{ name: null, title: null, ttlMs: null, timeoutMs: null, lent: true, fresh: false },
  });
});

test.each([
  { ttl: 0, ttlMs: 0 },
  { ttl: 0.001, ttlMs: 1 },
  // 0 is never: the shortest time to live must not become the longest.
  { ttl: 0.0001, ttlMs: 1 },
  { ttl: 2_592_000, ttlMs: 2_592_000_000 },
])("a time to live of $ttl s is $ttlMs ms", async ({ ttl, ttlMs }) => {
  expect((await opensWith({ ttl }))?.ttlMs).toBe(ttlMs);
});

describe("a name", () => {
  test.each(["a", "0", "web", "web-1", "a.b_c-d", "x".repeat(64)])("may be %s", (name) => {
    expect(isSessionName(name)).toBe(true);
    expect(v.safeParse(connect.input, { destination: "web", name }).success).toBe(true);
  });

  test.each(["", "-a", ".a", "_a", "A", "a b", "a/b", "..", "é", "a\n", "x".repeat(65)])("may not be %j", (name) => {
    expect(isSessionName(name)).toBe(false);
    expect(v.safeParse(connect.input, { destination: "web", name }).success).toBe(false);
  });
});
