import { describe, expect, test } from "bun:test";
import { constants } from "node:os";
import { errorCodes } from "../../src/core/errors.ts";
import { type ExitFacts, exitStatus, exitStatusOfCommand, exitStatusOfError } from "../../src/core/exit-status.ts";

describe("the exit status of an error", () => {
  const special: Record<string, number> = {
    USAGE: 2,
    INVALID_INPUT: 2,
    AUTH_REQUIRED: 4,
    HOST_KEY_UNKNOWN: 4,
    APPROVAL_REQUIRED: 4,
  };
  const specialForCommands: Record<string, number> = { USAGE: 2, INVALID_INPUT: 2, TIMEOUT: 124 };

  test.each([...errorCodes])("%s", (code) => {
    expect(exitStatusOfError(code, false)).toBe(special[code] ?? 1);
    expect(exitStatusOfError(code, true)).toBe(specialForCommands[code] ?? 255);
  });
});

const facts = (
  outcome: ExitFacts["outcome"],
  exitCode: number | null = null,
  signal: string | null = null,
): ExitFacts => ({
  outcome,
  exitCode,
  signal,
});

const table: [facts: ExitFacts, status: number][] = [
  [facts("exited", 0), 0],
  [facts("exited", 1), 1],
  [facts("exited", 124), 124],
  [facts("exited", 254), 254],
  [facts("exited", 255), 255],
  [facts("exited", 256), 255],
  [facts("exited", 512), 255],
  [facts("exited", 4_294_967_295), 255],
  [facts("exited", -1), 255],
  [facts("exited", null), 255],
  [facts("signaled", null, "HUP"), 129],
  [facts("signaled", null, "INT"), 130],
  [facts("signaled", null, "KILL"), 137],
  [facts("signaled", null, "SEGV"), 139],
  [facts("signaled", null, "TERM"), 143],
  [facts("signaled", null, "SIGTERM"), 255],
  [facts("signaled", null, "NOPE@example.com"), 255],
  [facts("signaled", null, "toString"), 255],
  [facts("signaled", null, null), 255],
  [facts("timedOut"), 124],
  [facts("canceled"), 255],
  [facts("unknown"), 255],
];

describe("the exit status of a command", () => {
  test.each(table)("%j is %d", (given, status) => {
    expect(exitStatusOfCommand(given)).toBe(status);
  });

  test("signals of RFC 4254, section 6.10 have this system's numbers", () => {
    const names = ["ABRT", "ALRM", "FPE", "HUP", "ILL", "INT", "KILL", "PIPE", "QUIT", "SEGV", "TERM", "USR1", "USR2"];
    for (const name of names) {
      const number = new Map(Object.entries(constants.signals)).get(`SIG${name}`);
      expect([name, exitStatusOfCommand(facts("signaled", null, name))]).toEqual([name, 128 + (number ?? Number.NaN)]);
    }
  });

  test("nothing but an exit with 0 is success", () => {
    const zero = table.filter(([given]) => exitStatusOfCommand(given) === 0).map(([given]) => given);
    expect(zero).toEqual([facts("exited", 0)]);
    expect(exitStatus.ok).toBe(0);
  });
});
