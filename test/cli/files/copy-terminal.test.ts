/** What a person sees of a copy on a real terminal: see also test/scripts/cp-terminal.txt. */
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { chmodSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Home, makeHome } from "../../faces/home.ts";
import { cleanup } from "../../support/cleanup.ts";
import { startSshd } from "../../support/sshd.ts";
import { tempDir } from "../../support/temp.ts";
import { startInTerminal } from "../../support/terminal.ts";
import { makeUser } from "../../support/users.ts";

afterAll(cleanup);
setDefaultTimeout(30_000);

let home: Home;
let remote: string;
const secret = "a word for the test";
beforeAll(async () => {
  home = await makeHome();
  remote = tempDir("remote");
  chmodSync(remote, 0o777);
  const user = await makeUser({ shell: "/bin/sh", password: secret });
  const [keys, words] = await Promise.all([
    startSshd({ authorizedKeys: [home.key.line] }),
    startSshd({ options: ["PasswordAuthentication yes", "PubkeyAuthentication no"] }),
  ]);
  home.trust(keys.knownHosts(), words.knownHosts());
  home.configure(`Host box\n  HostName 127.0.0.1\n  Port ${keys.port}\n  User ${keys.user}\n`);
  home.configure(`Host asks\n  HostName 127.0.0.1\n  Port ${words.port}\n  User ${user.name}\n`);
  writeFileSync(join(remote, "file"), new Uint8Array(300_000));
  writeFileSync(join(remote, "acts"), "\x1b[2Jcleared\x07\n");
});

const copy = (args: readonly string[], options: Parameters<typeof startInTerminal>[1] = {}) =>
  startInTerminal(["cp", ...args], { home: home.path, ...options });

test("a password is asked for on a line of its own, and the bar comes after it", async () => {
  const terminal = copy(["--limit", "200k", `box:${remote}/file`, `asks:${remote}/asked`]);
  await terminal.waitFor(/password.*: ?/i);
  expect(terminal.raw()).not.toContain("\x1b[K");
  terminal.type(`${secret}\r`);
  await terminal.waitFor(/\d+% {2}0\.\d of 0\.3 MB|\d+% {2}\d+(\.\d)? of 300 kB/);
  expect(await terminal.exit()).toBe(0);
  expect(terminal.raw()).not.toContain(secret);
  expect(terminal.text()).toMatch(/1 file, 300 kB in [\d.]+ s\n$/);
});

test("the line stays within the width, when that changes, too", async () => {
  const terminal = copy(["--limit", "150k", `box:${remote}/file`, join(home.path, "narrow")], { columns: 100 });
  await terminal.waitFor(/\[=+>? *\]/);
  terminal.resize(40, 10);
  const seen = terminal.raw().length;
  await terminal.waitFor(/\d+% {2}\d+(\.\d)? of 300 kB {2}[\d.]+ kB\/s(?! {2}\d:\d\d left)/);
  expect(await terminal.exit()).toBe(0);
  // One draw may have been under way.
  const lines = Bun.stripANSI(terminal.raw().slice(seen)).split("\r").slice(2);
  expect(lines.filter((line) => Bun.stringWidth(line.trimEnd()) > 39)).toEqual([]);
});

test("a terminal that cannot draw, or a person who does not want it, gets no bar", async () => {
  for (const [args, env] of [
    [[], { TERM: "dumb" }],
    [["--quiet"], {}],
    [["--json"], {}],
  ] as const) {
    const terminal = copy(["--limit", "500k", ...args, `box:${remote}/file`, join(home.path, "quiet")], { env });
    expect(await terminal.exit()).toBe(0);
    expect(terminal.raw()).not.toContain("\x1b");
    expect(terminal.text()).not.toContain("%");
  }
});

test("a file that is shown does nothing to the terminal", async () => {
  const terminal = copy([`box:${remote}/acts`, "-"]);
  expect(await terminal.exit()).toBe(0);
  expect(terminal.raw()).toBe("\\x1b[2Jcleared\x07\r\n");
});

test("what goes on is a pipe's, and the bar is the terminal's", async () => {
  const terminal = copy(["--limit", "300k", `box:${remote}/file`, "-"], { script: '"$@" | wc -c' });
  await terminal.waitFor(/\d+%/);
  expect(await terminal.exit()).toBe(0);
  expect(terminal.text()).toContain("300000\n");
});
