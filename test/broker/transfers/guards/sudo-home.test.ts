import { afterAll, expect, setDefaultTimeout, test } from "bun:test";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { cleanup } from "../../../support/cleanup.ts";
import { makeKey } from "../../../support/keys.ts";
import { startSshd } from "../../../support/sshd.ts";
import { allowSudo } from "../../../support/sudoers.ts";
import { tempDir } from "../../../support/temp.ts";
import { makeUser } from "../../../support/users.ts";
import { configFor } from "../../sessions/files/servers.ts";
import { overSsh } from "../ssh-transfer.ts";

setDefaultTimeout(30_000);
afterAll(cleanup);

test("as root, nothing is deleted in the home of who logged in, nor in what holds it", async () => {
  const key = await makeKey();
  const user = await makeUser();
  await allowSudo([`${user.name} ALL=(ALL:ALL) NOPASSWD: ALL`]);
  const { port } = await startSshd({ authorizedKeys: [key.line] });
  const here = tempDir("here");
  mkdirSync(join(here, "tree"));
  writeFileSync(join(here, "tree", "new"), "");
  writeFileSync(join(user.home, "precious"), "");
  const session = await overSsh(configFor({ web: { user: user.name, port } }, key), "web", here);
  const options = {
    ...{ recursive: true, preserve: true, become: { by: "sudo", user: "root" } as const },
    sync: { delete: true, dryRun: false, byChecksum: false },
  };
  for (const root of [user.home, `${user.home}/../${user.name}`, join(user.home, "..")]) {
    const refusal = await session.cp(["tree"], `web:${root}`, options).catch((error: unknown) => error);
    expect(refusal).toMatchObject({ code: "INVALID_INPUT" });
  }
  expect(existsSync(join(user.home, "precious"))).toBe(true);
  expect(existsSync(join(user.home, "new"))).toBe(false);
  const below = await session.cp(["tree"], `web:${user.home}/mirror`, options);
  expect(below).toMatchObject({ files: 1, failures: [] });
  await session.end();
});
