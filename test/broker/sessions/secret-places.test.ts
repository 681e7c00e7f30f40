/** Where the keychain keeps a passphrase, and that a login looks for it there. */
import { afterAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { planDial } from "../../../src/broker/logins/dial-plan.ts";
import { keyAccountOf } from "../../../src/broker/logins/secret-sources.ts";
import type { PendingLogins } from "../../../src/broker/sessions/pending-logins.ts";
import { SecretPlaces } from "../../../src/broker/sessions/secret-places.ts";
import type { SessionNames } from "../../../src/broker/sessions/session-names.ts";
import { homeDirectory } from "../../../src/files/paths.ts";
import { cleanup } from "../../support/cleanup.ts";
import { makeKey } from "../../support/keys.ts";
import { tempDir } from "../../support/temp.ts";
import { callOf, cli, requestFor } from "./sessions.ts";

afterAll(cleanup);
setDefaultTimeout(30_000);

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

describe("a passphrase is kept for a key that takes one, and only the right one", () => {
  const placeOf = (keyFile: string) => places.place({ keyFile }, callOf());
  const refuses = async (keyFile: string, message: RegExp, hint?: string): Promise<void> => {
    const place = await placeOf(keyFile);
    const refusal = {
      code: "KEY_INVALID",
      message: expect.stringMatching(message),
      ...(hint === undefined ? {} : { hint }),
    };
    await expect(place.mayKeep()).rejects.toMatchObject(refusal);
    await expect(place.keep("secret")).rejects.toMatchObject(refusal);
  };

  test("a file that cannot be read, or holds no key", async () => {
    await refuses("/no/such/key", /there is no such file/);
    const path = join(tempDir("key"), "id");
    writeFileSync(path, "garbage\n", { mode: 0o600 });
    await refuses(path, /no private key that is known/);
    await refuses(tempDir("key"), /not a regular file/);
  });

  test("a public key, and a key that is not encrypted", async () => {
    const [plain, encrypted] = await Promise.all([makeKey(), makeKey({ passphrase: "secret", rounds: 2 })]);
    await refuses(`${encrypted.path}.pub`, /public key alone/, `ssh-mcp secret set --key ${encrypted.path}`);
    await refuses(plain.path, /not encrypted/, `ssh-keygen -p -f ${plain.path}`);
    rmSync(encrypted.path);
    await refuses(`${encrypted.path}.pub`, /public key alone/);
  });

  test("a wrong passphrase", async () => {
    const { path } = await makeKey({ passphrase: "secret", rounds: 2 });
    const place = await placeOf(path);
    await place.mayKeep();
    await expect(place.keep("wrong")).rejects.toMatchObject({
      ...{ code: "KEY_INVALID", message: expect.stringMatching(/does not fit the key; nothing was kept/) },
      hint: `ssh-mcp secret set --key ${path}`,
    });
  });
});
