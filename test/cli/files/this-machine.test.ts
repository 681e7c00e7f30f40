/** What `cp` and `sync` do to the machine they run on: by the compiled binary and a real sshd. */
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { existsSync, readdirSync, readFileSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Home, makeHome } from "../../faces/home.ts";
import { run } from "../../support/binary.ts";
import { cleanup } from "../../support/cleanup.ts";
import { makeFifo } from "../../support/fifo.ts";
import { startSshd } from "../../support/sshd.ts";
import { tempDir } from "../../support/temp.ts";

afterAll(cleanup);
setDefaultTimeout(30_000);

let home: Home;
beforeAll(async () => {
  home = await makeHome();
  const sshd = await startSshd({ authorizedKeys: [home.key.line] });
  home.trust(sshd.knownHosts());
  home.configure(`Host h\n  HostName 127.0.0.1\n  Port ${sshd.port}\n  User ${sshd.user}\n`);
  expect((await ssh("connect", "h")).status).toBe(0);
});

const ssh = (...words: readonly string[]) => run(words, { home: home.path });

test("a home is not wiped by a sync onto it", async () => {
  const there = tempDir("there");
  writeFileSync(join(there, "one"), "");
  writeFileSync(join(home.path, "precious"), "");
  for (const root of [home.path, `${home.path}/.ssh/..`, `${home.path}/..`]) {
    const { status, stderr } = await ssh("sync", "--delete", `h:${there}/`, root);
    expect([status === 0, stderr]).toEqual([false, expect.stringContaining("nothing is deleted there")]);
  }
  expect(existsSync(join(home.path, "precious"))).toBe(true);
  expect(existsSync(join(home.path, "one"))).toBe(false);
});

test("a hundred files of one size are compared, and copied, 64 at once", async () => {
  const [here, there] = [tempDir("here"), tempDir("there")];
  const large = 200_000;
  for (let file = 0; file < 100; file++) {
    writeFileSync(join(here, `f${file}`), `${1000 + file}`);
    writeFileSync(join(here, `large${file}`), new Uint8Array(large).fill(file));
  }
  const [to, copy] = [`h:${join(there, "to")}`, `h:${join(there, "copy")}`];
  expect(await ssh("sync", "--parallel", "64", `${here}/`, to)).toMatchObject({ status: 0 });
  for (let file = 0; file < 100; file++) utimesSync(join(here, `f${file}`), 1000, 1000 + file);
  const again = await ssh("sync", "--checksum", "--parallel", "64", `${here}/`, to);
  expect([again.status, again.stderr]).toEqual([0, expect.not.stringContaining("TOO_LARGE")]);
  expect(await ssh("cp", "-r", "--parallel", "64", here, copy)).toMatchObject({ status: 0 });
  expect(readdirSync(join(there, "copy")).length).toBe(200);
  expect(readFileSync(join(there, "to/large99"))).toEqual(Buffer.alloc(large, 99));
});

test("a pipe gets all its bytes, and standard output is a dash", async () => {
  const there = tempDir("there");
  writeFileSync(join(there, "f"), "x".repeat(300_000));
  const fifo = await makeFifo();
  const copied = ssh("cp", `h:${join(there, "f")}`, fifo);
  const reader = Bun.spawn(["sh", "-c", 'exec wc -c <"$1"', "sh", fifo]);
  expect((await copied).status).toBe(0);
  expect((await reader.stdout.text()).trim()).toBe("300000");
  const out = await ssh("cp", `h:${join(there, "f")}`, "/dev/stdout");
  expect([out.status === 0, out.stdout, out.stderr]).toEqual([
    false,
    "",
    expect.stringContaining("standard output is -"),
  ]);
});
