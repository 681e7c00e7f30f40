import { describe, expect, test } from "bun:test";
import * as v from "valibot";
import { type CallIo, createDispatch, type Dispatch } from "../../../src/broker/process/dispatch.ts";
import type { Request } from "../../../src/broker/wire/protocol.ts";
import { absentSide } from "../../../src/core/files/absent-side.ts";
import type { Effect, Operation } from "../../../src/core/operation.ts";
import type { Rule } from "../../../src/policy/evaluate.ts";
import { fake, noHosts, noSessions, operations } from "./fake-operations.ts";
import { caller, request } from "./raw-peer.ts";

const mcp = { ...caller, face: "mcp", client: "editor 1.0" } as const;

const manyTargets = v.strictObject({ targets: v.array(v.string()) });

const written: string[] = [];
const sink = { write: async (chunk: Uint8Array) => void written.push(new TextDecoder().decode(chunk)) };
const io: CallIo = {
  signal: new AbortController().signal,
  stdin: (async function* () {})(),
  stdout: sink,
  stderr: sink,
  ask: async () => "answer",
  asks: true,
  variables: async () => ({}),
  files: { read: () => (async function* () {})() },
  terminal: async () => null,
  notice: () => undefined,
  local: absentSide,
  progress: () => undefined,
};

let ran = 0;
const counted = (changes: Partial<Operation>): Operation =>
  fake(
    "counted",
    async () => {
      ran++;
      return { count: 1, text: null };
    },
    changes,
  );

const dispatchOf = (extra: readonly Operation[], rules: readonly Rule[] = []): Dispatch =>
  createDispatch({ operations: [...operations, ...extra], sessions: noSessions, hosts: noHosts, rules });

const errorOf = async (sent: Request, dispatch: Dispatch = dispatchOf([])): Promise<unknown> => {
  const before = ran;
  const outcome = await dispatch(sent, io).then(
    (value) => ({ value }),
    (thrown: unknown) => thrown,
  );
  expect(ran).toBe(before);
  return outcome;
};

describe("what may be called", () => {
  test("an operation nobody defined is USAGE, its name made harmless", async () => {
    expect(await errorOf(request("\x1b[2J"))).toMatchObject({
      code: "USAGE",
      message: 'there is no operation "\\x1b[2J"',
    });
    expect(await errorOf(request("constructor"))).toMatchObject({ code: "USAGE" });
  });

  test("an operation of the other face is refused", async () => {
    const dispatch = dispatchOf([counted({ faces: ["cli"] })]);
    expect(await errorOf(request("counted", { caller: mcp }), dispatch)).toMatchObject({
      code: "USAGE",
      message: "counted is not offered to the mcp face",
    });
    expect(await dispatch(request("counted"), io)).toEqual({ count: 1, text: null });
  });

  test("a field that is not for models is refused from a model, even empty, and taken from a person", async () => {
    const dispatch = dispatchOf([counted({})]);
    for (const secret of ["-oProxyCommand=x", undefined, null]) {
      expect(await errorOf(request("counted", { caller: mcp, input: { secret } }), dispatch)).toMatchObject({
        code: "INVALID_INPUT",
        message: "ssh_counted cannot take this input: secret: is for a person at the command line only",
        hint: "the input schema of ssh_counted has every field",
      });
    }
    await dispatch(request("counted", { input: { secret: "s" } }), io);
  });

  test("a field that another tool takes is refused with that tool's name", async () => {
    const dispatch = dispatchOf([counted({}), fake("other", async () => ({ count: 1, text: null }), { cliOnly: [] })]);
    expect(await errorOf(request("counted", { caller: mcp, input: { secret: "s" } }), dispatch)).toMatchObject({
      message: "ssh_counted cannot take this input: secret: is not taken here",
      hint: "ssh_other takes secret",
    });
  });
});

describe("input", () => {
  test("every issue is named at once, no value is echoed, and the hint fits the face", async () => {
    const input = { count: "S3CRET", text: 5, txet: "S3CRET", other: 1 };
    expect(await errorOf(request("both", { input }))).toMatchObject({
      code: "INVALID_INPUT",
      message:
        "both cannot take this input: --count: must be a number; --text: must be a string; " +
        "txet: is not a known field; other: is not a known field",
      hint: "ssh-mcp both --help",
    });
    expect(await errorOf(request("both", { caller: mcp, input }))).toMatchObject({
      message:
        "ssh_both cannot take this input: count: must be a number; text: must be a string; " +
        "txet: is not a known field; other: is not a known field",
      hint: "the input schema of ssh_both has every field",
    });
  });

  test.each([[null], [undefined], ["x"], [5], [[]], [[1]]])("%p is no input", async (input) => {
    expect(await errorOf(request("counted", { input }), dispatchOf([counted({})]))).toMatchObject({
      code: "INVALID_INPUT",
      message: "counted cannot take this input: must be an object",
    });
  });

  test("rules across fields come after the schema's", async () => {
    const dispatch = dispatchOf([
      counted({ validate: ({ text }) => (text === "no" ? [{ field: "text", message: "not beside {count}" }] : []) }),
    ]);
    const input = { text: "no" };
    expect(await errorOf(request("counted", { input }), dispatch)).toMatchObject({
      code: "INVALID_INPUT",
      message: "counted cannot take this input: --text: not beside --count",
    });
    expect(await errorOf(request("counted", { caller: mcp, input }), dispatch)).toMatchObject({
      message: "ssh_counted cannot take this input: text: not beside count",
    });
  });
});

describe("policy", () => {
  const deny: Rule = { name: "no-prod", decision: "deny", targets: ["prod*"] };
  const ask: Rule = { name: "ask-db", decision: "ask", targets: ["db*"] };

  test.each<[string, Rule[], unknown, string]>([
    ["a denied target", [deny], { target: "prod1" }, "POLICY_DENIED"],
    ["a target to be approved", [ask], { target: "db1" }, "APPROVAL_REQUIRED"],
    ["no target, by a rule for all", [{ name: "none", decision: "deny" }], {}, "POLICY_DENIED"],
  ])("%s does not run", async (_what, rules, input, code) => {
    expect(await errorOf(request("counted", { input }), dispatchOf([counted({})], rules))).toMatchObject({ code });
  });

  test("every server that operands name is asked about, and each names one", async () => {
    const targets = ({ text }: Record<string, unknown>): string[] => String(text).split(" ");
    const copying = counted({ target: null, targets });
    const run = (text: string, rules: readonly Rule[]) =>
      errorOf(request("counted", { input: { text } }), dispatchOf([copying], rules));
    expect(await run("web db1", [ask])).toMatchObject({
      code: "APPROVAL_REQUIRED",
      message: 'counted on "db1": needs approval by the rule "ask-db"',
    });
    expect(await run("db1 prod1", [ask, deny])).toMatchObject({ code: "POLICY_DENIED" });
    expect(await run("web a,b", [])).toMatchObject({
      code: "USAGE",
      message: 'counted takes one host, and "a,b" is a list of 2',
    });
    const before = ran;
    await dispatchOf([copying], [ask, deny])(request("counted", { input: { text: "web www" } }), io);
    expect(ran).toBe(before + 1);
  });

  test("is asked about what this call does", async () => {
    const rules: Rule[] = [{ name: "look only", decision: "deny", effects: ["write", "destructive"] }];
    const effectOf = ({ text }: Record<string, unknown>): Effect => (text === "look" ? "read" : "write");
    const dispatch = dispatchOf([counted({ effect: "destructive", effectOf })], rules);
    expect(await errorOf(request("counted", { input: { text: "do" } }), dispatch)).toMatchObject({
      code: "POLICY_DENIED",
    });
    expect(await dispatch(request("counted", { input: { text: "look" } }), io)).toMatchObject({ count: 1 });
  });

  test("names the target and the rule", async () => {
    const dispatch = dispatchOf([counted({})], [deny]);
    expect(await errorOf(request("counted", { input: { target: "prod\n1" } }), dispatch)).toMatchObject({
      message: 'counted on "prod\\n1": denied by the rule "no-prod"',
    });
    await dispatch(request("counted", { input: { target: "web1" } }), io);
  });

  test("of several targets each is asked about, and a denied one decides", async () => {
    const many = counted({ validate: () => [], target: "targets", input: manyTargets });
    const dispatch = dispatchOf([many], [deny, ask]);
    const input = { targets: ["web1", "db1", "prod1"] };
    expect(await errorOf(request("counted", { input }), dispatch)).toMatchObject({ code: "POLICY_DENIED" });
    expect(await errorOf(request("counted", { input: { targets: ["web1", "db1"] } }), dispatch)).toMatchObject({
      code: "APPROVAL_REQUIRED",
    });
    await dispatch(request("counted", { input: { targets: ["web1"] } }), io);
  });

  test("is not asked about input that is not valid", async () => {
    const input = { target: 5 };
    expect(
      await errorOf(request("counted", { input }), dispatchOf([counted({})], [{ name: "x", decision: "deny" }])),
    ).toMatchObject({ code: "INVALID_INPUT" });
  });
});

describe("output", () => {
  test("streams unless it is captured", async () => {
    written.length = 0;
    expect(await dispatchOf([])(request("both", { input: { text: "x" } }), io)).toEqual({ count: 2, text: null });
    expect(written).toEqual(["out x\n", "err x\n"]);
    written.length = 0;
    expect(await dispatchOf([])(request("both", { input: { text: "x" }, capture: 100 }), io)).toEqual({
      count: 2,
      text: null,
      stdout: "out x\n",
      stderr: "err x\n",
      truncated: false,
    });
    expect(written).toEqual([]);
  });

  test("is cut to the capture, which either stream reports", async () => {
    const captured = await dispatchOf([])(request("produce", { input: { count: 100 }, capture: 1000 }), io);
    expect(captured).toMatchObject({ count: 100, stderr: "", truncated: true });
    const { stdout } = captured as { stdout: string };
    expect(stdout.length).toBeLessThan(1100);
    expect(stdout).toContain("omitted");
  });

  test("of an operation without streams is never overlaid", async () => {
    const dispatch = dispatchOf([counted({ streams: "none" })]);
    expect(await dispatch(request("counted", { capture: 100 }), io)).toEqual({ count: 1, text: null });
  });

  test("that the schema does not describe is INTERNAL, and more than it describes is dropped", async () => {
    const bad = fake("bad", async () => ({ count: "many" }) as never);
    const error = await dispatchOf([bad])(request("bad"), io).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({
      code: "INTERNAL",
      message: "bad ran, but its result is not as described: count: must be a number; text: is required",
    });
    const more = fake("more", async () => ({ count: 1, text: null, password: "x" }));
    expect(await dispatchOf([more])(request("more"), io)).toEqual({ count: 1, text: null });
  });
});
