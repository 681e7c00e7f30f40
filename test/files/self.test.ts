import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { copyFileSync, renameSync, rmSync } from "node:fs";
import { join, resolve } from "node:path";
import { childEnvironment, selfCommand } from "../../src/files/self.ts";
import { cleanup } from "../support/cleanup.ts";
import { mustRun } from "../support/command.ts";
import { compile } from "../support/compile.ts";
import { type RunningProgram, startProgram } from "../support/program.ts";
import { tempDir } from "../support/temp.ts";

afterAll(cleanup);

const root = resolve(import.meta.dir, "../..");

test("under bun it is src/main.ts, also when something else was started: a test, for one", async () => {
  const command = selfCommand("--version");
  expect(command).toEqual([process.execPath, join(root, "src/main.ts"), "--version"]);
  expect(await mustRun(command, { cwd: "/" })).toMatch(/^\d+\.\d+\.\d+\n$/);
});

describe("compiled", () => {
  /** Waits for a line, then starts itself and says what that said. */
  const source = (release: string) => `
    import { childEnvironment, selfCommand } from ${JSON.stringify(join(root, "src/files/self.ts"))};
    if (process.argv[2] === "child") {
      console.log("release ${release}:", JSON.stringify(process.argv.slice(2)));
    } else {
      console.log("ready");
      await new Response(Bun.stdin.stream()).text();
      const child = Bun.spawnSync(selfCommand("child", "a b", "--flag"), { env: childEnvironment(), stderr: "inherit" });
      console.log(selfCommand()[0], child.stdout.toString());
    }`;
  let one: string;
  let two: string;
  beforeAll(async () => {
    one = await compile(source("one"));
    two = await compile(source("two"));
  });
  const started = async (): Promise<{ path: string; program: RunningProgram }> => {
    const path = join(tempDir("self"), "ssh-mcp");
    copyFileSync(one, path);
    const program = startProgram([path]);
    await program.waitForStdout("ready");
    return { path, program };
  };
  const answer = async (program: RunningProgram): Promise<string> => {
    await program.end();
    const { stdout, stderr } = await program.exit();
    return stdout.replace("ready\n", "") + stderr;
  };
  const words = '["child","a b","--flag"]';

  test("it is the executable, whatever it was called as", async () => {
    const { path, program } = await started();
    expect(await answer(program)).toBe(`${path} release one: ${words}\n\n`);
  });

  test("after an upgrade it is the new release", async () => {
    const { path, program } = await started();
    copyFileSync(two, `${path}.new`);
    renameSync(`${path}.new`, path);
    expect(await answer(program)).toBe(`${path} release two: ${words}\n\n`);
  });

  test("after it was removed it is still itself", async () => {
    const { path, program } = await started();
    rmSync(path);
    expect(await answer(program)).toBe(`/proc/${program.pid}/exe release one: ${words}\n\n`);
  });
});

test("a child gets what it needs to find its place and speak a language, and nothing else", () => {
  const kept = {
    HOME: "/home/ann",
    PATH: "/bin",
    USER: "ann",
    LOGNAME: "ann",
    SHELL: "/bin/sh",
    TMPDIR: "/var/tmp",
    LANG: "de_DE.UTF-8",
    LC_ALL: "",
    LC_MESSAGES: "C",
    SSH_MCP_DIR: "/srv/ssh",
  };
  const dropped = {
    BUN_OPTIONS: "--preload=/tmp/x.ts",
    BUN_BE_BUN: "1",
    BUN_JSC_useJIT: "0",
    NODE_OPTIONS: "--require /tmp/x.js",
    NODE_EXTRA_CA_CERTS: "/tmp/ca",
    LD_PRELOAD: "/tmp/x.so",
    SSH_AUTH_SOCK: "/tmp/agent",
    SSH_ASKPASS: "/tmp/ask",
    LC_TOKEN: "secret",
    AWS_SECRET_ACCESS_KEY: "secret",
    lc_all: "C",
    TERM: "xterm",
  };
  expect(childEnvironment({ ...dropped, ...kept, DISPLAY: undefined })).toEqual(kept);
  expect(childEnvironment({ HOME: undefined })).toEqual({});
});
