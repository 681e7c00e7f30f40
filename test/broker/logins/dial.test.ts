/** What a failed login means for the next. */
import { afterAll, expect, setDefaultTimeout, test } from "bun:test";
import { systemClock } from "../../../src/broker/logins/clock.ts";
import { Dialer, type DialScope } from "../../../src/broker/logins/dial.ts";
import { planDial } from "../../../src/broker/logins/dial-plan.ts";
import { cleanup } from "../../support/cleanup.ts";
import { makeKey } from "../../support/keys.ts";
import { startSshd } from "../../support/sshd.ts";
import { callOf, model, requestFor } from "../sessions/sessions.ts";

afterAll(cleanup);
setDefaultTimeout(30_000);

test("a login beside a session's own is held back like any other, and holds back none", async () => {
  const [key, stranger] = [await makeKey(), await makeKey()];
  const sshd = await startSshd({ authorizedKeys: [key.line] });
  const call = callOf({ caller: model() });
  const scope: DialScope = { ...call, isForModels: () => true };
  const request = requestFor(`${sshd.user}@127.0.0.1:${sshd.port}`, { identityFiles: [stranger.path] });
  const plan = await planDial({ ...request, options: [...request.options, "IdentitiesOnly=yes"] }, call);
  const dialer = new Dialer(systemClock);
  const refused = async (dialed: Promise<unknown>): Promise<string> => {
    const error = await dialed.catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: "AUTH_FAILED" });
    return (error as Error).message;
  };
  const heldBack = "an agent may try again in";
  expect(await refused(dialer.dialBeside(plan, scope))).not.toContain(heldBack);
  expect(await refused(dialer.dial(plan, scope))).not.toContain(heldBack);
  expect(await refused(dialer.dial(plan, scope))).toContain(heldBack);
  expect(await refused(dialer.dialBeside(plan, scope))).toContain(heldBack);
});
