/** What a command is refused for before anything of it has run; and that its values are nowhere to be seen. */
import { afterAll, describe, expect, test } from "bun:test";
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { CommandForm } from "../../../../src/core/command-form.ts";
import { quoteWords } from "../../../../src/core/quote.ts";
import type { Connection } from "../../../../src/ssh/connection.ts";
import { cleanup } from "../../../support/cleanup.ts";
import { startDropbear } from "../../../support/dropbear.ts";
import { makeKey } from "../../../support/keys.ts";
import { startSshd } from "../../../support/sshd.ts";
import { makeUser } from "../../../support/users.ts";
import { open, run } from "../../open.ts";

afterAll(cleanup);

const key = await makeKey();
const sshd = await startSshd({ authorizedKeys: [key.line] });
const person = await makeUser();
const connection = await open({ port: sshd.port, user: person.name, keys: [key.path] });
const proof = join(person.home, "it-ran");

/** The error that a command which would leave a proof ends with. */
const refusal = async (form: Partial<CommandForm>, over = connection): Promise<unknown> => {
  const ran = run(over, `touch ${proof}`, { form, stdin: [Buffer.from("touch")] });
  const error = await ran.then(
    () => null,
    (thrown: unknown) => thrown,
  );
  expect(existsSync(proof)).toBe(false);
  return error;
};

describe("a directory", () => {
  mkdirSync(join(person.home, "closed/inner"), { recursive: true });
  chmodSync(join(person.home, "closed"), 0o700);
  writeFileSync(join(person.home, "file"), "");

  test.each([
    ["no-such", "NOT_FOUND", 'the server has no directory "no-such": the command was not run'],
    ["/no/such/at all", "NOT_FOUND", 'the server has no directory "/no/such/at all": the command was not run'],
    ["~/no\nsuch", "NOT_FOUND", 'the server has no directory "~/no\\nsuch": the command was not run'],
    ["-", "NOT_FOUND", 'the server has no directory "-": the command was not run'],
    ["file", "NOT_FOUND", '"file" is no directory on the server: the command was not run'],
    ["file/inner", "NOT_FOUND", expect.stringContaining("file/inner")],
    ["closed", "REMOTE_PERMISSION", expect.stringContaining("may not enter")],
    ["closed/inner/x", "REMOTE_PERMISSION", expect.stringContaining("may not enter")],
  ])("%j is refused: %s", async (cwd, code, message) => {
    expect(await refusal({ cwd })).toMatchObject({ code, message });
  });
});

/** The result of a command that would leave a proof, for a server that says nothing of its begin. */
const unknown = async (form: Partial<CommandForm>, over: Connection) => {
  const result = await run(over, `touch ${proof}`, { form, stdin: [Buffer.from("touch")] });
  expect(result).toMatchObject({ outcome: "unknown", exitCode: null });
  return result;
};

describe("a server without what it takes", () => {
  test("no login shell of POSIX, fish or csh", async () => {
    for (const [shell, reason] of [
      ["/usr/sbin/nologin", /status 1.*: This account is currently not available/],
      ["/bin/cat", /status 1.*: .*cat: /],
      ["/bin/false", /status 1.*command$/],
      ["/bin/rbash", /status \d+.*: .*restricted/],
    ] as const) {
      const user = await makeUser({ shell });
      const other = await open({ port: sshd.port, user: user.name, keys: [key.path] });
      expect((await unknown({ cwd: "/tmp" }, other)).reason).toMatch(reason);
      expect(existsSync(proof)).toBe(false);
    }
  });

  test.each([
    ["repeat what they are told, and end", "cat; exit 0\n", false],
    ["end", "echo no; exit 0\n", false],
    ["become fish", "exec fish\n", false],
    ["read what follows away", "read -r answer\n", false],
    ["lead all output elsewhere", "exec >/dev/null 2>&1\n", true],
    ["say something, and lead all else elsewhere", "echo hello; exec >/dev/null 2>&1\n", true],
  ])("start-up files that %s: nobody can tell", async (_, text, ran) => {
    writeFileSync(join(person.home, ".bashrc"), text);
    const result = await unknown({ cwd: "/" }, connection);
    expect(result.reason).toContain("did not say that it began the command");
    if (text.includes("hello")) expect(result).toMatchObject({ stdout: "hello\n", stdoutBytes: 6 });
    expect(existsSync(proof)).toBe(ran);
    rmSync(proof, { force: true });
    writeFileSync(join(person.home, ".bashrc"), "");
  });

  test("no such interpreter", async () => {
    const bare = await open({ port: sshd.port, user: person.name, keys: [key.path] });
    writeFileSync(join(person.home, ".bashrc"), "PATH=/nowhere\n");
    expect(await refusal({ interpreter: "bash" }, bare)).toMatchObject({
      code: "UNSUPPORTED",
      message: "the server has no bash: the command was not run",
    });
    writeFileSync(join(person.home, ".bashrc"), "");
  });

  test.each(["command", "argv"])("a csh that closes what it did not open takes no long %s", async (kind) => {
    const user = await makeUser({ shell: "/bin/bsd-csh" });
    const bare = await open({ port: sshd.port, user: user.name, keys: [key.path] });
    const argv = ["touch", proof, ...Array.from({ length: 1500 }, (_, at) => `${at}${"x".repeat(90)}!`)];
    const form = { cwd: "/tmp", ...(kind === "argv" ? { argv } : {}) };
    const command = kind === "argv" ? quoteWords(argv) : `${"# long\n".repeat(20_000)}touch ${proof}`;
    expect(await run(bare, command, { form }).catch((error: unknown) => error)).toMatchObject({
      code: "UNSUPPORTED",
      message: "the server's csh takes no command of this length: the command was not run",
    });
    expect(await run(bare, "echo $SHELL", { form: { cwd: "/tmp" } })).toMatchObject({ stdout: "/bin/bsd-csh\n" });
  });

  test("powershell", async () => {
    expect((await unknown({ interpreter: "powershell" }, connection)).reason).toMatch(/status 127.*: .*powershell/);
    expect(existsSync(proof)).toBe(false);
  });
});

test("input is nobody's program, whatever start-up files have read away", async () => {
  writeFileSync(join(person.home, ".bashrc"), "read -r answer\n");
  const stdin = [Buffer.from(`touch ${proof}; echo ran\ntouch ${proof}\n`)];
  for (const command of ["cat", `${"# long\n".repeat(20_000)}cat`]) {
    const result = await run(connection, command, { form: { cwd: "/tmp" }, stdin });
    expect(result).toMatchObject({ outcome: "unknown", stdout: "" });
    if (command === "cat") expect(result.reason).toEndWith(": the program for the command did not arrive");
  }
  expect(existsSync(proof)).toBe(false);
  writeFileSync(join(person.home, ".bashrc"), "");
});

test.each(["exec 2>&1", "exec 1>&2"])(
  "start-up files that join the streams (%s) leave nothing of ours there",
  async (line) => {
    writeFileSync(join(person.home, ".bashrc"), `${line}\n`);
    const plain = await run(connection, "echo out; echo err >&2");
    const prepared = await run(connection, "echo out; echo err >&2", { form: { cwd: "/" } });
    expect(prepared).toMatchObject({ outcome: "exited", stdout: plain.stdout, stderr: plain.stderr });
    writeFileSync(join(person.home, ".bashrc"), "");
  },
);

test("what start-up files say is there once, as for a plain command", async () => {
  writeFileSync(join(person.home, ".bashrc"), "echo hello; echo oops >&2; hi() { echo function; }\n");
  const plain = await run(connection, "hi");
  const prepared = await run(connection, "hi", { form: { cwd: "/" } });
  expect(prepared).toMatchObject({ stdout: plain.stdout, stderr: plain.stderr, stdoutBytes: plain.stdoutBytes });
  expect(prepared.stdout).toBe("hello\nfunction\n");
  expect(await run(connection, "echo x", { form: { interpreter: "sh" } })).toMatchObject({ stdout: "x\n", stderr: "" });
  writeFileSync(join(person.home, ".bashrc"), "");
});

test.each([
  ["OpenSSH", async () => connection],
  [
    "Dropbear",
    async () => {
      const server = await startDropbear({ authorizedKeys: [key.line] });
      return await open({ port: server.port, user: server.user, keys: [key.path] });
    },
  ],
] as const)("no value and no input is in a process list on %s", async (_, start) => {
  const over = await start();
  const secret = `secret-${crypto.randomUUID()}`;
  const proof = `/tmp/go-${crypto.randomUUID()}`;
  const seen: string[] = [];
  const command = `read x; printf %s "$A" | wc -c; while [ ! -e ${proof} ]; do sleep 0.1; done`;
  const running = run(over, command, {
    form: { cwd: "/tmp", env: { A: secret }, interpreter: null },
    stdin: [Buffer.from(`${secret}\n`)],
    onStdout: () => {
      for (const pid of readdirSync("/proc").filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)) {
        try {
          seen.push(readFileSync(`/proc/${pid}/cmdline`, "utf8"));
        } catch {}
      }
      writeFileSync(proof, "");
    },
  });
  expect(await running).toMatchObject({ exitCode: 0, stdout: `${secret.length}\n` });
  rmSync(proof);
  expect(seen.some((line) => line.includes(proof))).toBe(true);
  expect(seen.filter((line) => line.includes(secret))).toEqual([]);
});

test("a command that Dropbear takes as no line runs as a script, with its input", async () => {
  const server = await startDropbear({ authorizedKeys: [key.line] });
  const over = await open({ port: server.port, user: server.user, keys: [key.path] });
  for (const lines of [250, 3000]) {
    const command = `${"# a line that does nothing but to be here at all\n".repeat(lines)}cat; exit 4`;
    const stdin = [Buffer.alloc(100_000, "x")];
    expect(await run(over, command, { stdin })).toMatchObject({ exitCode: 4, stdoutBytes: 100_000, stderr: "" });
  }
});
