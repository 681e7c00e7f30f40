import { expect, test } from "bun:test";
import { FailedLogins } from "../../../src/broker/logins/failed-logins.ts";
import { SshMcpError } from "../../../src/core/errors.ts";
import { testClock } from "../sessions/sessions.ts";

const denied = new SshMcpError("AUTH_FAILED", "me@web: permission denied", { hint: "ssh-mcp connect me@web" });

test("a login that failed is remembered for a minute, with what it said", () => {
  const clock = testClock();
  const failed = new FailedLogins(clock);
  failed.note("web", denied);
  clock.pass(20_000);
  failed.note("db", denied);
  expect(() => failed.check("other")).not.toThrow();
  expect(() => failed.check("web")).toThrow(
    expect.objectContaining({
      code: "AUTH_FAILED",
      message: "me@web: permission denied; that was 20s ago, and an agent may try again in 40s",
      hint: "ssh-mcp connect me@web",
    }),
  );
  clock.pass(40_000);
  expect(() => failed.check("web")).not.toThrow();
  expect(() => failed.check("db")).toThrow("permission denied");
});

test("a login that went through is no failure any more; another kind of failure says nothing about it", () => {
  const failed = new FailedLogins(testClock());
  failed.note("web", denied);
  failed.note("web", new SshMcpError("CONNECT_TIMEOUT", "no answer"));
  expect(() => failed.check("web")).toThrow("permission denied");
  failed.note("web", null);
  expect(() => failed.check("web")).not.toThrow();
  failed.note("db", new SshMcpError("CONNECT_REFUSED", "refused"));
  expect(() => failed.check("db")).not.toThrow();
});
