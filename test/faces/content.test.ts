/** Reading, writing and editing by tool calls: what they cost, as another user, and on a server without SFTP. */
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { chmodSync, chownSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { cleanup } from "../support/cleanup.ts";
import { startProxy } from "../support/proxy.ts";
import { startSshd } from "../support/sshd.ts";
import { allowSudo } from "../support/sudoers.ts";
import { tempDir } from "../support/temp.ts";
import { makeUser, type TemporaryUser } from "../support/users.ts";
import { type Agent, startAgent } from "./agent.ts";
import { type Home, makeHome } from "./home.ts";

afterAll(cleanup);
setDefaultTimeout(60_000);

let home: Home;
let user: TemporaryUser;
let agent: Agent;
beforeAll(async () => {
  home = await makeHome();
  user = await makeUser({ shell: "/bin/sh" });
  agent = await startAgent(home.path);
});

const server = async (options: readonly string[] = []) => {
  const sshd = await startSshd({ authorizedKeys: [home.key.line], options });
  home.trust(sshd.knownHosts());
  return `${user.name}@127.0.0.1:${sshd.port}`;
};

const put = (name: string, content: string, owner = user.uid): string => {
  const path = join(user.home, name);
  writeFileSync(path, content);
  // A group of its own, so that it can be given back.
  chownSync(path, owner, owner === user.uid ? statSync(user.home).gid : owner);
  return path;
};

test("a small file is read, warm, in two round trips", async () => {
  const sshd = await startSshd({ authorizedKeys: [home.key.line] });
  const proxy = await startProxy(sshd);
  home.trust(sshd.knownHosts().replaceAll(String(sshd.port), String(proxy.port)));
  const target = `${user.name}@127.0.0.1:${proxy.port}`;
  put("small", "content\n");
  await agent.call("ssh_read_file", { target, path: "small" });
  proxy.setDelay(40);
  const trips: number[] = [];
  for (let count = 0; count < 5; count++) {
    proxy.resetCount();
    const { result } = await agent.call("ssh_read_file", { target, path: "small" });
    expect(result).toMatchObject({ content: "content\n" });
    trips.push(proxy.roundTrips());
  }
  expect(trips).toEqual(trips.map(() => 2));
});

const everything = async (target: string): Promise<void> => {
  const path = "text";
  const first = await agent.call("ssh_write_file", { target, path, content: "a\nb\n", mode: "0640" });
  expect(first.result).toMatchObject({ created: true, mode: "0640", bytes: 4 });
  const { result: read } = await agent.call("ssh_read_file", { target, path });
  expect(read).toMatchObject({ content: "a\nb\n", sha256: first.result?.["sha256"], mode: "0640" });
  const edited = await agent.call("ssh_edit_file", {
    ...{ target, path, ifSha256: read?.["sha256"], edits: [{ old: "b", new: "c" }] },
  });
  expect(edited.result).toMatchObject({ diff: expect.stringContaining("-b\n+c\n"), written: true });
  expect(await agent.call("ssh_write_file", { target, path, content: "d\n", append: true })).toMatchObject({
    result: { created: false },
  });
  expect((await agent.call("ssh_read_file", { target, path, tail: 2 })).result).toMatchObject({ content: "c\nd\n" });
  const stale = await agent.call("ssh_write_file", { target, path, content: "x", ifSha256: read?.["sha256"] });
  expect(stale.error).toMatchObject({ code: "PRECONDITION_FAILED" });
  const again = await agent.call("ssh_write_file", { target, path, content: "x", ifAbsent: true });
  expect(again.error).toMatchObject({ code: "ALREADY_EXISTS" });
  expect((await agent.call("ssh_read_file", { target, path: "/proc/version" })).result).toMatchObject({ lines: 1 });
  expect((await agent.call("ssh_read_file", { target, path: "/nowhere" })).error).toMatchObject({ code: "NOT_FOUND" });
};

describe("on a server without SFTP", () => {
  test("all of it works over sh", async () => {
    const target = await server(["Subsystem sftp /nowhere/sftp-server"]);
    await everything(target);
    expect(readFileSync(join(user.home, "text"), "utf8")).toBe("a\nc\nd\n");
    expect(readdirSync(user.home).filter((name) => name.includes("ssh-mcp"))).toEqual([]);
  });
});

test("as root by sudo, whose file stays root's", async () => {
  await allowSudo([`${user.name} ALL=(ALL:ALL) NOPASSWD: ALL`]);
  const target = await server();
  const secret = join(tempDir("secret"), "secret");
  writeFileSync(secret, "a\n");
  chmodSync(secret, 0o600);
  expect((await agent.call("ssh_read_file", { target, path: secret })).error).toMatchObject({
    code: expect.stringMatching(/REMOTE_PERMISSION|NOT_FOUND/),
  });
  expect((await agent.call("ssh_read_file", { target, path: secret, sudo: true })).result).toMatchObject({
    content: "a\n",
    mode: "0600",
  });
  const edits = [{ old: "a", new: "b" }];
  const edited = await agent.call("ssh_edit_file", { target, path: secret, sudo: true, edits });
  expect(edited.result).toMatchObject({ written: true });
  const { uid, mode } = statSync(secret);
  expect([readFileSync(secret, "utf8"), uid, mode & 0o777]).toEqual(["b\n", 0, 0o600]);
});

test("a file that cannot be replaced where it lies is not written in place", async () => {
  const target = await server();
  const folder = join(user.home, "fixed");
  mkdirSync(folder);
  const path = put("fixed/file", "old\n");
  const answer = await agent.call("ssh_write_file", { target, path, content: "new\n" });
  expect(answer.error).toMatchObject({ code: "REMOTE_PERMISSION" });
  expect(readFileSync(path, "utf8")).toBe("old\n");
});

test("hostile content reaches a model written out, and can be edited", async () => {
  const target = await server();
  put("hostile", "\x1b]0;t\x07\u202eevil\nplain\n");
  const { text, result } = await agent.call("ssh_read_file", { target, path: "hostile" });
  expect([text, JSON.stringify(result)].join("")).not.toMatch(/[\x1b\u202e]/);
  const edits = [{ old: "plain", new: "simple" }];
  expect((await agent.call("ssh_edit_file", { target, path: "hostile", edits })).result).toMatchObject({ applied: 1 });
  expect(readFileSync(join(user.home, "hostile"), "utf8")).toBe("\x1b]0;t\x07\u202eevil\nsimple\n");
});

test("a fifo is refused at once, by SFTP and by sh, and the next call is served", async () => {
  const path = join(user.home, "fifo");
  const own = join(user.home, "own-fifo");
  Bun.spawnSync(["mkfifo", "-m", "644", path, own]);
  chownSync(own, user.uid, statSync(user.home).gid);
  put("after", "after\n");
  for (const options of [[], ["Subsystem sftp /nowhere/sftp-server"]]) {
    const target = await server(options);
    for (const each of [path, own])
      expect((await agent.call("ssh_read_file", { target, path: each })).error?.message).toContain("fifo");
    expect(await agent.call("ssh_read_file", { target, path: "after" })).toMatchObject({
      error: null,
      result: { content: "after\n" },
    });
  }
});
