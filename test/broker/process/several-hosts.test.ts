/** A call on several hosts, of a caller that takes one answer: each host is its own for policy and for the clock. */
import { afterEach, expect, spyOn, test } from "bun:test";
import * as v from "valibot";
import { type CallIo, createDispatch } from "../../../src/broker/process/dispatch.ts";
import { absentSide } from "../../../src/core/files/absent-side.ts";
import { fake, noHosts, noSessions } from "./fake-operations.ts";
import { caller, request } from "./raw-peer.ts";

const mcp = { ...caller, face: "mcp", client: "editor 1.0" } as const;
const nowhere = { write: async () => undefined };
const io: CallIo = {
  ...{ stdout: nowhere, stderr: nowhere, asks: false, signal: new AbortController().signal },
  stdin: (async function* () {})(),
  files: { read: () => (async function* () {})() },
  ask: async () => "",
  variables: async () => ({}),
  terminal: async () => null,
  notice: () => undefined,
  local: absentSide,
  progress: () => undefined,
};

const error = v.object({ code: v.string(), message: v.string() });
const fields = {
  outcome: v.nullable(v.string()),
  stdout: v.nullable(v.string()),
  stderr: v.nullable(v.string()),
  target: v.string(),
  stdoutBytes: v.number(),
  stderrBytes: v.number(),
  truncated: v.boolean(),
  durationMs: v.number(),
};
const output = v.object({
  ...fields,
  hosts: v.nullable(v.array(v.object({ ...fields, error: v.nullable(error) }))),
});

/** What a host was given, in the order in which they began. */
interface Begun {
  target: string;
  waitedMs: number | undefined;
}

const dispatchTo = (begin: (begun: Begun) => Promise<void>, denied: readonly string[] = []) => {
  const operation = fake(
    "many",
    (async ({ target = "" }: { target?: string }, { waitedMs }: { waitedMs?: number }) => {
      await begin({ target, waitedMs });
      return {
        ...{ outcome: "exited", stdout: null, stderr: null, target, truncated: false, hosts: null },
        ...{ stdoutBytes: 0, stderrBytes: 0, durationMs: 1 },
      };
    }) as never,
    {
      input: v.strictObject({ target: v.string(), timeout: v.optional(v.number()) }),
      output,
      cliOnly: [],
    },
  );
  const rules = denied.length === 0 ? [] : [{ name: "no-prod", decision: "deny", targets: denied } as const];
  const hosts = { ...noHosts, members: async () => ["web1", "prod1", "web2"] };
  const dispatch = createDispatch({ operations: [operation], sessions: noSessions, hosts, rules });
  return async (input: object) => {
    const answer = await dispatch(request("many", { caller: mcp, input, capture: 1000 }), io);
    return (answer as v.InferOutput<typeof output>).hosts ?? [];
  };
};

test("a rule that denies one host of several denies that one alone, of a list as of a group", async () => {
  for (const target of ["web1,prod1,web2", "@all", "web1,@all"]) {
    const ran: string[] = [];
    const entries = await dispatchTo(async (begun) => void ran.push(begun.target), ["prod*"])({ target });
    expect(ran.sort()).toEqual(["web1", "web2"]);
    expect(entries).toMatchObject([
      { target: "web1", outcome: "exited", error: null },
      {
        target: "prod1",
        outcome: null,
        error: { code: "POLICY_DENIED", message: 'many on "prod1": denied by the rule "no-prod"' },
      },
      { target: "web2", outcome: "exited", error: null },
    ]);
  }
});

let clock: { mockRestore(): void } | null = null;
afterEach(() => clock?.mockRestore());

/** 34 hosts of which 32 run at once; the first has its end after so many milliseconds. */
const afterFirst = async (input: { timeout?: number }, ms: number) => {
  let now = 1_000_000;
  clock = spyOn(performance, "now").mockImplementation(() => now);
  const begun: Begun[] = [];
  const all = Promise.withResolvers<void>();
  const send = dispatchTo(async (one) => {
    begun.push(one);
    if (begun.length === 32) {
      now += ms;
      all.resolve();
    }
    await all.promise;
  });
  const target = Array.from({ length: 34 }, (_, index) => `h${index}`).join(",");
  return { entries: await send({ ...input, target }), begun };
};

test.each([{ timeout: 40 }, {}])(
  "a host that waits for its turn waits out of the time of the call: %j",
  async (input) => {
    const { entries, begun } = await afterFirst(input, 10_000);
    expect(begun.length).toBe(34);
    expect(begun.slice(0, 32).every(({ waitedMs }) => waitedMs === 0)).toBe(true);
    expect(begun.slice(32).map(({ waitedMs }) => waitedMs)).toEqual([10_000, 10_000]);
    expect(entries.every(({ error }) => error === null)).toBe(true);
  },
);

test.each([
  { input: { timeout: 40 }, ms: 40_000 },
  { input: {}, ms: 50_000 },
])("one whose turn comes when the time is over is not begun: $input", async ({ input, ms }) => {
  const { entries, begun } = await afterFirst(input, ms);
  expect(begun.length).toBe(32);
  for (const entry of entries.slice(32)) {
    expect(entry).toMatchObject({ outcome: null, error: { code: "TIMEOUT" } });
    expect(entry.error?.message).toContain("not sent");
  }
});
