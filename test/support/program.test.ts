import { afterAll, expect, test } from "bun:test";
import { cleanup } from "./cleanup.ts";
import { isAlive } from "./processes.ts";
import { startProgram } from "./program.ts";

afterAll(cleanup);

const shell = (script: string) => startProgram(["/bin/sh", "-c", script]);

test("gives status, separate streams and bytes as they are", async () => {
  const program = shell("printf '\\377'; cat; echo err >&2; exit 3");
  await program.write("typed");
  await program.end();
  const outcome = await program.exit();
  expect(outcome).toMatchObject({ status: 3, signal: null, stdout: "\ufffdtyped", stderr: "err\n" });
  expect(outcome.stdoutBytes[0]).toBe(0xff);
});

test("its environment is plain, its HOME its own", async () => {
  process.env["SSH_AUTH_SOCK"] ??= "/tmp/not-for-programs-under-test";
  process.env["SSH_MCP_DIR"] ??= "/tmp/not-for-programs-under-test";
  const program = shell("env; pwd");
  const { stdout } = await program.exit();
  expect(stdout).not.toMatch(/SSH_AUTH_SOCK|SSH_MCP_DIR/);
  expect(stdout).toContain(`HOME=${program.home}\n`);
  expect(stdout.trimEnd()).toEndWith(program.home);
});

test("is talked to while it runs", async () => {
  const program = shell('while read -r word; do echo "got $word"; done; echo over >&2');
  await program.write("one\n");
  expect((await program.waitForStdout(/got (\w+)/))[1]).toBe("one");
  await program.write("two\n");
  await program.waitForStdout("got two");
  await program.end();
  await program.waitForStderr("over");
  expect((await program.exit()).status).toBe(0);
});

test("says what it showed when it ends without what was awaited", async () => {
  const program = shell("echo something else");
  await expect(program.waitForStdout("never")).rejects.toThrow(/ended without never; stdout:\nsomething else/);
});

test("a signal can go to the process or to its group", async () => {
  const trap = "trap 'echo caught' INT; sleep 600 & echo ready; wait $!; wait $!; echo over";
  const program = shell(trap);
  await program.waitForStdout("ready");
  program.signal("SIGINT");
  await program.waitForStdout("caught");
  program.signal("SIGTERM", "group");
  expect(await program.exit()).toMatchObject({ signal: "SIGTERM" });
});

test("what hangs is ended with everything it started", async () => {
  const program = shell("sleep 600 & echo $!; wait");
  const sleeper = Number(await program.waitForStdout(/^\d+\n/));
  await expect(program.exit(100)).rejects.toThrow(/waited 100 ms in vain for \/bin\/sh/);
  expect(isAlive(sleeper)).toBe(false);
  expect(isAlive(program.pid)).toBe(false);
});

test("writing to a program that has ended is no error", async () => {
  const program = shell("exec <&-; echo closed; sleep 0.1");
  await program.waitForStdout("closed");
  await program.write("x".repeat(1 << 20));
  await program.end();
  expect((await program.exit()).status).toBe(0);
});
