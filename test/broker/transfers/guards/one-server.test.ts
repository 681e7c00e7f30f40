import { afterAll, expect, test } from "bun:test";
import { mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { cleanup } from "../../../support/cleanup.ts";
import { sftpMachine } from "../../../support/sftp-process.ts";
import { tempDir } from "../../../support/temp.ts";
import { startWorld } from "../transfer-fixture.ts";

afterAll(cleanup);

test("a server under two names copies nothing into itself; two servers with the same paths copy all", async () => {
  const [home, elsewhere] = [tempDir("home"), tempDir("elsewhere")];
  mkdirSync(join(home, "s"));
  writeFileSync(join(home, "s", "f"), "");
  const { cp, sync } = await startWorld([await sftpMachine({ home }), await sftpMachine({ home })]);
  for (const to of ["s/d", "s", "s/."]) {
    const refused = cp(["db1:s"], `db2:${to}`, { recursive: true });
    expect(await refused.catch((error: unknown) => error)).toMatchObject({
      code: "INVALID_INPUT",
      message: expect.stringContaining("itself"),
    });
  }
  const held = sync("db1:s/", "db2:.", { delete: true });
  expect(await held.catch((error: unknown) => error)).toMatchObject({ code: "INVALID_INPUT" });
  expect(readdirSync(join(home, "s"))).toEqual(["f"]);
  expect((await cp(["db1:s"], `db2:${elsewhere}/s`, { recursive: true })).report).toMatchObject({ files: 1 });
});
