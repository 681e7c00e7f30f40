import { afterAll, describe, expect, test } from "bun:test";
import { chmodSync, chownSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { type ConfigFile, finished, parseConfigFile as steps } from "../../../../src/config/ssh-config/files/parser.ts";
import { aliasesIn } from "../../../../src/config/ssh-config/host-lines.ts";
import { cleanup } from "../../../support/cleanup.ts";
import { mustRun } from "../../../support/command.ts";
import { tempDir } from "../../../support/temp.ts";
import { thrownBy } from "../thrown.ts";

afterAll(cleanup);

const parseConfigFile = (...given: Parameters<typeof steps>): ConfigFile | null => finished(steps(...given));

/** A home with these files in it, and its scope. */
const homeWith = (files: Record<string, string>) => {
  const home = tempDir("home");
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(home, name)), { recursive: true });
    writeFileSync(join(home, name), text, { mode: 0o644 });
  }
  const scope = { owner: "user" as const, home, systemFile: join(home, "etc/ssh_config") };
  return { home, scope, main: join(home, ".ssh/config") };
};

/** `KEYWORD=ARGS@FILE:LINE` of every directive in the order ssh reads them, blocks opened by their kind. @throws the first mistake */
const flat = (file: ConfigFile, home: string): string[] =>
  file.blocks.flatMap((block) => [
    ...(block.kind === "inherited" ? [] : [block.kind]),
    ...block.entries.flatMap((entry) => {
      if (entry.kind === "malformed") throw entry.error;
      return entry.kind === "directive"
        ? [`${entry.keyword}=${entry.args}@${entry.origin.file?.slice(home.length + 1)}:${entry.origin.line}`]
        : entry.files.flatMap((one) => ["(", ...flat(one, home), ")"]);
    }),
  ]);

const parse = (given: ReturnType<typeof homeWith>, check: "default" | "named" = "default"): string[] => {
  const file = parseConfigFile(given.main, check, given.scope);
  if (file === null) throw new Error("there is no file");
  return flat(file, given.home);
};

describe("blocks", () => {
  test("hold their directives with file and line", () => {
    const given = homeWith({
      ".ssh/config": "Port 1\n\nHost a !b\n  User ann # comment\n  # nothing\nMatch host x\n  IdentityFile 'a b'\n",
    });
    expect(parse(given)).toEqual([
      "port=1@.ssh/config:1",
      "host",
      "user=ann@.ssh/config:4",
      "match",
      "identityfile=a b@.ssh/config:7",
    ]);
    const file = parseConfigFile(given.main, "default", given.scope);
    expect(file?.blocks[1]).toMatchObject({
      kind: "host",
      patterns: [
        { negated: false, pattern: "a", isName: true },
        { negated: true, pattern: "b", isName: true },
      ],
    });
    expect(file?.blocks[2]).toMatchObject({
      kind: "match",
      criteria: [{ name: "host", negated: false, argument: "x" }],
    });
  });

  test("keep what they include in its place", () => {
    const given = homeWith({
      ".ssh/config": "Host a\n  Include d/*.conf ~/other\n  Port 1\nInclude none*\n",
      ".ssh/d/b.conf": "User b\nHost c\n User c\n",
      ".ssh/d/B.conf": "User B\n",
      ".ssh/d/.hidden.conf": "User hidden\n",
      ".ssh/d/x.txt": "User x\n",
      other: "Port 2\n",
    });
    expect(parse(given)).toEqual([
      "host",
      ...["(", "user=B@.ssh/d/B.conf:1", ")"],
      ...["(", "user=b@.ssh/d/b.conf:1", "host", "user=c@.ssh/d/b.conf:3", ")"],
      ...["(", "port=2@other:1", ")"],
      "port=1@.ssh/config:3",
    ]);
  });

  test("of the system's file include from beside it, and nothing by ~", () => {
    const given = homeWith({ "etc/ssh_config": "Include d/*\n", "etc/d/1": "Port 1\n", "etc/bad": "\nInclude ~/x\n" });
    const scope = { ...given.scope, owner: "system" as const };
    const file = parseConfigFile(scope.systemFile, "named", scope);
    expect(file && flat(file, given.home)).toEqual(["(", "port=1@etc/d/1:1", ")"]);
    const bad = parseConfigFile(join(given.home, "etc/bad"), "named", scope);
    const error = thrownBy(() => bad && flat(bad, given.home));
    expect(error.message).toBe(`${given.home}/etc/bad:2: the system's file cannot include ~/x`);
  });

  test("include 16 deep and no deeper", () => {
    const files = (depth: number): Record<string, string> => ({
      ...Object.fromEntries(Array.from({ length: depth }, (_, n) => [`.ssh/${n}`, `Include ${n + 1}\n`])),
      [`.ssh/${depth}`]: "Port 1\n",
      ".ssh/config": "Include 1\n",
    });
    expect(parse(homeWith(files(16)))).toContain("port=1@.ssh/16:1");
    const given = homeWith(files(17));
    const error = thrownBy(() => parse(given));
    expect(error.code).toBe("CONFIG_INVALID");
    expect(error.message).toStartWith(`${given.home}/.ssh/16:1: files include each other more than 16 deep`);
  });

  test("a loop ends there too", () => {
    const given = homeWith({ ".ssh/config": "\nInclude config\n" });
    expect(thrownBy(() => parse(given)).message).toStartWith(`${given.main}:2: files include each other`);
  });
});

describe("files that include each other", () => {
  test.each([1, 2, 5])("in a folder of %i are given up at the first chain that is too deep", (count) => {
    const names = Array.from({ length: count }, (_, n) => `.ssh/conf.d/${n}`);
    const given = homeWith(Object.fromEntries(names.map((name) => [name, ""])));
    for (const name of [".ssh/config", ...names]) {
      writeFileSync(join(given.home, name), `Include ${given.home}/.ssh/conf.d/*\n`, { mode: 0o644 });
    }
    const file = parseConfigFile(given.main, "default", given.scope);
    const error = thrownBy(() => file && flat(file, given.home));
    expect(error.message).toStartWith(`${given.home}/.ssh/conf.d/0:1: files include each other more than 16 deep`);
    // As in ssh, which ends there.
    const ssh = Bun.spawnSync(["ssh", "-vG", "-F", given.main, "h"], { stdin: "ignore", env: {} });
    expect(ssh.stderr.toString()).toContain("Too many recursive configuration includes");
  });

  test("nothing behind a mistake is read, in whatever file", () => {
    const given = homeWith({
      ".ssh/config": "Include a b\nPort 1\n",
      ".ssh/a": "Include bad\nPort 2\n",
      ".ssh/bad": "User 'x\nPort 3\n",
      ".ssh/b": "Port 4\n",
    });
    const seen: string[] = [];
    const note = (path: string) => seen.push(path.slice(given.home.length + 1));
    const file = parseConfigFile(given.main, "default", { ...given.scope, seen: { note } });
    expect(seen).toEqual([".ssh/config", ".ssh/a", ".ssh/bad"]);
    expect(thrownBy(() => file && flat(file, given.home)).message).toBe(
      `${given.home}/.ssh/bad:1: a quote is not closed after user`,
    );
  });

  test("a value that is wrong hides no host behind it", () => {
    const given = homeWith({ ".ssh/config": "Port x\nHost a\nInclude b\n", ".ssh/b": "Host b\n" });
    const file = parseConfigFile(given.main, "default", given.scope);
    expect(file && aliasesIn(file).map(({ name }) => name)).toEqual(["a", "b"]);
    expect(thrownBy(() => file && flat(file, given.home)).message).toStartWith(`${given.main}:1: Port takes`);
  });

  test("over 4096 times are too many", () => {
    const twenty = Array.from({ length: 20 }, (_, n) => n);
    const given = homeWith({
      ".ssh/config": "Include 1/*\n",
      ...Object.fromEntries(twenty.map((n) => [`.ssh/1/${n}`, "Include 2/*\n"])),
      ...Object.fromEntries(twenty.map((n) => [`.ssh/2/${n}`, "Include 3/*\n"])),
      ...Object.fromEntries(twenty.map((n) => [`.ssh/3/${n}`, "User u\n"])),
    });
    expect(thrownBy(() => parse(given))).toMatchObject({
      code: "CONFIG_INVALID",
      message: expect.stringMatching(/\/\.ssh\/2\/\d+:1: files are included over 4096 times; .* is one too many$/),
    });
  });

  test("and are over 8 MiB in all are too many", () => {
    const given = homeWith({ ".ssh/config": "Include d/*\n" });
    mkdirSync(join(given.home, ".ssh/d"));
    const text = `${"#".repeat(1023)}\n`.repeat(3 * 1024);
    for (const name of ["a", "b", "c"]) writeFileSync(join(given.home, ".ssh/d", name), text);
    const over = `${given.home}/.ssh/d/c is too much: a configuration has up to 8 MiB in all`;
    expect(thrownBy(() => parse(given)).message).toBe(`${given.main}:1: ${over}`);
  });
});

describe("files", () => {
  test("that do not exist are null", () => {
    const given = homeWith({});
    expect(parseConfigFile(given.main, "default", given.scope)).toBeNull();
    expect(parseConfigFile("/dev/null/config", "default", given.scope)).toBeNull();
  });

  test("/dev/null is empty", () => {
    expect(parseConfigFile("/dev/null", "named", homeWith({}).scope)?.blocks).toEqual([
      { kind: "inherited", entries: [], isIdle: true },
    ]);
  });

  test.each([
    ["a folder", (path: string) => mkdirSync(path), "is not a file"],
    ["a FIFO", (path: string) => mustRun(["mkfifo", "-m", "600", path]), "is not a file"],
    ["a link to itself", (path: string) => symlinkSync(path, path), "cannot be read (ELOOP)"],
  ])("%s cannot be read", async (_, make, reason) => {
    const given = homeWith({ ".ssh/other": "" });
    await make(given.main);
    const error = thrownBy(() => parse(given));
    expect(error.code).toBe("CONFIG_INVALID");
    expect(error.message).toBe(`${given.main} ${reason}`);
  });

  test("included: a folder and a dangling link are passed over, a file that cannot be read is not", () => {
    const given = homeWith({ ".ssh/config": "Include d/*\nPort 1\n", ".ssh/d/folder/x": "Port 2\n" });
    symlinkSync("nowhere", join(given.home, ".ssh/d/dangling"));
    expect(parse(given)).toEqual(["(", ")", "port=1@.ssh/config:2"]);
    const loop = join(given.home, ".ssh/d/loop");
    symlinkSync(loop, loop);
    expect(thrownBy(() => parse(given)).message).toBe(`${given.main}:1: ${loop} cannot be read (ELOOP)`);
  });

  test.each([
    [0o600, true],
    [0o644, true],
    [0o646, false],
    [0o602, false],
  ])("of mode %o: safe is %p", (mode, safe) => {
    const given = homeWith({ ".ssh/config": "Include other\n", ".ssh/other": "Port 1\n" });
    const other = join(given.home, ".ssh/other");
    chmodSync(other, mode);
    if (safe) expect(parse(given)).toContain("port=1@.ssh/other:1");
    else {
      const error = thrownBy(() => parse(given));
      expect(error.message).toStartWith(`${given.main}:1: ${other} may be written by others`);
      expect(error.hint).toBe(`chmod go-w ${other}`);
    }
    // The user's own file is held to it as well; one named by -F is not.
    chmodSync(given.main, mode);
    chmodSync(other, 0o600);
    if (!safe) expect(thrownBy(() => parse(given)).message).toStartWith(`${given.main} may be written by others`);
    expect(parse(given, "named")).toContain("port=1@.ssh/other:1");
  });

  // Giving files away takes root; what is true for others is covered by the cases above.
  const root = process.getuid?.() === 0;
  test.each([
    ["another user's file", 65534, 0, 0o600, false],
    ["a group of the owner alone", 0, 0, 0o664, true],
    ["a group of others", 0, 65534, 0o664, false],
    ["a group that does not exist", 0, 64999, 0o664, false],
  ])("%s", async (_, uid, gid, mode, safe) => {
    const given = homeWith({ ".ssh/other": "Port 1\n" });
    const other = join(given.home, ".ssh/other");
    writeFileSync(given.main, `Include ${other}\n`);
    if (root) {
      chownSync(other, uid, gid);
      chmodSync(other, mode);
      // ssh itself agrees.
      const ssh = Bun.spawnSync(["ssh", "-G", "-F", given.main, "h"], { stdin: "ignore", stderr: "ignore", env: {} });
      expect(ssh.success).toBe(safe);
    } else {
      chmodSync(other, safe ? 0o600 : 0o606);
    }
    if (safe) expect(parse(given)).toContain("port=1@.ssh/other:1");
    else {
      const { message, hint } = thrownBy(() => parse(given));
      expect(message).toContain(`${other} may be written by others`);
      // Nobody but its owner can change its mode.
      expect(hint).toBe(`${root && uid !== 0 ? "ls -l" : "chmod go-w"} ${other}`);
    }
  });
});

describe("malformed lines", () => {
  test.each([
    ["Host ''", "host has an empty argument"],
    ["Include ''", "include has an empty argument"],
    ["Match", "there is no argument after match"],
    ["Match #", "Match has no criterion"],
    ["Match host", "Match host has no argument"],
    ["Match host #", "Match host has no argument"],
    ["Match color red", 'Match does not know the criterion "color"'],
    ["Match all host a", "Match all stands alone, or after one criterion"],
    ["Match host a user b all", "Match all stands alone, or after one criterion"],
    ['Match host a "" user b', 'Match has more arguments than criteria: "user b"'],
    ["Include ~nobody-has-this-name/x", "include of ~nobody-has-this-name/x: there is no such user"],
  ])("%s", (line, message) => {
    const given = homeWith({ ".ssh/config": `Port 1\n${line}\n` });
    const error = thrownBy(() => parse(given));
    expect(error.code).toBe("CONFIG_INVALID");
    expect(error.message).toBe(`${given.main}:2: ${message}`);
    expect(error.hint).toBe(`vi +2 ${given.main}`);
  });
});
