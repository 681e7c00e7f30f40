import { afterAll, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { accounts, groupMembers, localUser } from "../../src/files/passwd.ts";
import { cleanup } from "../support/cleanup.ts";
import { currentUser, mustRun } from "../support/command.ts";
import { tempDir } from "../support/temp.ts";

afterAll(cleanup);

test("accounts reads passwd(5) and passes over what is none", () => {
  const file = join(tempDir(), "passwd");
  writeFileSync(file, "ann:x:1000:100:Ann,,,:/home/ann:/bin/sh\n\n+::::::\nbob:x:1001:100:::\n");
  expect(accounts(file)).toEqual([{ name: "ann", uid: 1000, gid: 100, home: "/home/ann" }]);
  expect(accounts(join(file, "missing"))).toEqual([]);
});

test("groupMembers reads group(5)", () => {
  const file = join(tempDir(), "group");
  writeFileSync(file, "users:x:100:ann,bob\nempty:x:0:\n\n");
  expect(groupMembers(100, file)).toEqual(["ann", "bob"]);
  expect(groupMembers(0, file)).toEqual([]);
  expect(groupMembers(7, file)).toBeNull();
});

test("localUser says what id(1) says, whatever $USER claims", async () => {
  expect(localUser()).toBe(currentUser());
  const program = `import { localUser } from ${JSON.stringify(join(import.meta.dir, "../../src/files/passwd.ts"))}; console.log(localUser())`;
  const said = await mustRun([process.execPath, "-e", program], { env: { USER: "somebody-else" } });
  expect(said.trim()).toBe(currentUser());
});
