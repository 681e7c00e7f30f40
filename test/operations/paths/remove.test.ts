import { afterAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  renameSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { basename, dirname, join } from "node:path";
import { path } from "../../../src/operations/path.ts";
import { rm } from "../../../src/operations/rm.ts";
import { cleanup } from "../../support/cleanup.ts";
import { tempDir } from "../../support/temp.ts";
import { kinds, server } from "./driver.ts";

afterAll(cleanup);
setDefaultTimeout(30_000);

/** A tree with links out of it, and what they lead to. */
const planted = (home: string): { outside: string } => {
  const outside = tempDir("outside");
  writeFileSync(join(outside, "kept"), "kept");
  mkdirSync(join(outside, "folder"));
  writeFileSync(join(outside, "folder", "kept"), "kept");
  mkdirSync(join(home, "tree/a/b"), { recursive: true });
  for (let at = 0; at < 150; at++) writeFileSync(join(home, "tree/a", `file ${at}`), "x");
  writeFileSync(join(home, "tree/a/b/-rf"), "x");
  writeFileSync(join(home, "tree/new\nline"), "x");
  symlinkSync(outside, join(home, "tree/link"));
  symlinkSync(join(outside, "folder"), join(home, "tree/a/b/link"));
  symlinkSync(join(outside, "kept"), join(home, "tree/file link"));
  symlinkSync("/", join(home, "tree/root"));
  return { outside };
};

describe.each([...kinds])("over %s", (kind) => {
  test("a tree goes, and no link in it is followed", async () => {
    const { home, run } = await server(kind);
    const { outside } = planted(home);
    expect(await run(rm, { paths: ["tree"], recursive: true })).toEqual({
      target: "web",
      removed: ["tree"],
      failures: [],
    } as never);
    expect(existsSync(join(home, "tree"))).toBe(false);
    expect(readdirSync(outside).sort()).toEqual(["folder", "kept"]);
    expect(readdirSync(join(outside, "folder"))).toEqual(["kept"]);
  });

  // Over sh alone nothing is looked at before the program, which looks for itself.
  if (kind === "sftp")
    test("what was looked at is removed, whatever its directory is by then", async () => {
      const { home, machine, run } = await server(kind);
      mkdirSync(join(home, "alice/x/etc"), { recursive: true });
      mkdirSync(join(home, "root/etc"), { recursive: true });
      const runs = machine.run;
      machine.run = async (program) => {
        renameSync(join(home, "alice/x"), join(home, "alice/y"));
        symlinkSync(join(home, "root"), join(home, "alice/x"));
        return await runs(program);
      };
      await expect(run(rm, { paths: ["alice/x/etc"], recursive: true })).rejects.toMatchObject({
        code: "PRECONDITION_FAILED",
      });
      expect(existsSync(join(home, "root/etc"))).toBe(true);
    });

  test("a link is removed itself, with -r too", async () => {
    const { home, run } = await server(kind);
    const outside = tempDir("outside");
    writeFileSync(join(outside, "kept"), "kept");
    for (const recursive of [true, false]) {
      symlinkSync(outside, join(home, "link"));
      await run(rm, { paths: ["link"], recursive });
      expect(readdirSync(home)).toEqual([]);
      expect(readdirSync(outside)).toEqual(["kept"]);
    }
    // With a slash it would mean what it leads to.
    symlinkSync(outside, join(home, "link"));
    await expect(run(rm, { paths: ["link/"], recursive: true })).rejects.toThrow("leave out the slash");
    await expect(run(rm, { paths: ["link/"] })).rejects.toThrow("leave out the slash");
    expect(readdirSync(outside)).toEqual(["kept"]);
  });

  test("what is refused, with all its spellings", async () => {
    const { home, run } = await server(kind);
    mkdirSync(join(home, "sub"));
    symlinkSync(dirname(home), join(home, "sub", "up"));
    symlinkSync(home, join(home, "sub", "home"));
    const name = basename(home);
    const spellings = [
      ...[
        "/",
        "//",
        "/.",
        "/..",
        "/etc",
        "/etc/",
        "//etc/.",
        "//etc",
        "/etc/../etc",
        "/usr/bin/../../etc",
        "/tmp/",
        "/nosuch",
      ],
      ...["", "~", "~/", ".", "./", "..", "sub/..", "sub/.", "sub/home", "sub/home/", `../${name}`, home, `${home}/`],
      ...[`${home}/.`, `${home}/sub/..`, `sub/up/${name}`, `${dirname(home)}//${name}/`, dirname(home)],
    ];
    for (const spelling of spellings) {
      const failure = await run(rm, { paths: [spelling], recursive: true, force: true }).then(
        () => "removed",
        (error) => (error as { code: string }).code,
      );
      expect(`${spelling}: ${failure}`).toBe(`${spelling}: INVALID_INPUT`);
    }
    expect(readdirSync(home)).toEqual(["sub"]);
    expect(lstatSync("/etc").isDirectory()).toBe(true);
  });

  test("nobody's home is removed", async () => {
    const { home, machine, run } = await server(kind);
    expect(existsSync("/home")).toBe(true);
    for (const path of ["/home/nobody-is-called-so", "/usr/../home/x/"])
      await expect(run(rm, { paths: [path], recursive: true, force: true })).rejects.toMatchObject({
        code: "INVALID_INPUT",
      });
    if (kind !== "sftp") return;
    // Of the server's list of users, and what holds one.
    mkdirSync(join(home, "people/alice/docs"), { recursive: true });
    writeFileSync(join(home, "getent"), `#!/bin/sh\necho 'alice:x:1000:1000::${home}/people/alice:/bin/sh'\n`);
    chmodSync(join(home, "getent"), 0o755);
    const runs = machine.run;
    machine.run = (program) => runs({ ...program, script: `PATH=${home}:$PATH\n${program.script}` });
    for (const path of ["people", "people/alice"])
      await expect(run(rm, { paths: [path], recursive: true })).rejects.toMatchObject({ code: "INVALID_INPUT" });
    await run(rm, { paths: ["people/alice/docs"], recursive: true });
    expect(readdirSync(join(home, "people"))).toEqual(["alice"]);
  });

  test("a directory needs -r, and what is not there is an error without -f", async () => {
    const { home, run } = await server(kind);
    mkdirSync(join(home, "dir"));
    await expect(run(rm, { paths: ["dir"] })).rejects.toMatchObject({
      code: "REMOTE_IO",
      hint: "ssh-mcp rm -r web:dir",
    });
    await expect(run(rm, { paths: ["dir/"] })).rejects.toMatchObject({ code: "REMOTE_IO" });
    await expect(run(rm, { paths: ["none"] })).rejects.toMatchObject({ code: "NOT_FOUND" });
    await expect(run(rm, { paths: ["none/x"], recursive: true })).rejects.toMatchObject({ code: "NOT_FOUND" });
    expect(await run(rm, { paths: ["none", "none/x"], force: true })).toMatchObject({ removed: [] });
    expect(await run(rm, { paths: ["none", "none/x"], force: true, recursive: true })).toMatchObject({ removed: [] });
    await run(rm, { paths: ["dir/"], recursive: true });
    expect(readdirSync(home)).toEqual([]);
  });

  test("of several the others go, and what failed is told", async () => {
    const { home, run, notices } = await server(kind);
    for (const name of ["-a", "b\u001b[2J", "d"]) writeFileSync(join(home, name), "");
    const answer = await run(rm, { paths: ["-a", "c", "b\u001b[2J", "d"] });
    expect(answer).toMatchObject({ removed: ["-a", "b\u001b[2J", "d"], failures: [{ path: "c", code: "NOT_FOUND" }] });
    expect(rm.succeeded?.(answer)).toBe(false);
    expect(notices).toHaveLength(1);
    expect(rm.render(answer)).toBe("removed web:-a\nremoved web:b\\x1b[2J\nremoved web:d\nfailed: c");
    expect(readdirSync(home)).toEqual([]);
  });
});

test("an agent is refused the same", async () => {
  const { home, run } = await server();
  for (const spelling of ["/", "~", "/etc", home, "."]) {
    const removal = run(path, { path: spelling, action: "remove", recursive: true }, "mcp");
    await expect(removal).rejects.toMatchObject({ code: "INVALID_INPUT" });
  }
});
