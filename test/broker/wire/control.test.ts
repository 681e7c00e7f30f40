import { describe, expect, test } from "bun:test";
import { parseClientMessage } from "../../../src/broker/wire/control.ts";
import { captureLimit } from "../../../src/broker/wire/protocol.ts";
import { request } from "../process/raw-peer.ts";

const refusal = (message: unknown): string => {
  try {
    parseClientMessage(message);
  } catch (thrown) {
    expect(thrown).toMatchObject({ code: "PROTOCOL_ERROR" });
    return String(thrown);
  }
  throw new Error("it was accepted");
};

describe("messages that are understood", () => {
  test.each([
    { kind: "hello", protocol: 1, release: "0.1.0", place: "id net:[1]", stop: false },
    request("exec", { input: { target: "web1" }, capture: captureLimit, progress: true, asks: true }),
    { kind: "cancel" },
    { kind: "answer", prompt: 3, value: null },
    { kind: "answer", prompt: 3, value: "secret" },
    { kind: "variables", request: 1, values: {} },
    { kind: "variables", request: 1, values: { HOME: "/root", EMPTY: "" } },
    { kind: "status" },
  ])("%j", (message) => {
    expect<unknown>(parseClientMessage(message)).toEqual(message);
  });

  test("a hello may say more: another major version is to be answered by its number", () => {
    const hello = { kind: "hello", protocol: 7, release: "9.0.0", place: "moon", stop: false, dialect: "new" };
    expect(parseClientMessage(hello)).toMatchObject({ kind: "hello", protocol: 7 });
  });
});

describe("messages that are refused", () => {
  const good = request("exec");
  test.each<[string, unknown]>([
    ["null", null],
    ["a list", []],
    ["a string", "request"],
    ["no kind", {}],
    ["an unknown kind", { kind: "shutdown" }],
    ["a hello without a number", { kind: "hello", protocol: "1", release: "x", place: "", stop: false }],
    ["a hello from nowhere", { kind: "hello", protocol: 1, release: "x", stop: false }],
    ["a hello that may want an end", { kind: "hello", protocol: 1, release: "x", place: "", stop: "no" }],
    ["an unknown field", { ...good, dryRun: true }],
    ["an unknown field of the caller", { ...good, caller: { ...good.caller, root: true } }],
    ["another face", { ...good, caller: { ...good.caller, face: "web" } }],
    ["a missing caller", { ...good, caller: undefined }],
    ["a negative capture", { ...good, capture: -1 }],
    ["a capture over the limit", { ...good, capture: captureLimit + 1 }],
    ["half a byte of capture", { ...good, capture: 0.5 }],
    ["a cancel with more", { kind: "cancel", call: 3 }],
    ["an answer that is a number", { kind: "answer", prompt: 1, value: 5 }],
    ["a variable that is no text", { kind: "variables", request: 1, values: { HOME: null } }],
    ["variables for nothing", { kind: "variables", values: {} }],
    ["a status with a wish", { kind: "status", of: "everything" }],
    ["an answer to half a prompt", { kind: "answer", prompt: 1.5, value: "x" }],
  ])("%s", (_what, message) => {
    expect(refusal(message)).toContain("a message it does not know");
  });

  test("the refusal names fields and never values", () => {
    expect(refusal({ kind: "answer", prompt: "hunter2", value: ["hunter2"] })).not.toContain("hunter2");
    expect(refusal({ kind: "hunter2" })).not.toContain("hunter2");
  });
});
