/** SSH_ASKPASS: the compiled binary asks by a program where ssh(1) does. */
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { chmodSync, existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { makeHome } from "../../../faces/home.ts";
import { run, start } from "../../../support/binary.ts";
import { cleanup } from "../../../support/cleanup.ts";
import { type Sshd, startSshd } from "../../../support/sshd.ts";
import { tempDir } from "../../../support/temp.ts";
import { makeUser, type TemporaryUser } from "../../../support/users.ts";
import { waitFor } from "../../../support/wait.ts";

setDefaultTimeout(30_000);
afterAll(cleanup);

let user: TemporaryUser;
let sshd: Sshd;
let at: string;
beforeAll(async () => {
  user = await makeUser({ shell: "/bin/sh", password: "correct horse" });
  sshd = await startSshd({ options: ["PasswordAuthentication yes", "PubkeyAuthentication no"] });
  at = `${user.name}@127.0.0.1:${sshd.port}`;
});

/** A program that notes what it was asked, and runs a line of sh for the answer. */
const askpass = (answer: string) => {
  const dir = tempDir("askpass");
  const program = join(dir, "ask me");
  const log = join(dir, "log");
  writeFileSync(program, `#!/bin/sh\nprintf '%s|%s\\n' "$1" "$SSH_ASKPASS_PROMPT" >>'${log}'\n${answer}\n`);
  chmodSync(program, 0o755);
  return { program, asked: () => (existsSync(log) ? readFileSync(log, "utf8") : "") };
};

const connect = async (program: string, env: Record<string, string>, trusted = true) => {
  const home = await makeHome();
  if (trusted) home.trust(sshd.knownHosts());
  const ran = await run(["connect", at], { home: home.path, env: { SSH_ASKPASS: program, ...env } });
  return { ...ran, home };
};

const words = "echo 'correct horse'";

/** None of these has a terminal. */
describe("who is asked", () => {
  test.each([
    { env: { DISPLAY: ":9" }, asks: true },
    { env: { WAYLAND_DISPLAY: "wayland-0" }, asks: true },
    { env: {}, asks: false },
    { env: { SSH_ASKPASS_REQUIRE: "force" }, asks: true },
    { env: { SSH_ASKPASS_REQUIRE: "prefer", DISPLAY: ":9" }, asks: true },
    { env: { SSH_ASKPASS_REQUIRE: "prefer" }, asks: false },
    { env: { SSH_ASKPASS_REQUIRE: "never", DISPLAY: ":9" }, asks: false },
    { env: { DISPLAY: ":9", CI: "true" }, asks: false },
    { env: { SSH_ASKPASS_REQUIRE: "force", CI: "true" }, asks: true },
  ])("with $env: $asks", async ({ env, asks }) => {
    const { program, asked } = askpass(words);
    const { status, stderr } = await connect(program, env as Record<string, string>);
    expect({ status, isAsked: asked() !== "" }).toEqual(
      asks ? { status: 0, isAsked: true } : { status: 4, isAsked: false },
    );
    if (!asks) expect(stderr).toContain("AUTH_REQUIRED");
  });

  test("BatchMode and --batch ask no program", async () => {
    const { program, asked } = askpass(words);
    const home = await makeHome();
    home.trust(sshd.knownHosts());
    const options = { home: home.path, env: { SSH_ASKPASS: program, SSH_ASKPASS_REQUIRE: "force" } };
    expect((await run(["connect", "-o", "BatchMode=yes", at], options)).status).not.toBe(0);
    expect((await run(["connect", "--batch", at], options)).status).not.toBe(0);
    expect(asked()).toBe("");
  });

  test("a warm exec asks it as well", async () => {
    const home = await makeHome();
    home.trust(sshd.knownHosts());
    const { program, asked } = askpass(words);
    const env = { SSH_ASKPASS: program, SSH_ASKPASS_REQUIRE: "force" };
    // A broker that is there makes it a warm one.
    await run(["ls"], { home: home.path });
    expect(await run(["exec", at, "id -un"], { home: home.path, env })).toMatchObject({ stdout: `${user.name}\n` });
    expect(asked()).toBe(`${user.name}@127.0.0.1's password: |\n`);
  });
});

const force = { SSH_ASKPASS_REQUIRE: "force", SSH_ASKPASS_PROMPT: "confirm" };

test("a host key is confirmed by typing, as ssh has it, and no secret is remembered", async () => {
  const { program, asked } = askpass(`case $1 in *fingerprint*) echo yes;; *) ${words};; esac`);
  const { status, home } = await connect(program, force, false);
  expect(status).toBe(0);
  const shown = asked().replaceAll(/\n(?!$)/g, " ");
  expect(shown).toContain(`${sshd.hostKeys[0]?.fingerprint}`);
  expect(shown).toMatch(/\(yes\/no\/\[fingerprint\]\)\? \| .*'s password: \|\n$/);
  const { stdout } = await run(["ls", "--json"], { home: home.path });
  expect(JSON.parse(stdout)).toMatchObject({ sessions: [{ needsPerson: true }] });
});

test.each([
  { what: "is canceled", answer: `${words}; exit 1` },
  { what: "is killed", answer: "kill -9 $$" },
])("one that $what has declined", async ({ answer }) => {
  const { program, asked } = askpass(answer);
  const { status, stderr } = await connect(program, force);
  expect({ status, stderr }).toMatchObject({ status: 4, stderr: expect.stringContaining("AUTH_REQUIRED") });
  expect(asked().split("\n").length).toBe(2);
});

test("one that cannot be started is named", async () => {
  const { status, stderr } = await connect("/no/such/program", force);
  expect(status).toBe(1);
  expect(stderr).toContain("/no/such/program, which SSH_ASKPASS is to ask with, cannot be started: ENOENT [LOCAL_IO]");
});

test("Ctrl-C ends it", async () => {
  const { program, asked } = askpass("exec sleep 300");
  const home = await makeHome();
  home.trust(sshd.knownHosts());
  const running = start(["connect", at], { home: home.path, env: { SSH_ASKPASS: program, ...force } });
  await waitFor(() => asked() !== "", { what: "the question" });
  running.signal("SIGINT");
  expect((await running.exit()).status).toBe(130);
});
