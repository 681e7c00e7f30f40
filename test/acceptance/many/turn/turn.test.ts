/** Commands that take several hosts one after the other: passwords for sudo, and jobs. Sessions may be called otherwise than their hosts. */
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Home, makeHome } from "../../../faces/home.ts";
import { run } from "../../../support/binary.ts";
import { cleanup } from "../../../support/cleanup.ts";
import { startSshd } from "../../../support/sshd.ts";
import { allowSudo } from "../../../support/sudoers.ts";
import { startInTerminal } from "../../../support/terminal.ts";
import { makeUser, type TemporaryUser } from "../../../support/users.ts";
import { waitFor } from "../../../support/wait.ts";

afterAll(cleanup);
setDefaultTimeout(60_000);

let home: Home;
const users: TemporaryUser[] = [];
const type = (...words: string[]) => run(words, { home: home.path });

beforeAll(async () => {
  home = await makeHome();
  const sshd = await startSshd({ authorizedKeys: [home.key.line] });
  for (const name of ["web1", "web2"]) {
    const user = await makeUser({ password: `for-${name}` });
    users.push(user);
    home.configure(
      `Host ${name}\n  HostName 127.0.0.1\n  HostKeyAlias ${name}\n  Port ${sshd.port}\n  User ${user.name}\n`,
    );
    home.trust(sshd.knownHosts().replaceAll(/^\S+/gm, name));
  }
  await allowSudo(users.map(({ name }) => `${name} ALL=(ALL:ALL) ALL`));
  mkdirSync(join(home.path, ".ssh-mcp"), { mode: 0o700 });
  writeFileSync(join(home.path, ".ssh-mcp/config.toml"), '[group.web]\nhosts = ["web1", "web2", "web3"]\n');
  expect((await type("connect", "--name", "build", "web1")).status).toBe(0);
  expect((await type("connect", "web2")).status).toBe(0);
});

test("sudo: each session of a group has its own password, whatever it is called; a host without one is told of", async () => {
  const shown = startInTerminal(["sudo", "@web"], { home: home.path });
  for (const [at, name] of ["web1", "web2"].entries()) {
    await shown.waitFor(`password of ${users[at]?.name}`);
    shown.type(`for-${name}\r`);
  }
  expect(await shown.exit()).toBe(1);
  expect(shown.text()).toContain('there is no session "web3" [SESSION_NOT_FOUND]');
  for (const name of ["build", "web2"]) {
    expect(shown.text()).toContain(`==> ${name} <==\n`);
    expect(shown.text()).toContain(`held for ${name}: commands may run as root\n`);
  }
  for (const list of ["build,web2", "web1,web2"]) {
    const { status, stdout } = await type("exec", "--batch", "--sudo", list, "id -u");
    expect(status).toBe(0);
    expect(stdout.match(/^0$/gm)?.length).toBe(2);
  }
  const forgotten = await type("sudo", "--forget", "build,web2");
  expect(forgotten).toMatchObject({ status: 0, stderr: "" });
  expect((await type("exec", "--batch", "--sudo", "web1,web2", "id -u")).stderr).toContain(
    "  AUTH_REQUIRED: web1 web2",
  );
});

test("jobs: started, listed and waited for on each, and on one alone by its id", async () => {
  const started = await type("job", "start", "--json", "web1,web2", "--", "echo $$; exit 3");
  expect(started.status).toBe(0);
  const jobs = started.stdout
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as { target: string; job: { id: string } });
  expect(jobs.map(({ target }) => target)).toEqual(["build", "web2"]);
  const listed = await type("job", "ls", "web1,web2");
  expect(listed.stdout.split(/^(?===>)/m).map((block) => block.split("\n")[0])).toEqual([
    "==> web1 <==",
    "==> web2 <==",
  ]);
  for (const { job } of jobs) expect(listed.stdout).toContain(job.id);
  // No other host has a job of that id, and what one says of it does not end the others' turns.
  const ids = jobs.map(({ job }) => job.id);
  for (const [id = "", status] of [
    [ids[0], 3],
    [ids[1], 255],
  ] as const) {
    const waited = await type("job", "wait", "web1,web2", id);
    expect(waited.status).toBe(status);
    expect(waited.stdout.match(/^==> .*$/gm)).toEqual(["==> web1 <==", "==> web2 <=="]);
    expect(waited.stderr.match(/\[NOT_FOUND\]/g)?.length).toBe(1);
  }
});

test("Ctrl-C ends all turns", async () => {
  const { stdout } = await type("job", "start", "--json", "web1", "--", "sleep 60");
  const { job } = JSON.parse(stdout) as { job: { id: string } };
  const shown = startInTerminal(["job", "wait", "web1,web2", job.id], { home: home.path });
  await shown.waitFor("==> web1 <==");
  await waitFor(
    async () => {
      const { calls } = JSON.parse((await type("ls", "--json", "--running")).stdout) as { calls: unknown[] };
      return calls.length > 0 ? true : null;
    },
    { what: "the wait to be under way", timeout: 20_000 },
  );
  shown.type("\x03");
  expect(await shown.exit()).toBe(130);
  expect(shown.text()).not.toContain("web2");
  expect((await type("job", "kill", "web1", job.id)).status).toBe(0);
});
