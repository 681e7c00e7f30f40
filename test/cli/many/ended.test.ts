import { expect, test } from "bun:test";
import { type HostEnd, hasFailed, recordOf, statusOfMany, summaryOf, wordsOf } from "../../../src/cli/many/ended.ts";
import type { CommandOutcome } from "../../../src/core/command.ts";
import { type ErrorCode, SshMcpError } from "../../../src/core/errors.ts";

const result = (target: string, outcome: CommandOutcome, exitCode: number | null = null): HostEnd => ({
  kind: "result",
  target,
  result: {
    outcome,
    exitCode,
    signal: outcome === "signaled" ? "TERM" : null,
    reason: null,
    stopped: null,
    durationMs: 1,
  },
});
const error = (target: string, code: ErrorCode): HostEnd => ({
  kind: "error",
  target,
  error: new SshMcpError(code, "why").toRecord(),
});

const good = result("a", "exited", 0);
const table: [string, readonly HostEnd[], number][] = [
  ["all well", [good, good], 0],
  ["another status", [good, result("b", "exited", 1)], 5],
  ["a signal", [good, result("b", "signaled")], 5],
  ["out of time", [result("b", "exited", 1), result("c", "timedOut")], 3],
  ["out of time before it began", [good, error("b", "TIMEOUT")], 3],
  ["not reached", [result("c", "timedOut"), error("b", "CONNECT_REFUSED")], 4],
  ["a person", [result("c", "exited", 1), error("b", "AUTH_REQUIRED")], 4],
  ["unknown is no status", [good, result("b", "unknown")], 4],
  ["canceled by another", [good, result("b", "canceled")], 4],
  [
    "what we stopped ourselves does not count",
    [result("a", "exited", 1), { kind: "stopped", target: "b", result: null }],
    5,
  ],
  ["no input that anybody takes", [error("a", "INVALID_INPUT"), error("b", "USAGE")], 2],
  ["an input that one takes", [good, error("b", "INVALID_INPUT")], 4],
];
for (const [name, ends, status] of table) test(`status: ${name}`, () => expect(statusOfMany(ends)).toBe(status));

test("the summary names everybody who failed, by what", () => {
  const ends = [good, error("b", "DNS_FAILED"), error("c\x1b[2J", "DNS_FAILED"), result("d", "exited", 2)];
  expect(summaryOf([...ends, { kind: "unbegun", target: "e" }])).toBe(
    "ssh-mcp: 3 of 5 hosts failed\n  DNS_FAILED: b c\\x1b[2J\n  exit status 2: d\n  not begun: e\n",
  );
  expect(summaryOf([good])).toBe("");
  expect(wordsOf(good)).toBeNull();
  expect(hasFailed({ kind: "unbegun", target: "e" })).toBe(false);
});

test("a record has the target as it was given, and the answer or an error", () => {
  expect(recordOf(good)).toMatchObject({ target: "a", outcome: "exited" });
  expect(recordOf(error("b", "DNS_FAILED"))).toMatchObject({ target: "b", error: { code: "DNS_FAILED" } });
  expect(recordOf({ kind: "unbegun", target: "c" })).toMatchObject({ target: "c", error: { code: "CANCELED" } });
});
