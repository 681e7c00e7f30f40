/** Copies from one folder of a server to another, where there is one channel for all of it and no second login. */
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { cleanup } from "../../support/cleanup.ts";
import { startDropbear } from "../../support/dropbear.ts";
import { makeKey } from "../../support/keys.ts";
import { startSshd } from "../../support/sshd.ts";
import { tempDir } from "../../support/temp.ts";
import { configFor } from "../sessions/files/servers.ts";
import { overSsh } from "./ssh-transfer.ts";

setDefaultTimeout(30_000);
afterAll(cleanup);

let config: string;
beforeAll(async () => {
  const key = await makeKey();
  const few = (count: number) => startSshd({ authorizedKeys: [key.line], options: [`MaxSessions ${count}`] });
  config = configFor(
    { one: await few(1), two: await few(2), dropbear: await startDropbear({ authorizedKeys: [key.line] }) },
    key,
  );
});

test.each(["one", "two", "dropbear"])(
  "small files go from a folder to another, and are compared (%s)",
  async (name) => {
    const there = tempDir("there");
    for (let file = 0; file < 60; file++) {
      const folder = join(there, "tree", `d${file % 3}`);
      mkdirSync(folder, { recursive: true });
      writeFileSync(join(folder, `f${file}`), Buffer.alloc(file * 500, file));
    }
    chmodSync(there, 0o777);
    // Room for the session's own connection alone.
    const { cp, connections, end } = await overSsh(config, name, there, 1);
    const whole = { recursive: true, preserve: true, verify: true };
    const copy = (to: string) => cp([`${name}:${there}/tree`], `${name}:${there}/${to}`, whole);
    expect(await Promise.all([copy("a"), copy("b")])).toMatchObject([
      { files: 60, failures: [] },
      { files: 60, failures: [] },
    ]);
    expect(readFileSync(join(there, "b", "d2", "f59"))).toEqual(Buffer.alloc(59 * 500, 59));
    expect(connections()).toBe(1);
    await end();
  },
);
