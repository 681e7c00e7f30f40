/** Lasting shells, as a person types them and as a model asks for them, through the compiled binary. */
import { afterAll, expect, setDefaultTimeout, test } from "bun:test";
import { buildOnce, run as runBinary } from "../../support/binary.ts";
import { cleanup } from "../../support/cleanup.ts";
import { connectMcp } from "../../support/mcp-client.ts";
import { startProgram } from "../../support/program.ts";
import { startSshd } from "../../support/sshd.ts";
import { makeUser } from "../../support/users.ts";
import { makeHome } from "../home.ts";

afterAll(cleanup);
setDefaultTimeout(30_000);

const home = await makeHome();
const [user, fish] = [await makeUser(), await makeUser({ shell: "/usr/bin/fish" })];
const sshd = await startSshd({ authorizedKeys: [home.key.line] });
home.trust(sshd.knownHosts());
const host = (name: string, login: string) =>
  `Host ${name}\n  HostName 127.0.0.1\n  Port ${sshd.port}\n  User ${login}\n`;
home.configure(host("web", user.name) + host("fishy", fish.name));
const run = (args: readonly string[], stdin = "") => runBinary(["exec", ...args], { home: home.path, stdin });
const { client } = await connectMcp({ home: home.path, name: "editor" });
const call = async (input: Record<string, unknown>) => {
  const result = await client.callTool({ name: "ssh_exec", arguments: { target: "web", shell: "s", ...input } });
  const texts = (result.content as { text?: string }[]).map(({ text = "" }) => text);
  return { isError: result.isError === true, text: texts.join("\n"), ...(result.structuredContent ?? {}) };
};

test("a person's shell keeps its state, and says when it has ended", async () => {
  expect(await run(["--shell", "s", "web", "cd /tmp; export A=1"])).toMatchObject({
    stdout: "",
    stderr: "",
    status: 0,
  });
  expect(await run(["--shell", "s", "web", "pwd; echo $A; exit 3"])).toMatchObject({
    ...{
      stdout: "/tmp\n1\n",
      status: 3,
      stderr: expect.stringContaining("SHELL_EXITED: the command ended the shell s"),
    },
  });
  expect(await run(["--shell", "s", "web", "echo .$A"])).toMatchObject({
    ...{ stdout: ".\n", status: 0, stderr: expect.stringContaining("the shell s is a fresh one (a command ended it)") },
  });
});

test("a person hears what a shell does not do", async () => {
  expect(await run(["--shell", "s", "fishy", "cd /; pwd"])).toMatchObject({
    ...{ stdout: "/\n", stderr: expect.stringContaining("the shell s is /bin/sh"), status: 0 },
  });
  for (const form of [
    ["--shell", "S!"],
    ["--shell", "s", "-w", "/tmp"],
    ["--shell", "s", "--stdin", "x"],
  ]) {
    const outcome = await run([...form, "web", "touch proof"]);
    expect(outcome).toMatchObject({ stdout: "", stderr: expect.stringContaining("[INVALID_INPUT]") });
  }
  expect(await run(["web", "ls proof"])).toMatchObject({ status: 2 });
});

test("a command in a shell leaves standard input to others", async () => {
  const each = `while read -r line; do "${buildOnce()}" exec --shell s web "cat; echo $line"; done`;
  const loop = startProgram(["/bin/sh", "-c", each], { home: home.path });
  await loop.write("one\ntwo\nthree\n");
  await loop.end();
  expect(await loop.exit()).toMatchObject({ stdout: "one\ntwo\nthree\n", stderr: "", status: 0 });
});

test("a model has shells of its own", async () => {
  await run(["--shell", "s", "web", "A=person"]);
  await client.callTool({ name: "ssh_connect", arguments: { destination: "web" } });
  await run(["web", "true"]);
  expect(await call({ command: "cd /tmp; echo .$A" })).toMatchObject({ stdout: ".\n", exitCode: 0, isError: false });
  expect(await call({ command: "pwd" })).toMatchObject({ stdout: "/tmp\n" });
  const ended = await call({ command: "echo last; exit 3" });
  expect(ended).toMatchObject({ stdout: "last\n", exitCode: 3, outcome: "exited", isError: false });
  expect(ended.text).toMatch(/^SHELL_EXITED: the command ended the shell s/);
  const fresh = await call({ command: "pwd" });
  expect(fresh).toMatchObject({ stdout: `${user.home}\n` });
  expect(fresh.text).toContain("note: the shell s is a fresh one");
});

test("a model's second command is refused at once, and a late one is stopped with its shell", async () => {
  const first = call({ command: "echo begun; sleep 600", timeout: 2 });
  const second = await call({ command: "true", shell: "s" });
  const [refused, late] = [second, await first];
  expect(refused.text).toMatch(/^SHELL_BUSY: the shell s still runs a command \(call c\d+\)/);
  expect(refused.isError).toBe(true);
  expect(late).toMatchObject({ outcome: "timedOut", stopped: "confirmed", stdout: "begun\n", isError: true });
  expect(await call({ command: "echo again" })).toMatchObject({ stdout: "again\n", exitCode: 0 });
});
