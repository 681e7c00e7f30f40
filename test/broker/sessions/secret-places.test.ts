/** Where the keychain keeps a passphrase, and that a login looks for it there. */
import { expect, test } from "bun:test";
import { planDial } from "../../../src/broker/logins/dial-plan.ts";
import { keyAccountOf } from "../../../src/broker/logins/secret-sources.ts";
import type { PendingLogins } from "../../../src/broker/sessions/pending-logins.ts";
import { SecretPlaces } from "../../../src/broker/sessions/secret-places.ts";
import type { SessionNames } from "../../../src/broker/sessions/session-names.ts";
import { homeDirectory } from "../../../src/files/paths.ts";
import { callOf, cli, requestFor } from "./sessions.ts";

// Nothing is named but a file, and nothing is kept.
const places = new SecretPlaces({} as SessionNames, {} as PendingLogins);

test.each([
  ["/keys/work", "/keys/work"],
  ["work", "/home/me/ssh/work"],
  ["./work", "/home/me/ssh/work"],
  ["../keys/./work", "/home/me/keys/work"],
  ["/keys//old/../work", "/keys/work"],
  ["~/keys/../work", `${homeDirectory()}/work`],
  ["100% mine", "/home/me/ssh/100% mine"],
])("the key %s has one place, whoever names it", async (keyFile, path) => {
  const call = callOf({ caller: { ...cli, cwd: "/home/me/ssh" } });
  const { account } = await places.place({ keyFile }, call);
  expect(account).toBe(`key ${path}`);
  // `-i` takes tokens, the option of a secret takes a file.
  const identityFiles = [keyFile.replaceAll("%", "%%")];
  const plan = await planDial(requestFor("db1", { identityFiles }), call);
  expect(keyAccountOf(plan.resolved.identityFiles[0] ?? "")).toBe(account);
});

test("of somebody who is not there, there is none", async () => {
  await expect(places.place({ keyFile: "~no-such-user/key" }, callOf())).rejects.toMatchObject({
    code: "INVALID_INPUT",
    message: expect.stringContaining("there is no such user"),
  });
});
