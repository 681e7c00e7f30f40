import { afterAll, expect, test } from "bun:test";
import { cleanup } from "./cleanup.ts";
import { runCommand } from "./command.ts";
import { descendantsOf, endProcesses, isAlive, ofUser, withEnvironment } from "./processes.ts";
import { startProgram } from "./program.ts";
import { waitFor } from "./wait.ts";

afterAll(cleanup);

/** A shell with a child and a grandchild, all three marked. */
const family = async () => {
  const mark = `FAMILY=${crypto.randomUUID()}`;
  const script = "sh -c 'sleep 600 & echo $!; wait' & echo $!; wait";
  const program = startProgram(["env", mark, "sh", "-c", script]);
  await program.waitForStdout(/\d+\n\d+\n/);
  return { program, mark, children: program.stdout().trim().split("\n").map(Number).sort() };
};

test("finds descendants, by environment and by user, and ends them", async () => {
  const { program, mark, children } = await family();
  expect(descendantsOf(program.pid).sort()).toEqual(children);
  expect(withEnvironment((variable) => variable === mark).sort()).toEqual([program.pid, ...children].sort());
  expect(ofUser(process.getuid?.() ?? 0)).toContain(program.pid);
  await endProcesses(children);
  expect([...children, process.pid].map(isAlive)).toEqual([false, false, true]);
});

test("kills what does not mind TERM", async () => {
  const program = startProgram(["sh", "-c", "trap '' TERM; echo ready; while :; do sleep 0.1; done"]);
  await program.waitForStdout("ready");
  await endProcesses([program.pid]);
  expect(isAlive(program.pid)).toBe(false);
});

test("a command that runs too long is killed with what it started", async () => {
  const outcome = await runCommand(["sh", "-c", "sleep 600 & echo $!; wait"], { timeout: 200 });
  expect(outcome).toMatchObject({ status: null, signal: "SIGKILL" });
  // KILL is sent; the kernel and init take their time.
  await waitFor(() => !isAlive(Number(outcome.stdout)), { what: "the end of what it started" });
});
