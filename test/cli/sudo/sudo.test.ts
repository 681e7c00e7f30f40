/** `ssh-mcp sudo` as a person types it, with the compiled binary in a real terminal, and where the password never shows. */
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { run } from "../../support/binary.ts";
import { brokerOf } from "../../support/brokers.ts";
import { cleanup } from "../../support/cleanup.ts";
import { makeKey } from "../../support/keys.ts";
import { startSshd } from "../../support/sshd.ts";
import { allowSudo } from "../../support/sudoers.ts";
import { tempDir } from "../../support/temp.ts";
import { startInTerminal } from "../../support/terminal.ts";
import { makeUser, type TemporaryUser } from "../../support/users.ts";

afterAll(cleanup);
setDefaultTimeout(60_000);

const password = "Tr0ub4dor & 3 'quotes'";
const home = tempDir("home");
let user: TemporaryUser;

beforeAll(async () => {
  user = await makeUser({ password });
  const key = await makeKey();
  const sshd = await startSshd({ authorizedKeys: [key.line] });
  await allowSudo([`${user.name} ALL=(ALL:ALL) ALL`]);
  const options = ["-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null", "-i", key.path];
  const target = `${user.name}@127.0.0.1:${sshd.port}`;
  const opened = await run(["connect", "--name", "web", ...options, target], { home });
  expect(opened.status).toBe(0);
});

const files = (folder: string): string[] =>
  readdirSync(folder, { recursive: true })
    .map((name) => join(folder, String(name)))
    .filter((path) => statSync(path).isFile());

test("a person types it once, and it is nowhere to be read", async () => {
  const before = await run(["exec", "--batch", "--sudo", "web", "--", "id -u"], { home });
  expect(before).toMatchObject({ status: 255, stdout: "" });
  expect(before.stderr).toContain("[AUTH_REQUIRED]");
  expect(before.stderr).toContain("try: ssh-mcp sudo web");

  const terminal = startInTerminal(["sudo", "web"], { home });
  await terminal.waitFor(`[sudo] password of ${user.name}`);
  terminal.type(`${password}\r`);
  expect(await terminal.exit()).toBe(0);
  expect(terminal.text()).toContain("held for web");
  expect(terminal.text()).not.toContain(password);

  const after = await run(["exec", "--batch", "--sudo", "web", "--", "cd /root && id -u; id -u"], { home });
  expect(after).toMatchObject({ status: 0, stdout: "0\n0\n", stderr: "" });
  const piped = await run(["exec", "--batch", "--sudo", "web", "--", "wc -c; id -u"], {
    home,
    stdin: "x".repeat(5_000_000),
  });
  expect(piped).toMatchObject({ status: 0, stdout: "5000000\n0\n" });

  const broker = brokerOf(home);
  for (const what of ["cmdline", "environ"]) {
    expect(readFileSync(`/proc/${broker}/${what}`, "latin1")).not.toContain("Tr0ub4dor");
  }
  for (const path of files(join(home, ".ssh-mcp"))) expect(readFileSync(path, "latin1")).not.toContain("Tr0ub4dor");

  const forgotten = await run(["sudo", "--forget", "web"], { home });
  expect(forgotten).toMatchObject({ status: 0 });
  const again = await run(["exec", "--batch", "--sudo", "web", "--", "id -u"], { home });
  expect(again.stderr).toContain("[AUTH_REQUIRED]");
});

test("a wrong one is said at once, and a command in a terminal asks for itself", async () => {
  const wrong = startInTerminal(["sudo", "web"], { home });
  await wrong.waitFor("password of");
  wrong.type("wrong\r");
  expect(await wrong.exit()).toBe(1);
  expect(wrong.text()).toContain("[AUTH_FAILED]");

  const asked = startInTerminal(["exec", "--sudo", "--pty", "web", "--", "test -t 0 && id -u"], { home });
  await asked.waitFor("password of");
  asked.type(`${password}\r`);
  expect(await asked.exit()).toBe(0);
  expect(asked.text()).toMatch(/\n0\n/);
});

test("there has to be such a session, and a broker", async () => {
  const unknown = await run(["sudo", "nowhere"], { home });
  expect(unknown).toMatchObject({ status: 1 });
  expect(unknown.stderr).toContain("[SESSION_NOT_FOUND]");
  const alone = await run(["sudo", "--no-broker", "web"], { home });
  expect(alone).toMatchObject({ status: 2 });
  expect(alone.stderr).toContain("[USAGE]");
});
