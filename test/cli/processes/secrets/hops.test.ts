/** A login with a jump host on the way: who asks is named, each gets its own secret, and both banners are shown. The compiled binary. */
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { makeHome } from "../../../faces/home.ts";
import { run } from "../../../support/binary.ts";
import { cleanup } from "../../../support/cleanup.ts";
import { type Sshd, startSshd } from "../../../support/sshd.ts";
import { tempDir } from "../../../support/temp.ts";
import { startInTerminal } from "../../../support/terminal.ts";
import { makeUser, type TemporaryUser } from "../../../support/users.ts";

setDefaultTimeout(30_000);
afterAll(cleanup);

let users: [TemporaryUser, TemporaryUser];
/** The hop asks by keyboard-interactive, through PAM; the host behind it for a password. */
let hop: Sshd;
let far: Sshd;

beforeAll(async () => {
  users = await Promise.all([makeUser({ shell: "/bin/sh" }), makeUser({ shell: "/bin/sh" })]);
  const banner = (text: string): string => {
    const file = join(tempDir("banner"), "banner");
    writeFileSync(file, text);
    return `Banner ${file}`;
  };
  hop = await startSshd({
    options: ["UsePAM yes", "KbdInteractiveAuthentication yes", "PasswordAuthentication no", banner("the hop\n")],
  });
  far = await startSshd({ options: ["PasswordAuthentication yes", banner("\x1b[2Jthe host\u202e\n")] });
});

const start = async (settings = "") => {
  const home = await makeHome();
  home.trust(hop.knownHosts(), far.knownHosts());
  const host = (name: string, { port }: Sshd, { name: user }: TemporaryUser): string =>
    `Host ${name}\n  HostName 127.0.0.1\n  Port ${port}\n  User ${user}\n  PubkeyAuthentication no\n`;
  home.configure(`${host("hop", hop, users[0])}${host("far", far, users[1])}  ProxyJump hop\n`);
  mkdirSync(join(home.path, ".ssh-mcp"), { mode: 0o700 });
  if (settings !== "") writeFileSync(join(home.path, ".ssh-mcp/config.toml"), settings, { mode: 0o600 });
  return home;
};

const commandFor = (name: string, { password }: TemporaryUser): string =>
  `[host.${name}]\npasswordCommand = "echo ${password}"\n`;
const refused = (sshd: Sshd): number => sshd.log().split(/Failed (?:password|keyboard)/).length - 1;

test("each asks for its own", async () => {
  const home = await start();
  const terminal = startInTerminal(["connect", "far"], { home: home.path });
  await terminal.waitFor(`(${users[0].name}@127.0.0.1) Password: `);
  terminal.type(`${users[0].password}\r`);
  // What a server shows of itself is read before it asks.
  await terminal.waitFor("\\x1b[2Jthe host\\u202e");
  await terminal.waitFor(`${users[1].name}@127.0.0.1's password: `);
  terminal.type(`${users[1].password}\r`);
  expect(await terminal.exit()).toBe(0);
  const { stdout } = await run(["connect", "far", "--json"], { home: home.path });
  // As the servers sent it, and the same for a session that was there.
  expect(JSON.parse(stdout)).toMatchObject({ reused: true, banner: "the hop\n\x1b[2Jthe host\u202e\n" });
  const shown = await run(["connect", "far"], { home: home.path });
  expect(shown.stdout).toContain("banner:\nthe hop\n\\x1b[2Jthe host\\u202e\n");
  const { sessions } = JSON.parse((await run(["ls", "--json"], { home: home.path })).stdout) as {
    sessions: Record<string, unknown>[];
  };
  expect(sessions).toMatchObject([{ name: "far", needsPerson: true }]);
});

describe("passwordCommand of config.toml", () => {
  test("of both: nobody is asked, and nobody is needed the next time", async () => {
    const home = await start(commandFor("hop", users[0]) + commandFor("far", users[1]));
    expect(await run(["exec", "--batch", "far", "id -un"], { home: home.path })).toMatchObject({
      ...{ status: 0, stdout: `${users[1].name}\n` },
    });
    const { stdout } = await run(["ls", "--json"], { home: home.path });
    expect(JSON.parse(stdout)).toMatchObject({ sessions: [{ needsPerson: false }] });
  });

  test("of the hop alone: the host behind it gets nothing of it", async () => {
    const home = await start(commandFor("hop", users[0]));
    const before = [refused(hop), refused(far)];
    const { status, stderr } = await run(["exec", "--batch", "far", "id -un"], { home: home.path });
    expect({ status, stderr }).toMatchObject({ status: 255, stderr: expect.stringContaining("AUTH_REQUIRED") });
    expect(stderr).toContain("logging in to far takes a password, and nobody gave it");
    expect([refused(hop), refused(far)]).toEqual(before);
  });

  test("one that is wrong at the hop is one try there, and is its own", async () => {
    const home = await start(commandFor("hop", users[1]));
    const before = [refused(hop), refused(far)] as const;
    const { stderr } = await run(["exec", "--batch", "far", "id -un"], { home: home.path });
    expect(stderr).toContain(`${users[0].name}@hop did not take the password from passwordCommand of config.toml`);
    expect(stderr).toContain("[AUTH_FAILED]");
    expect(refused(hop) - before[0]).toBe(1);
    expect(refused(far)).toBe(before[1]);
  });
});
