/** `secret set` and `secret rm`: the compiled binary on a real Secret Service, gnome-keyring on a session bus of its own. */
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { mkdirSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { startAgent } from "../../../faces/agent.ts";
import { type Home, makeHome } from "../../../faces/home.ts";
import { run } from "../../../support/binary.ts";
import { cleanup, onCleanup } from "../../../support/cleanup.ts";
import { cleanEnv, mustRun } from "../../../support/command.ts";
import { makeKey } from "../../../support/keys.ts";
import { type Sshd, startSshd } from "../../../support/sshd.ts";
import { tempDir } from "../../../support/temp.ts";
import { startInTerminal } from "../../../support/terminal.ts";
import { makeUser, type TemporaryUser } from "../../../support/users.ts";
import { waitFor } from "../../../support/wait.ts";

setDefaultTimeout(30_000);
afterAll(cleanup);

let user: TemporaryUser;
let sshd: Sshd;
let at: string;
let bus: Record<string, string>;

/** A session bus with an unlocked keyring; both end with it. */
const startKeyring = async (): Promise<Record<string, string>> => {
  const dir = tempDir("keyring");
  const own = { XDG_RUNTIME_DIR: join(dir, "run"), XDG_DATA_HOME: join(dir, "data"), HOME: dir };
  for (const folder of [own.XDG_RUNTIME_DIR, own.XDG_DATA_HOME]) mkdirSync(folder, { mode: 0o700 });
  const line =
    'printf "locked away" | gnome-keyring-daemon --unlock --components=secrets >&2 && echo "$DBUS_SESSION_BUS_ADDRESS" && exec cat';
  const child = Bun.spawn(["dbus-run-session", "--", "sh", "-c", line], {
    env: { ...cleanEnv, ...own },
    stdin: "pipe",
    stdout: "pipe",
    stderr: "ignore",
  });
  // The end of its input ends the shell, and the bus with it; the keyring goes with the bus.
  onCleanup(
    async () => {
      await child.stdin.end();
      await child.exited;
    },
    () => child.kill(),
  );
  let said = "";
  for await (const bytes of child.stdout) {
    said += Buffer.from(bytes).toString();
    if (said.includes("\n")) break;
  }
  const { HOME: _, ...found } = own;
  return { ...found, DBUS_SESSION_BUS_ADDRESS: said.trim() };
};

beforeAll(async () => {
  bus = await startKeyring();
  expect(bus["DBUS_SESSION_BUS_ADDRESS"]).toStartWith("unix:");
  user = await makeUser({ shell: "/bin/sh", password: "correct horse" });
  sshd = await startSshd({ options: ["PasswordAuthentication yes"] });
  at = `${user.name}@127.0.0.1:${sshd.port}`;
});

const start = async (): Promise<Home> => {
  const home = await makeHome();
  home.trust(sshd.knownHosts());
  return home;
};

/** Everything that lies in a folder, as one text. */
const contentOf = (dir: string): string =>
  readdirSync(dir, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => readFileSync(join(entry.parentPath, entry.name), "latin1"))
    .join("\n");

test("what is kept logs in whoever comes, an agent and a new broker too, and lies in no file of ours", async () => {
  const home = await start();
  const options = { home: home.path, env: bus };
  expect(await run(["secret", "set", at], { ...options, stdin: "correct horse\n" })).toMatchObject({
    status: 0,
    stdout: `kept in the keychain: ${at}\n`,
  });
  expect(await run(["exec", "--batch", at, "id -un"], options)).toMatchObject({ stdout: `${user.name}\n` });
  await run(["lend", "127.0.0.1-2"], options);
  const { stdout } = await run(["ls", "--json"], options);
  expect(JSON.parse(stdout)).toMatchObject({ sessions: [{ needsPerson: false }] });
  await run(["broker", "stop"], options);
  const agent = await startAgent(home.path, bus);
  expect((await agent.call("ssh_exec", { target: at, command: "id -un" })).result).toMatchObject({
    ...{ stdout: `${user.name}\n`, target: "127.0.0.1-2" },
  });
  expect(contentOf(join(home.path, ".ssh-mcp"))).not.toContain("correct horse");

  expect(await run(["secret", "rm", at, "--json"], options)).toMatchObject({
    stdout: `${JSON.stringify({ account: at, removed: true })}\n`,
  });
  await run(["close", "127.0.0.1-2"], options);
  expect(await run(["exec", "--batch", at, "id"], options)).toMatchObject({
    ...{ status: 255, stderr: expect.stringContaining("AUTH_REQUIRED") },
  });
  expect((await run(["secret", "rm", at], options)).stdout).toBe(`the keychain had nothing for ${at}\n`);
});

test("one that is wrong is one try, and is reported", async () => {
  const home = await start();
  const options = { home: home.path, env: bus };
  await run(["secret", "set", at], { ...options, stdin: "wrong" });
  const before = sshd.log().split("Failed password").length;
  const { stderr } = await run(["exec", "--batch", at, "id"], options);
  expect(stderr).toContain(`${user.name}@127.0.0.1 did not take the password from the keychain [AUTH_FAILED]`);
  expect(sshd.log().split("Failed password").length - before).toBe(1);
  await run(["secret", "rm", at], options);
});

test("it is typed at the terminal unseen, and a call that waits goes on with it", async () => {
  const home = await start();
  const agent = await startAgent(home.path, bus);
  const waiting = agent.call("ssh_exec", { target: at, command: "echo in", wait: 25 });
  const isWaiting = async () => (await run(["ls"], { home: home.path, env: bus })).stdout.includes("waits for you");
  await waitFor(isWaiting, { what: "the call to wait" });
  const terminal = startInTerminal(["secret", "set", at], { home: home.path, env: bus });
  await terminal.waitFor(`Enter the password of ${at}: `);
  terminal.type("correct horse\r");
  await terminal.waitFor("kept in the keychain");
  expect(await terminal.exit()).toBe(0);
  expect(terminal.text()).not.toContain("correct horse");
  expect((await waiting).result).toMatchObject({ stdout: "in\n" });
  await run(["secret", "rm", at], { home: home.path, env: bus });
});

test("the passphrase of a key", async () => {
  const home = await start();
  const options = { home: home.path, env: bus };
  const key = await makeKey({ path: join(home.path, "deploy key"), passphrase: "open sesame", rounds: 1 });
  sshd.authorize(key.line);
  expect((await run(["secret", "set", "--key", "~/deploy key"], { ...options, stdin: "open sesame" })).stdout).toBe(
    `kept in the keychain: key ${home.path}/deploy key\n`,
  );
  const ran = await run(
    ["exec", "--batch", "-i", "~/deploy key", "-o", "PreferredAuthentications=publickey", at, "echo in"],
    options,
  );
  expect(ran).toMatchObject({ status: 0, stdout: "in\n" });
});

test.each([
  { what: "no bus", env: {}, why: "there is no session bus" },
  { what: "a bus that is gone", env: { DBUS_SESSION_BUS_ADDRESS: "unix:path=/no/such/bus" }, why: "Could not connect" },
])("with $what nothing is kept, and nothing breaks", async ({ env, why }) => {
  const home = await start();
  const options = { home: home.path, env: env as Record<string, string> };
  const { status, stderr } = await run(["secret", "set", at], { ...options, stdin: "correct horse" });
  expect(status).toBe(1);
  expect(stderr).toContain(`there is no keychain here that keeps a secret (${why}`);
  expect(stderr).toContain("nothing was written [UNSUPPORTED]\n  try: sudo apt-get install gnome-keyring");
  expect((await run(["exec", "--batch", at, "id"], options)).stderr).toContain("AUTH_REQUIRED");
  expect(contentOf(join(home.path, ".ssh-mcp"))).not.toContain("correct horse");
});

test("a keychain that is locked says so", async () => {
  const home = await start();
  const locked = await startKeyring();
  const service = "/org/freedesktop/secrets";
  const send = ["dbus-send", "--session", "--print-reply", "--dest=org.freedesktop.secrets", service];
  const lock = ["org.freedesktop.Secret.Service.Lock", `array:objpath:${service}/collection/login`];
  await mustRun([...send, ...lock], { env: locked });
  const options = { home: home.path, env: locked, stdin: "correct horse" };
  const { status, stderr } = await run(["secret", "set", at], options);
  expect(status).toBe(1);
  expect(stderr).toContain("the keychain is locked, and nobody unlocked it");
  expect(stderr).toContain("[PRECONDITION_FAILED]\n  try: gnome-keyring-daemon --unlock");
});

test("a passphrase that does not fit its key is not kept, and a key without one is not asked about", async () => {
  const home = await start();
  const options = { home: home.path, env: bus };
  const [key, plain] = await Promise.all([makeKey({ passphrase: "open sesame", rounds: 1 }), makeKey()]);
  const wrong = await run(["secret", "set", "--key", key.path], { ...options, stdin: "sesame" });
  expect(wrong.stderr).toContain("the passphrase does not fit the key; nothing was kept [KEY_INVALID]");
  expect((await run(["secret", "rm", "--key", key.path], options)).stdout).toContain("the keychain had nothing for");
  const none = await run(["secret", "set", "--key", plain.path], { ...options, stdin: "sesame" });
  expect(none.stderr).toContain("it is not encrypted, and takes no passphrase [KEY_INVALID]");
});

test.each([
  { what: "empty", stdin: "", why: "it is empty" },
  { what: "of two lines", stdin: "a\nb", why: "it has more than one line" },
  { what: "a file", stdin: "x".repeat(100_000), why: "it has over 4096 characters" },
])("a secret that is $what is refused", async ({ stdin, why }) => {
  const { status, stderr } = await run(["secret", "set", at], { home: (await start()).path, env: bus, stdin });
  expect(status).not.toBe(0);
  expect(stderr).toContain(why);
});
