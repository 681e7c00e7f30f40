import { expect, test } from "bun:test";
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { cleanup, onCleanup } from "./cleanup.ts";
import { isAlive } from "./processes.ts";
import { startProgram } from "./program.ts";
import { tempDir } from "./temp.ts";
import { waitFor } from "./wait.ts";

test("releases everything once, the newest first, also after a failure", async () => {
  const released: string[] = [];
  const early = onCleanup(() => released.push("early"));
  onCleanup(() => released.push("first"));
  onCleanup(() => {
    throw new Error("broken");
  });
  onCleanup(async () => {
    await Bun.sleep(1);
    released.push("last");
  });
  await early();
  await expect(cleanup()).rejects.toThrow("cleanup: Error: broken");
  await cleanup();
  await early();
  expect(released).toEqual(["early", "last", "first"]);
});

/** A test file that starts one of everything and then hangs. */
const hanging = `
  import { test } from "bun:test";
  import { startSshd } from "${import.meta.dir}/sshd.ts";
  import { startProgram } from "${import.meta.dir}/program.ts";
  import { tempDir } from "${import.meta.dir}/temp.ts";
  test("hangs", async () => {
    const sshd = await startSshd();
    const program = startProgram(["sleep", "600"]);
    console.log(JSON.stringify({ sshd: sshd.pid, program: program.pid, dir: tempDir() }));
    await new Promise(() => {});
  }, 600_000);
`;

const startHanging = async () => {
  const file = join(tempDir("hanging"), "hanging.test.ts");
  writeFileSync(file, hanging);
  const runner = startProgram([process.execPath, "test", file]);
  const [line] = await runner.waitForStdout(/^\{.*\}$/m);
  return { runner, started: JSON.parse(line) as { sshd: number; program: number; dir: string } };
};

test.each(["SIGINT", "SIGTERM", "SIGHUP"] as const)(
  "a test process that gets %s leaves nothing behind",
  async (name) => {
    const { runner, started } = await startHanging();
    expect(isAlive(started.sshd) && isAlive(started.program) && existsSync(started.dir)).toBe(true);
    runner.signal(name);
    await waitFor(() => !isAlive(runner.pid), { what: "the test process to end" });
    await waitFor(() => !isAlive(started.sshd) && !isAlive(started.program), { what: "what it started to end" });
    expect(existsSync(started.dir)).toBe(false);
    await cleanup();
  },
);

test("one that is killed outright leaves no server behind", async () => {
  const { runner, started } = await startHanging();
  runner.signal("SIGKILL");
  await waitFor(() => !isAlive(started.sshd), { what: "its sshd to end" });
  process.kill(started.program, "SIGKILL");
  await cleanup();
});
