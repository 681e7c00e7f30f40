import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { closeSync, mkdirSync, openSync, readdirSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { tryLock } from "../../src/files/lock.ts";
import { thrownBy } from "../config/ssh-config/thrown.ts";
import { cleanup } from "../support/cleanup.ts";
import { compile } from "../support/compile.ts";
import { descendantsOf, endProcesses, isAlive, signal } from "../support/processes.ts";
import { type RunningProgram, startProgram } from "../support/program.ts";
import { tempDir } from "../support/temp.ts";
import { waitFor } from "../support/wait.ts";

afterAll(cleanup);

/** Says `held` or `null`, starts a child that outlives it when told to, and waits for the end of its input. */
const source = `
  import { spawn } from "node:child_process";
  import { tryLock } from ${JSON.stringify(join(import.meta.dir, "../../src/files/lock.ts"))};
  const [path, child] = process.argv.slice(2);
  const lock = tryLock(path);
  if (child === "bun") Bun.spawn(["sleep", "300"], { stdio: ["ignore", "ignore", "ignore"] });
  if (child === "node") spawn("sleep", ["300"], { stdio: "ignore", detached: true });
  console.log(lock === null ? "null" : "held");
  await new Response(Bun.stdin.stream()).text();
`;
const script = join(tempDir("lock"), "program.ts");
const forms: Record<string, string[]> = { script: [process.execPath, script], compiled: [] };

beforeAll(async () => {
  writeFileSync(script, source);
  forms["compiled"] = [await compile(source)];
});

const start = (form: string, ...words: string[]): RunningProgram => startProgram([...(forms[form] ?? []), ...words]);
const said = async (program: RunningProgram): Promise<string> => (await program.waitForStdout(/held|null/))[0];

describe.each(["script", "compiled"])("between processes, %s", (form) => {
  test("one holds it, until it ends in any way", async () => {
    const path = join(tempDir("lock"), "lock");
    for (const ending of ["SIGKILL", "SIGTERM", "input"] as const) {
      const holder = start(form, path);
      expect(await said(holder)).toBe("held");
      const other = start(form, path);
      expect(await said(other)).toBe("null");
      expect(tryLock(path)).toBeNull();
      await (ending === "input" ? holder.end() : holder.signal(ending));
      await holder.exit();
      // The other one is still there, and its own try has left nothing.
      const lock = tryLock(path);
      expect(lock).not.toBeNull();
      await other.end();
      await other.exit();
      lock?.release();
    }
  });

  test.each(["bun", "node"])("a child of the holder, started by way of %s, does not inherit it", async (way) => {
    const path = join(tempDir("lock"), "lock");
    const holder = start(form, path, way);
    expect(await said(holder)).toBe("held");
    const [child] = await waitFor(
      () => {
        const children = descendantsOf(holder.pid);
        return children.length > 0 && children;
      },
      { what: "the child" },
    );
    expect(tryLock(path)).toBeNull();
    holder.signal("SIGKILL");
    await holder.exit();
    expect(isAlive(child as number)).toBe(true);
    const lock = tryLock(path);
    expect(lock).not.toBeNull();
    lock?.release();
    await endProcesses([child as number]);
  });
});

test("of twenty processes at once, exactly one gets it", async () => {
  const path = join(tempDir("lock"), "lock");
  for (let round = 0; round < 3; round++) {
    const programs = Array.from({ length: 20 }, () => start("compiled", path));
    const answers = await Promise.all(programs.map(said));
    expect(answers.filter((answer) => answer === "held")).toHaveLength(1);
    for (const { pid } of programs) signal(pid, "SIGKILL");
    await Promise.all(programs.map((program) => program.exit()));
  }
});

describe("within a process", () => {
  test("two exclude each other, and release frees it once", () => {
    const path = join(tempDir("lock"), "lock");
    const first = tryLock(path);
    expect(tryLock(path)).toBeNull();
    first?.release();
    const second = tryLock(path);
    expect(second).not.toBeNull();
    // Its descriptor is the second one's by now.
    first?.release();
    expect(tryLock(path)).toBeNull();
    second?.release();
    expect(readdirSync(join(path, ".."))).toEqual(["lock"]);
  });

  test("a lock that was refused or released leaves no descriptor open", () => {
    const path = join(tempDir("lock"), "lock");
    const holder = tryLock(path);
    const before = readdirSync("/proc/self/fd").length;
    for (let round = 0; round < 100; round++) {
      expect(tryLock(path)).toBeNull();
      tryLock(`${path}-2`)?.release();
    }
    expect(readdirSync("/proc/self/fd").length).toBe(before);
    holder?.release();
  });

  test("the file is ours alone, and what it holds stays", () => {
    const path = join(tempDir("lock"), "lock");
    const before = process.umask(0);
    try {
      tryLock(path)?.release();
    } finally {
      process.umask(before);
    }
    expect(statSync(path).mode & 0o7777).toBe(0o600);
    writeFileSync(path, "kept");
    tryLock(path)?.release();
    expect(statSync(path).size).toBe(4);
  });

  test("what is no lock file is an error, with the system's own in its cause", () => {
    const folder = tempDir("lock");
    symlinkSync("target", join(folder, "link"));
    mkdirSync(join(folder, "folder"));
    const failures = [
      ["link", "ELOOP"],
      ["folder", "EISDIR"],
      ["missing/lock", "ENOENT"],
    ] as const;
    for (const [name, code] of failures) {
      const error = thrownBy(() => tryLock(join(folder, name)));
      expect(error).toMatchObject({ code: "LOCAL_IO", cause: { code } });
      expect(error.hint).toBe(`ls -l ${join(folder, name)}`);
    }
    expect(readdirSync(folder).sort()).toEqual(["folder", "link"]);
  });

  test("who opens and closes the same file does not free it", () => {
    const path = join(tempDir("lock"), "lock");
    const lock = tryLock(path);
    // It would free a lock of fcntl(2).
    closeSync(openSync(path, "r"));
    expect(tryLock(path)).toBeNull();
    lock?.release();
  });
});
