import { describe, expect, test } from "bun:test";
import { type EndedCommand, endingOf } from "../../src/cli/outcome.ts";

const outcome = (changes: Partial<EndedCommand>): EndedCommand => ({
  outcome: "exited",
  exitCode: null,
  signal: null,
  reason: null,
  stopped: null,
  durationMs: 61_500,
  ...changes,
});

describe("how a command ended", () => {
  const look = "ssh-mcp exec 'a b' -- ps -ef";
  const cases: [facts: Partial<EndedCommand>, timeout: number | undefined, status: number, message: unknown][] = [
    [{ exitCode: 3 }, undefined, 3, null],
    [{ outcome: "signaled", signal: "KILL" }, undefined, 137, null],
    [
      { outcome: "timedOut", stopped: "confirmed" },
      90,
      124,
      { code: "TIMEOUT", message: "the command ran out of time after 90s; stopped: confirmed", hint: null },
    ],
    [
      { outcome: "timedOut", stopped: "unconfirmed" },
      undefined,
      124,
      { code: "TIMEOUT", message: "the command ran out of time after 1m; stopped: unconfirmed", hint: look },
    ],
    [
      { outcome: "canceled", stopped: "confirmed" },
      undefined,
      255,
      { code: "CANCELED", message: "the command was canceled; stopped: confirmed", hint: null },
    ],
    [
      { outcome: "canceled", stopped: "confirmed", reason: "the session web was closed from another terminal" },
      undefined,
      255,
      { code: "CANCELED", message: "the session web was closed from another terminal; stopped: confirmed", hint: null },
    ],
    [
      { outcome: "unknown" },
      undefined,
      255,
      {
        code: "OUTCOME_UNKNOWN",
        message: "the outcome is unknown: the connection was lost; look at the server before you run the command again",
        hint: look,
      },
    ],
    [
      { outcome: "unknown", jobId: "abcdefghjk" },
      undefined,
      255,
      {
        code: "OUTCOME_UNKNOWN",
        message:
          "the outcome is unknown: the connection was lost (job abcdefghjk); look at the server before you run the command again",
        hint: "ssh-mcp job show 'a b' abcdefghjk",
      },
    ],
    [
      { outcome: "canceled", stopped: "unconfirmed", jobId: "abcdefghjk" },
      undefined,
      255,
      {
        code: "CANCELED",
        message: "the command was canceled (job abcdefghjk); stopped: unconfirmed",
        hint: "ssh-mcp job show 'a b' abcdefghjk",
      },
    ],
  ];
  for (const [facts, timeout, status, message] of cases) {
    test(`${facts.outcome ?? "exited"} ${facts.stopped ?? ""}`, () => {
      expect(endingOf(outcome(facts), "a b", timeout) as unknown).toEqual({ status, message });
    });
  }
});
