/** Every login shell runs a prepared command as it runs a plain one. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { chmodSync, existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { quoteWords } from "../../../../src/core/quote.ts";
import type { Connection } from "../../../../src/ssh/connection.ts";
import { cleanup } from "../../../support/cleanup.ts";
import { makeKey } from "../../../support/keys.ts";
import { startSshd } from "../../../support/sshd.ts";
import { tempDir } from "../../../support/temp.ts";
import { makeUser } from "../../../support/users.ts";
import { open, run } from "../../open.ts";

afterAll(cleanup);

const bin = tempDir("shells");
chmodSync(bin, 0o755);
writeFileSync(join(bin, "ash"), '#!/bin/sh\nexec /bin/busybox ash "$@"\n', { mode: 0o755 });
const shells = ["/bin/bash", "/bin/dash", "/bin/zsh", "/usr/bin/fish", "/bin/tcsh", "/bin/mksh", "/bin/busybox"]
  .filter(existsSync)
  .map(
    (path) =>
      [
        path.endsWith("busybox") ? "ash" : (path.split("/").at(-1) ?? ""),
        path.endsWith("busybox") ? join(bin, "ash") : path,
      ] as const,
  );

const key = await makeKey();
const sshd = await startSshd({ authorizedKeys: [key.line] });

describe.each(shells)("with %s", (name, shell) => {
  let connection: Connection;
  const odd = "-odd 'dir'\n\"ü\" $HOME `x` \\ !";
  let home = "";

  beforeAll(async () => {
    const user = await makeUser({ shell });
    home = user.home;
    mkdirSync(join(home, odd));
    connection = await open({ port: sshd.port, user: user.name, keys: [key.path] });
  });

  test("a directory and variables reach the command, and the login shell runs it", async () => {
    // fish cannot pass on what the C locale has no character for.
    const env = { LC_ALL: "C.UTF-8", A: "one 'two'\n\"three\"\\ $HOME `x` !!\n", B_2: "", C: "ü\u0081漢🙂\r\t" };
    const shown = `sh -c 'pwd; printf "[%s]" "$A" "$B_2" "$C"'`;
    const result = await run(connection, shown, { form: { cwd: odd, env } });
    expect(result).toMatchObject({ outcome: "exited", exitCode: 0, stderr: "" });
    expect(result.stdout).toBe(`${home}/${odd}\n[${env.A}][][${env.C}]`);
    const own = await run(connection, name === "fish" ? "echo $FISH_VERSION" : "echo $0", { form: { cwd: "~" } });
    expect(own.stdout).toMatch(name === "fish" ? /^\d/ : name);
  });

  test.each([
    ["exit 0", 0],
    ["exit 44", 44],
    ["exit 255", 255],
    ["false", 1],
    ["no-such-command-here", 127],
  ])("%s is told as from a plain one", async (command, exitCode) => {
    const plain = await run(connection, command);
    const prepared = await run(connection, command, { form: { cwd: "/tmp" } });
    expect(prepared).toMatchObject({ outcome: plain.outcome, exitCode: plain.exitCode, signal: plain.signal });
    if (exitCode !== 127) expect(prepared.exitCode).toBe(exitCode);
  });

  test("a signal is told as from a plain one", async () => {
    const kills = name === "fish" ? "kill -KILL $fish_pid" : "kill -KILL $$";
    const prepared = await run(connection, kills, { form: { cwd: "/tmp" } });
    expect(prepared).toMatchObject({ outcome: "signaled", signal: "KILL" });
    const child = await run(connection, "sh -c 'kill -TERM $$'; exit $status$?", { form: { interpreter: "sh" } });
    expect(child).toMatchObject({ outcome: "exited", exitCode: 143 });
  });

  test("its input is the command's to the last byte", async () => {
    const block = Buffer.alloc(1024 * 1024, "0123456789\n");
    const stdin = [block, block, block, block, block, Buffer.from("the end")];
    const sum = new Bun.CryptoHasher("sha256");
    for (const piece of stdin) sum.update(piece);
    const result = await run(connection, "sha256sum", { form: { env: { A: "b" } }, stdin });
    expect(result.stdout.split(" ")[0]).toBe(sum.digest("hex"));
  });

  test("a script too long for a word runs, with its own input", async () => {
    const filler = "# a comment with 'quotes' to fill the line\n".repeat(6000);
    const script = `${filler}cat\npwd\nexit 7\n`;
    expect(script.length).toBeGreaterThan(200 * 1024);
    const result = await run(connection, script, { form: { cwd: "/tmp" }, stdin: [Buffer.from("the input")] });
    expect(result).toMatchObject({ outcome: "exited", exitCode: 7, stdout: "the input/tmp\n", stderr: "" });
    expect(await run(connection, script, { stdin: [] })).toMatchObject({ exitCode: 7, stdout: `${home}\n` });
  });

  test("words arrive as they were given", async () => {
    const words = ["a b", "", "'", "\\", "a\\'b", "!x", "new\nline", "-n", "$HOME", "*", "~", "ü", "`x`", "%s"];
    const argv = ["/usr/bin/printf", "[%s]", ...words];
    for (const cwd of [null, "/tmp"]) {
      const result = await run(connection, quoteWords(argv), { form: { argv, cwd } });
      expect(result).toMatchObject({ exitCode: 0, stdout: words.map((word) => `[${word}]`).join("") });
    }
  });

  test("many words arrive, more than one word has room for", async () => {
    const argv = ["/usr/bin/printf", "%s", ...Array.from({ length: 2000 }, (_, at) => `${at}${"x".repeat(90)}!`)];
    const result = await run(connection, quoteWords(argv), { form: { argv, cwd: "/" }, stdin: [Buffer.from("input")] });
    expect(result).toMatchObject({ exitCode: 0, stdout: argv.slice(2).join(""), stderr: "" });
  });

  test.each(["sh", "bash"] as const)("%s can be asked for", async (interpreter) => {
    const command = interpreter === "bash" ? `a=(1 2); echo "\${a[1]} $0"` : `echo "$0 \${ssh_mcp-}\${ssh_mcp_n-}$#"`;
    const result = await run(connection, command, { form: { interpreter } });
    expect(result).toMatchObject({ exitCode: 0, stdout: interpreter === "bash" ? "2 /usr/bin/bash\n" : "/bin/sh 0\n" });
    const long = `${"# a line\n".repeat(20_000)}cat; exit 9`;
    expect(await run(connection, long, { form: { interpreter }, stdin: [Buffer.from("in")] })).toMatchObject({
      exitCode: 9,
      stdout: "in",
    });
  });
});
