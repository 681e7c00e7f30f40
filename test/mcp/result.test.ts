import { describe, expect, test } from "bun:test";
import { SshMcpError } from "../../src/core/errors.ts";
import { toolError, toolResult, withNotices } from "../../src/mcp/result.ts";
import { operationOf } from "../../src/mcp/tools.ts";
import { execResult } from "./fake-client.ts";

const operation = (tool: string) => {
  const found = operationOf(tool);
  if (found === undefined) throw new Error(`no operation for ${tool}`);
  return found;
};

const textOf = (result: ReturnType<typeof toolResult>): string => {
  const [content] = result.content;
  if (result.content.length !== 1 || content?.type !== "text") throw new Error("not one text");
  return content.text;
};

describe("toolResult", () => {
  const exec = operation("ssh_exec");

  test("gives the result twice: as structure and as text", () => {
    const value = execResult({ stdout: "hi\n", stdoutBytes: 3 });
    const result = toolResult(exec, value);
    expect(result).toEqual({ content: [{ type: "text", text: expect.anything() }], structuredContent: value });
    expect(textOf(result)).toBe(exec.render(value));
    expect(textOf(result)).toContain("hi\n");
  });

  test.each([
    { outcome: "exited", exitCode: 1, isError: undefined, text: /^exit status 1 / },
    { outcome: "exited", exitCode: 255, isError: undefined, text: /^exit status 255 / },
    { outcome: "signaled", signal: "KILL", isError: undefined, text: /^ended by signal KILL / },
    { outcome: "timedOut", stopped: "confirmed", isError: true, text: /^TIMEOUT: .*stopped: confirmed/ },
    { outcome: "unknown", reason: "the link was cut", isError: true, text: /^OUTCOME_UNKNOWN: the link was cut / },
    { outcome: "canceled", stopped: "dispatched", isError: true, text: /^CANCELED: / },
  ])("outcome $outcome, exit code $exitCode", ({ isError, text, ...facts }) => {
    const value = execResult({ exitCode: null, ...facts });
    const result = toolResult(exec, value);
    expect(result.isError).toBe(isError);
    expect(result.structuredContent).toEqual(value);
    expect(textOf(result)).toMatch(text);
  });

  test("escapes what a server may have put into the text, and of the structure what JSON would not show", () => {
    const value = { sessions: [{ ...session, host: "a\x1b[2Jb\u202e" }], calls: null, pending: [] };
    const result = toolResult(operation("ssh_sessions"), value);
    expect(textOf(result)).toContain("a\\x1b[2Jb\\u202e");
    const shown = { ...session, host: "a\x1b[2Jb\\u202e" };
    expect(result.structuredContent).toEqual({ ...value, sessions: [shown] });
    expect(JSON.stringify(result)).toMatch(/^[\x20-\x7e…]*$/);
  });

  test.each([null, undefined, "text", 1, [1]])("throws for %p, which is no result", (value) => {
    expect(() => toolResult(exec, value)).toThrow("a result that is no object");
  });
});

describe("toolError", () => {
  test("names the code, the message and the next command, and has no structure", () => {
    const error = new SshMcpError("AUTH_REQUIRED", "a.example asks for a password", {
      hint: "ssh-mcp connect a.example",
    });
    expect(toolError(error)).toEqual({
      content: [
        { type: "text", text: "AUTH_REQUIRED: a.example asks for a password\nhint: ssh-mcp connect a.example" },
      ],
      isError: true,
      _meta: {
        "ssh-mcp/error": {
          code: "AUTH_REQUIRED",
          message: "a.example asks for a password",
          hint: "ssh-mcp connect a.example",
          retryable: true,
        },
      },
    });
  });

  test("has no hint line without a hint", () => {
    expect(textOf(toolError(new SshMcpError("CANCELED", "stopped")))).toBe("CANCELED: stopped");
  });

  test("shows everything escaped", () => {
    const result = toolError(new SshMcpError("PROTOCOL_ERROR", "said \x1b]0;x\x07", { hint: "a\nb\x07" }));
    expect(textOf(result)).toBe("PROTOCOL_ERROR: said \\x1b]0;x\\x07\nhint: a\\nb\\x07");
    // The record is data, as in --json.
    expect(result._meta).toMatchObject({ "ssh-mcp/error": { message: "said \x1b]0;x\x07", hint: "a\nb\x07" } });
  });
});

describe("withNotices", () => {
  const result = toolResult(operation("ssh_disconnect"), { closed: ["web"] });

  test("adds a text for each, escaped and on one line, and leaves the structure alone", () => {
    expect(withNotices(result, ["the disk is full", "a\nhint: b\x1b[2J"])).toEqual({
      ...result,
      content: [
        ...result.content,
        { type: "text", text: "note: the disk is full" },
        { type: "text", text: "note: a\\nhint: b\\x1b[2J" },
      ],
    });
  });

  test("is the answer itself when nothing was said", () => {
    expect(withNotices(result, [])).toEqual(result);
  });
});

const session = {
  name: "web",
  destination: "web",
  host: "192.0.2.1",
  port: 22,
  user: "deploy",
  state: "live",
  running: 0,
  ageMs: 1000,
  idleMs: 1000,
  expiresInMs: null,
  openedBy: { face: "cli", client: "cli" },
  lent: true,
  title: null,
  needsPerson: false,
};
