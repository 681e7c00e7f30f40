import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import {
  chmodSync,
  chownSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readlinkSync,
  rmdirSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { checkPrivateDirectory, makePrivateDirectory } from "../../src/files/private-directory.ts";
import { thrownBy } from "../config/ssh-config/thrown.ts";
import { cleanup } from "../support/cleanup.ts";
import { mustRun, runCommand } from "../support/command.ts";
import { compile } from "../support/compile.ts";
import { makeSmallDisk } from "../support/small-disk.ts";
import { tempDir } from "../support/temp.ts";

afterAll(cleanup);

const anybody = 65534;
const modeOf = (path: string): number => lstatSync(path).mode & 0o7777;
const fresh = (): string => join(tempDir("private"), "base");
const withMode = (path: string, mode: number): string => {
  mkdirSync(path);
  chmodSync(path, mode);
  return path;
};

describe("checkPrivateDirectory", () => {
  test("says whether it is there, and makes nothing", () => {
    const path = fresh();
    expect(checkPrivateDirectory(path)).toBe("absent");
    expect(checkPrivateDirectory(join(path, "below"))).toBe("absent");
    expect(existsSync(path)).toBe(false);
    withMode(path, 0o700);
    expect(checkPrivateDirectory(path)).toBe("fine");
  });

  test.each(["701", "710", "720", "704", "740", "755", "777"])("one of mode %s is open to others", (text) => {
    const mode = Number.parseInt(text, 8);
    const path = withMode(fresh(), mode);
    const error = thrownBy(() => checkPrivateDirectory(path));
    expect(error).toMatchObject({ code: "BROKER_UNAVAILABLE", retryable: false });
    expect(error.message).toContain(`is open to other users (mode ${text})`);
    expect(modeOf(path)).toBe(mode);
  });

  test("the hint closes it with all that is in it, whatever its name, also when everybody may write there", async () => {
    for (const mode of [0o755, 0o777]) {
      const path = withMode(join(tempDir("private"), "it's $HOME; *"), mode);
      withMode(join(path, "run"), mode);
      const { hint } = thrownBy(() => checkPrivateDirectory(path));
      await mustRun(["/bin/sh", "-c", hint as string]);
      expect(checkPrivateDirectory(path)).toBe("fine");
      expect(checkPrivateDirectory(join(path, "run"))).toBe("fine");
    }
  });

  test("a link is refused even where it leads to a private directory; one in its parents is fine", () => {
    const folder = tempDir("private");
    withMode(join(folder, "real"), 0o700);
    withMode(join(folder, "real/base"), 0o700);
    symlinkSync("real", join(folder, "home"));
    const error = thrownBy(() => checkPrivateDirectory(join(folder, "home")));
    expect(error.code).toBe("BROKER_UNAVAILABLE");
    expect(error.message).toContain("is a symbolic link");
    expect(error.hint).toBe("export SSH_MCP_DIR=DIRECTORY");
    expect(checkPrivateDirectory(join(folder, "home/base"))).toBe("fine");
  });

  test("a file is refused, and below one there can be none", () => {
    const path = fresh();
    writeFileSync(path, "");
    expect(thrownBy(() => checkPrivateDirectory(path)).message).toContain("is not a directory");
    const below = thrownBy(() => checkPrivateDirectory(join(path, "below")));
    expect(below).toMatchObject({ code: "LOCAL_IO", cause: { code: "ENOTDIR" } });
  });

  test("another user's is refused, private or not", () => {
    for (const mode of [0o700, 0o777]) {
      const path = withMode(fresh(), mode);
      chownSync(path, anybody, anybody);
      for (const act of [checkPrivateDirectory, makePrivateDirectory]) {
        const error = thrownBy(() => act(path));
        expect(error.code).toBe("BROKER_UNAVAILABLE");
        expect(error.message).toContain(`belongs to another user (uid ${anybody})`);
      }
      expect(modeOf(path)).toBe(mode);
    }
  });
});

describe("makePrivateDirectory", () => {
  test("makes it and its parents for us alone, whatever the umask", () => {
    const path = join(fresh(), "a/b");
    const before = process.umask(0);
    try {
      makePrivateDirectory(path);
    } finally {
      process.umask(before);
    }
    for (const made of [path, dirname(path), dirname(dirname(path))]) expect(modeOf(made)).toBe(0o700);
    makePrivateDirectory(path);
    expect(checkPrivateDirectory(path)).toBe("fine");
  });

  test("one of ours that others may read is narrowed: empty, with our own things in it, or below a private one", () => {
    const empty = withMode(fresh(), 0o755);
    const inUse = withMode(fresh(), 0o770);
    writeFileSync(join(inUse, "config.toml"), "");
    mkdirSync(join(inUse, "sessions"));
    const below = withMode(join(withMode(fresh(), 0o700), "sessions"), 0o755);
    writeFileSync(join(below, "web.json"), "{}");
    for (const path of [empty, inUse, below]) {
      makePrivateDirectory(path);
      expect(modeOf(path)).toBe(0o700);
    }
  });

  test("a directory of something else is left as it is, so that SSH_MCP_DIR=/etc takes it from nobody", () => {
    const folder = withMode(fresh(), 0o755);
    const system = withMode(join(folder, "etc"), 0o755);
    writeFileSync(join(system, "passwd"), "");
    const shared = withMode(join(folder, "tmp"), 0o1777);
    const planted = withMode(join(folder, "planted"), 0o777);
    const elsewhere = "export SSH_MCP_DIR=DIRECTORY";
    for (const [path, hint] of [
      [system, elsewhere],
      [shared, elsewhere],
      // Only a person can know that nobody has.
      [planted, `chmod -R go-rwx ${planted}`],
    ] as const) {
      const mode = modeOf(path);
      const error = thrownBy(() => makePrivateDirectory(path));
      expect(error).toMatchObject({ code: "BROKER_UNAVAILABLE", hint });
      expect(modeOf(path)).toBe(mode);
    }
  });

  test("a link is neither followed nor replaced", () => {
    const folder = tempDir("private");
    const target = withMode(join(folder, "target"), 0o755);
    for (const to of ["target", "nowhere"]) {
      const link = join(folder, `link-${to}`);
      symlinkSync(to, link);
      expect(thrownBy(() => makePrivateDirectory(link)).message).toContain("is a symbolic link");
      expect(readlinkSync(link)).toBe(to);
    }
    expect(modeOf(target)).toBe(0o755);
    expect(existsSync(join(folder, "nowhere"))).toBe(false);
  });

  test("a home that cannot be written is told apart, with the system's error", async () => {
    const disk = await makeSmallDisk(64 * 1024);
    await disk.makeReadOnly();
    const readOnly = thrownBy(() => makePrivateDirectory(join(disk.path, ".ssh-mcp")));
    expect(readOnly).toMatchObject({ code: "LOCAL_IO", cause: { code: "EROFS" } });
    expect(readOnly.message).toBe(`${disk.path}/.ssh-mcp cannot be made (EROFS)`);
    for (const home of ["/dev/null", "/proc"]) {
      const error = thrownBy(() => makePrivateDirectory(`${home}/.ssh-mcp`));
      expect(error).toMatchObject({ code: "LOCAL_IO", cause: { code: expect.stringMatching(/^E[A-Z]+$/) } });
    }
  });
});

describe("another user", () => {
  let program: string;
  beforeAll(async () => {
    const source = join(import.meta.dir, "../../src/files/private-directory.ts");
    program = await compile(`
      import { checkPrivateDirectory, makePrivateDirectory } from ${JSON.stringify(source)};
      const [act, path] = process.argv.slice(2);
      try {
        console.log(act === "make" ? makePrivateDirectory(path) : checkPrivateDirectory(path));
      } catch (error) {
        console.log(error.code, error.cause?.code);
      }
    `);
    chmodSync(dirname(program), 0o755);
  });
  const asAnybody = async (...argv: string[]): Promise<string> => {
    const become = ["setpriv", `--reuid=${anybody}`, `--regid=${anybody}`, "--clear-groups"];
    const { stdout, stderr } = await runCommand([...become, ...argv]);
    return stdout + stderr;
  };

  test("finds nothing in a directory of ours, and cannot use it for its own", async () => {
    const folder = tempDir("private");
    chmodSync(folder, 0o755);
    const base = join(folder, "base");
    makePrivateDirectory(join(base, "run"));
    writeFileSync(join(base, "run/broker.lock"), "secret");
    expect(await asAnybody("cat", join(base, "run/broker.lock"))).toContain("Permission denied");
    expect(await asAnybody("ls", base)).toContain("Permission denied");
    expect(await asAnybody(program, "check", base)).toBe("BROKER_UNAVAILABLE undefined\n");
    expect(await asAnybody(program, "make", base)).toBe("BROKER_UNAVAILABLE undefined\n");
    expect(await asAnybody(program, "check", join(base, "run"))).toBe("LOCAL_IO EACCES\n");
    expect(await asAnybody(program, "make", join(folder, "new"))).toBe("LOCAL_IO EACCES\n");
  });

  test("finds what was planted before us refused, also in /tmp's way of sharing", async () => {
    const shared = withMode(fresh(), 0o1777);
    chmodSync(dirname(shared), 0o755);
    const path = join(shared, "ssh-mcp-0");
    expect(await asAnybody(program, "make", path)).toBe("undefined\n");
    expect(statSync(path).uid).toBe(anybody);
    expect(thrownBy(() => makePrivateDirectory(path)).message).toContain("belongs to another user");
    rmdirSync(path);
    await asAnybody("ln", "-s", "/root", path);
    expect(thrownBy(() => makePrivateDirectory(path)).message).toContain("is a symbolic link");
  });
});
