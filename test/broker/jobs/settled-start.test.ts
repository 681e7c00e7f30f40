import { expect, test } from "bun:test";
import { settledStart } from "../../../src/broker/jobs/settled-start.ts";
import type { CallScope } from "../../../src/core/call-scope.ts";
import { type ErrorCode, SshMcpError } from "../../../src/core/errors.ts";
import type { Session } from "../../../src/core/session.ts";

const refused = "AUTH_FAILED HOST_KEY_UNKNOWN HOST_KEY_CHANGED HOST_KEY_REVOKED CANCELED AUTH_REQUIRED".split(" ");

test.each(refused)("a start whose server answers with %s is asked about once, and is unknown", async (code) => {
  let looks = 0;
  const session = {
    info: { name: "box" },
    exec: async () => {
      looks++;
      throw new SshMcpError(code as ErrorCode, "refused");
    },
  } as unknown as Session;
  const scope = { caller: { face: "cli" }, signal: new AbortController().signal } as unknown as CallScope;
  const answer = await settledStart(session, "aaaaaaaaaa", "cut", scope).catch((error: unknown) => error);
  expect(answer).toMatchObject({ code: "OUTCOME_UNKNOWN", message: expect.stringContaining("aaaaaaaaaa") });
  expect(looks).toBe(1);
});
