import { afterAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { createHash } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { cleanup } from "../../support/cleanup.ts";
import { tempDir } from "../../support/temp.ts";
import { waitFor } from "../../support/wait.ts";
import { readLog, run, shell, start } from "../driver.ts";

afterAll(cleanup);
setDefaultTimeout(30_000);

const mebibyte = 1024 * 1024;
/** What `flood` writes. */
const block = Uint8Array.from({ length: mebibyte }, (_, index) => (index * 31 + (index >> 8)) & 255);

const floodHash = (mebibytes: number): string => {
  const hash = createHash("sha256");
  for (let sent = 0; sent < mebibytes; sent++) hash.update(block);
  return hash.digest("hex");
};

describe("standard output", () => {
  test("is binary-safe", async () => {
    const { stdoutBytes } = await run(["exec", "h", "bytes"]);
    expect([...stdoutBytes]).toEqual(Array.from({ length: 256 }, (_, index) => index));
  });

  test("64 MiB through a pipe arrive whole, with a reader that sleeps first", async () => {
    const { stdout, stderr } = await shell("$S exec h flood 64 | (sleep 0.3; sha256sum)");
    expect(stdout).toStartWith(floodHash(64));
    expect(stderr).toBe("flooded\n");
  });

  test("a socket, as other runtimes give to their children, arrives whole", async () => {
    const { stdoutBytes, status } = await run(["exec", "h", "flood", "16"]);
    expect(status).toBe(0);
    expect(createHash("sha256").update(stdoutBytes).digest("hex")).toBe(floodHash(16));
  });

  test("a file is appended to where its owner stands", async () => {
    const { stdout } = await shell(
      "(echo before; $S exec h echo ours; echo after) >f; cat f; $S exec h echo more >>f; tail -n1 f",
    );
    expect(stdout).toBe("before\nours\nafter\nmore\n");
  });

  test("a pipe that others write to as well stays as they need it", async () => {
    const line = "head -c 3000000 /dev/zero >big; ($S exec h flood 2; cat big) | (sleep 0.3; wc -c)";
    expect(await shell(line)).toMatchObject({ stdout: `${2 * mebibyte + 3_000_000}\n`, stderr: "flooded\n" });
  });

  test("memory stays bounded while a slow reader holds back 512 MiB", async () => {
    const file = join(tempDir("log"), "log");
    const { stdout } = await shell("$S exec h flood 512 | (sleep 1; wc -c)", { env: { FAKE_LOG: file } });
    expect(Number(stdout)).toBe(512 * mebibyte);
    expect(Number(readLog(file).at(-1)?.["maxRssMiB"])).toBeLessThan(200);
  });

  test("closed early, it ends the command in silence, as of a program that died of SIGPIPE", async () => {
    const { stdout, stderr } = await shell("$S exec h flood 100000 | head -c 3 | wc -c; echo $PIPESTATUS");
    expect(stdout).toBe("3\n141\n");
    expect(stderr).toBe("");
  });

  test("closed before the first byte", async () => {
    const { stdout, stderr } = await shell("(sleep 0.2; $S exec h echo x) | true; echo $PIPESTATUS");
    expect({ stdout, stderr }).toEqual({ stdout: "141\n", stderr: "" });
  });

  test("a broken pipe is quiet for documents and help too", async () => {
    for (const args of ["ls", "ls --json", "exec --json h echo x", "--help"]) {
      const { stdout, stderr } = await shell(`(sleep 0.1; $S ${args}) | true; echo $PIPESTATUS`);
      expect({ args, stdout, stderr }).toEqual({ args, stdout: "141\n", stderr: "" });
    }
  });

  test("a full disk is an error of ours", async () => {
    const message = "ssh-mcp: standard output cannot be written (ENOSPC) [LOCAL_IO]\n";
    expect(await shell("$S exec h echo x >/dev/full")).toMatchObject({ status: 255, stderr: message });
    expect(await shell("$S exec --json h echo x >/dev/full")).toMatchObject({ status: 255, stderr: message });
    expect(await shell("$S ls >/dev/full")).toMatchObject({ status: 1, stderr: message });
  });

  test("closed from the start is like /dev/null", async () => {
    expect(await shell("$S exec h exit 5 >&-")).toMatchObject({ status: 5, stderr: "" });
  });

  test("stderr that nobody reads does not end the command", async () => {
    const { stdout } = await shell("{ $S exec h flood 3 2>&1 >&3 | true; } 3>out; wc -c <out");
    expect(stdout).toBe(`${3 * mebibyte}\n`);
  });
});

describe("standard input", () => {
  const file = join(tempDir("input"), "input");
  const content = Buffer.concat([block, block, Buffer.from("the end")]);
  writeFileSync(file, content);
  const hash = createHash("sha256").update(content).digest("hex");

  test("a file, a pipe and a socket arrive whole", async () => {
    expect((await shell(`$S exec h cat <${file} | sha256sum`)).stdout).toStartWith(hash);
    expect((await shell(`cat ${file} | $S exec h cat | sha256sum`)).stdout).toStartWith(hash);
    const running = start(["exec", "h", "cat"]);
    await running.write(content);
    await running.end();
    const { stdoutBytes } = await running.exit();
    expect(createHash("sha256").update(stdoutBytes).digest("hex")).toBe(hash);
  });

  test("a file is read from where its owner stands", async () => {
    const { stdout } = await shell("printf 'first\\nsecond\\n' >in; { read -r line; $S exec h cat; } <in");
    expect(stdout).toBe("second\n");
  });

  test("empty and closed ones are empty", async () => {
    expect(await shell("$S exec h cat </dev/null")).toMatchObject({ status: 0, stdout: "", stderr: "" });
    expect(await shell("$S exec h cat <&-")).toMatchObject({ status: 0, stdout: "", stderr: "" });
  });

  test("a directory is an error of ours", async () => {
    const outcome = await shell("$S exec h cat </");
    expect(outcome).toMatchObject({
      status: 255,
      stderr: "ssh-mcp: standard input cannot be read (EISDIR) [LOCAL_IO]\n",
    });
  });

  test("arrives as it is typed, and what comes back leaves at once", async () => {
    const running = start(["exec", "h", "cat"]);
    await running.write("one\n");
    await running.waitForStdout("one\n");
    await running.write("two\n");
    await running.waitForStdout("two\n");
    await running.end();
    expect(await running.exit()).toMatchObject({ status: 0, stdout: "one\ntwo\n" });
  });

  test("left open and idle, it keeps nobody waiting when the command has ended", async () => {
    expect(await start(["exec", "h", "echo", "x"]).exit()).toMatchObject({ status: 0, stdout: "x\n" });
  });

  test("a command that reads nothing takes little of it", async () => {
    const { stdout } = await shell("head -c 64M /dev/zero >in; { $S exec h echo ok; wc -c; } <in");
    const [ok, rest] = stdout.split("\n");
    expect(ok).toBe("ok");
    expect(Number(rest)).toBeGreaterThan(60 * mebibyte);
  });

  test("-n leaves it to the next command", async () => {
    expect(await shell("echo mine | { $S exec -n h cat; cat; }")).toMatchObject({ stdout: "mine\n" });
  });

  test("a command that fails before it runs leaves it to the next one", async () => {
    const commands = "{ $S exec h refuse; echo $?; cat; }";
    for (const line of [`cat in | ${commands}`, `${commands} <in`]) {
      const { stdout, stderr } = await shell(`printf 'a\\nb\\n' >in; ${line}`);
      expect({ line, stdout }).toEqual({ line, stdout: "255\na\nb\n" });
      expect(stderr).toContain("[CONNECT_REFUSED]");
    }
  });

  test("other commands leave it alone", async () => {
    expect(await shell("echo mine | { $S ls -q; $S connect -- h >/dev/null; cat; }")).toMatchObject({
      stdout: "mine\n",
    });
  });

  test("no descriptor of ours is left changed", async () => {
    const running = start(["exec", "h", "forever"]);
    await running.waitForStdout("ready");
    const flags = async () =>
      (await Bun.file(`/proc/${running.pid}/fdinfo/0`).text()).match(/flags:\s+(\d+)/)?.[1] ?? "";
    await waitFor(async () => (await flags()) !== "", { what: "the flags of descriptor 0" });
    // O_NONBLOCK, in octal: fcntl(2).
    expect(Number.parseInt(await flags(), 8) & 0o4000).toBe(0);
    running.signal("SIGTERM");
    await running.exit();
  });
});
