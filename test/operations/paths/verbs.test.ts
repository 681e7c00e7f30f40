import { afterAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { chmod } from "../../../src/operations/chmod.ts";
import { ln } from "../../../src/operations/ln.ts";
import { mkdir } from "../../../src/operations/mkdir.ts";
import { mv } from "../../../src/operations/mv.ts";
import { path } from "../../../src/operations/path.ts";
import { stat } from "../../../src/operations/stat.ts";
import { cleanup } from "../../support/cleanup.ts";
import { kinds, server } from "./driver.ts";

afterAll(cleanup);
setDefaultTimeout(30_000);

const modeOf = (file: string): string => (statSync(file).mode & 0o7777).toString(8);

describe.each([...kinds])("over %s", (kind) => {
  test("mkdir", async () => {
    const { home, run } = await server(kind);
    await run(mkdir, { paths: ["a", "-p/"] });
    await expect(run(mkdir, { paths: ["a"] })).rejects.toMatchObject({ code: "ALREADY_EXISTS" });
    await expect(run(mkdir, { paths: ["x/y"] })).rejects.toMatchObject({ code: "NOT_FOUND" });
    await run(mkdir, { paths: ["x/y/z", "x/y/z", "~/x/q", "./x/./r"], parents: true, mode: "700" });
    expect(readdirSync(join(home, "x")).sort()).toEqual(["q", "r", "y"]);
    expect(modeOf(join(home, "x/y/z"))).toBe("700");
    expect(modeOf(join(home, "x/y"))).toBe("755");
    // What the umask would take.
    await run(mkdir, { paths: ["w"], mode: "a=rwx" });
    expect(modeOf(join(home, "w"))).toBe("777");
    writeFileSync(join(home, "file"), "");
    await expect(run(mkdir, { paths: ["file"], parents: true })).rejects.toMatchObject({ code: "ALREADY_EXISTS" });
    await expect(run(mkdir, { paths: [""] })).rejects.toMatchObject({ code: "INVALID_INPUT" });
  });

  test("mkdir changes nothing that is put in the directory's place", async () => {
    const { home, machine, run } = await server(kind);
    const changed: string[] = [];
    machine.files.change = async (path) => void changed.push(path);
    await run(mkdir, { paths: ["d", "e/f"], parents: true, mode: "0750" });
    expect([changed, modeOf(join(home, "d")), modeOf(join(home, "e/f"))]).toEqual([[], "750", "750"]);
  });

  test("mv", async () => {
    const { home, run } = await server(kind);
    for (const name of ["a", "b", "-c", "d"]) writeFileSync(join(home, name), name);
    mkdirSync(join(home, "dir"));
    await expect(run(mv, { paths: ["a", "b"] })).rejects.toMatchObject({
      code: "ALREADY_EXISTS",
      hint: "ssh-mcp mv -f web:a web:b",
    });
    expect(readFileSync(join(home, "b"), "utf8")).toBe("b");
    await run(mv, { paths: ["a", "b"], force: true });
    expect(readFileSync(join(home, "b"), "utf8")).toBe("a");
    expect(await run(mv, { paths: ["b", "dir"] })).toMatchObject({ moved: [{ from: "b", to: "dir/b" }] });
    expect(await run(mv, { paths: ["-c", "d", "dir/"] })).toMatchObject({ moved: [{ to: "dir/-c" }, { to: "dir/d" }] });
    expect(readdirSync(join(home, "dir")).sort()).toEqual(["-c", "b", "d"]);
    expect(await run(mv, { paths: ["dir/b", ""] })).toMatchObject({ moved: [{ to: "./b" }] });
    await expect(run(mv, { paths: ["b", "none/"] })).rejects.toMatchObject({ code: "NOT_FOUND" });
    await expect(run(mv, { paths: ["b", "dir/d", "nowhere"] })).rejects.toMatchObject({ code: "NOT_FOUND" });
    await expect(run(mv, { paths: ["b"] })).rejects.toMatchObject({ code: "INVALID_INPUT" });
    await expect(run(mv, { paths: ["", "b"] })).rejects.toMatchObject({ code: "INVALID_INPUT" });
    await run(mv, { paths: ["dir", "other"] });
    expect(readdirSync(join(home, "other")).sort()).toEqual(["-c", "d"]);
  });

  test("stat tells a link and what it leads to", async () => {
    const { home, run } = await server(kind);
    writeFileSync(join(home, "file"), "12345");
    chmodSync(join(home, "file"), 0o640);
    symlinkSync("file", join(home, "link"));
    symlinkSync("nowhere", join(home, "broken"));
    symlinkSync("loop", join(home, "loop"));
    const answer = (await run(stat, { paths: ["file", "link", "broken", "loop", "~", "none"] })) as {
      files: Record<string, unknown>[];
      failures: unknown[];
    };
    const [file, link, broken, loop, directory] = answer.files;
    expect(file).toMatchObject({
      type: "file",
      size: 5,
      mode: "0640",
      uid: process.getuid?.(),
      linkTarget: null,
      target: null,
    });
    expect(link).toMatchObject({ type: "symlink", linkTarget: "file", target: { type: "file", size: 5 } });
    expect(broken).toMatchObject({ type: "symlink", linkTarget: "nowhere", target: null });
    expect(loop).toMatchObject({ type: "symlink", linkTarget: "loop", target: null });
    expect(directory).toMatchObject({ type: "directory" });
    expect(answer.failures).toMatchObject([{ path: "none", code: "NOT_FOUND" }]);
    expect(stat.render(answer as never)).toContain("link: symlink");
  });

  test("chmod, with digits and letters", async () => {
    const { home, run } = await server(kind);
    writeFileSync(join(home, "file"), "");
    chmodSync(join(home, "file"), 0o644);
    symlinkSync("file", join(home, "link"));
    expect(await run(chmod, { mode: "u+x,go-r", paths: ["link"] })).toMatchObject({ changed: [{ mode: "0700" }] });
    expect(modeOf(join(home, "file"))).toBe("700");
    await run(chmod, { mode: "0604", paths: ["file"] });
    expect(modeOf(join(home, "file"))).toBe("604");
    await expect(run(chmod, { mode: "x", paths: ["file"] })).rejects.toMatchObject({ code: "INVALID_INPUT" });
    await expect(run(chmod, { mode: "u+x", paths: ["none"] })).rejects.toMatchObject({ code: "NOT_FOUND" });
    await expect(run(chmod, { mode: "600", paths: ["none"] })).rejects.toMatchObject({ code: "NOT_FOUND" });
  });

  test("ln -s", async () => {
    const { home, run } = await server(kind);
    mkdirSync(join(home, "dir"));
    await run(ln, { says: "../x y", path: "link", symbolic: true });
    expect(readlinkSync(join(home, "link"))).toBe("../x y");
    await expect(run(ln, { says: "z", path: "link", symbolic: true })).rejects.toMatchObject({
      code: "ALREADY_EXISTS",
    });
    await run(ln, { says: "-z", path: "link", symbolic: true, force: true });
    expect(readlinkSync(join(home, "link"))).toBe("-z");
    expect(await run(ln, { says: "/opt/app", path: "dir", symbolic: true })).toMatchObject({ path: "dir/app" });
    await expect(run(ln, { says: "z", path: "l" })).rejects.toMatchObject({ code: "INVALID_INPUT" });
    await expect(run(ln, { says: "web:z", path: "l", symbolic: true })).rejects.toMatchObject({
      code: "INVALID_INPUT",
    });
    expect(readdirSync(home).sort()).toEqual(["dir", "link"]);
  });

  test("one tool does them all", async () => {
    const { home, run } = await server(kind);
    const act = (input: Record<string, unknown>): Promise<unknown> => run(path, input, "mcp");
    expect(await act({ action: "mkdir", path: "a/b", parents: true, mode: "0750" })).toMatchObject({
      path: "a/b",
      mode: "0750",
    });
    await act({ action: "symlink", path: "a/link", to: "b" });
    expect(await act({ action: "stat", path: "a/link" })).toMatchObject({
      stat: { linkTarget: "b", target: { type: "directory" } },
    });
    await act({ action: "chmod", path: "a/b", mode: "u-w" });
    expect(modeOf(join(home, "a/b"))).toBe("550");
    // Some models fill in every field.
    expect(await act({ action: "rename", path: "a/b", to: "c", recursive: false, mode: "" })).toMatchObject({
      path: "c",
    });
    await expect(act({ action: "rename", path: "a", to: "c/a/b" })).rejects.toMatchObject({ name: "SshMcpError" });
    await expect(act({ action: "remove", path: "a" })).rejects.toMatchObject({ hint: "ssh_path with recursive: true" });
    await act({ action: "remove", path: "a", recursive: true });
    expect(existsSync(join(home, "a"))).toBe(false);
    for (const wrong of [
      { action: "rename", path: "c" },
      { action: "symlink", path: "c" },
      { action: "chmod", path: "c" },
      { action: "remove", path: "" },
      { action: "stat", path: "c", to: "d" },
      { action: "remove", path: "c", mode: "600" },
      { action: "stat", path: "a\0b" },
      { action: "mkdir", path: "c", sudo: "no user!" },
    ])
      await expect(act(wrong)).rejects.toMatchObject({ code: "INVALID_INPUT" });
  });
});

test("each action of the one tool has its own effect", () => {
  const effects = ["stat", "mkdir", "rename", "chmod", "symlink", "remove"].map((action) =>
    path.effectOf?.({ target: "web", path: "x", action } as never),
  );
  expect(effects).toEqual(["read", "write", "write", "write", "write", "destructive"]);
});
