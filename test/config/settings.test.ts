import { afterAll, describe, expect, test } from "bun:test";
import { chmodSync, chownSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { groupMembers, groupNames, hostSettings } from "../../src/config/host-settings.ts";
import { readSettings, settingsIn } from "../../src/config/settings.ts";
import { SshMcpError } from "../../src/core/errors.ts";
import { cleanup } from "../support/cleanup.ts";
import { mustRun } from "../support/command.ts";
import { tempDir } from "../support/temp.ts";
import { thrownBy } from "./ssh-config/thrown.ts";

afterAll(cleanup);

const baseWith = (text: string | Uint8Array): string => {
  const base = tempDir("settings");
  writeFileSync(join(base, "config.toml"), text);
  return base;
};
const none = { hosts: new Map(), groups: new Map() };
const defaults = { limits: { sessions: 64 }, ...none };

describe("readSettings", () => {
  test("without a file, and with an empty one, everything has its default", () => {
    expect(readSettings(tempDir("settings"))).toEqual(defaults);
    expect(readSettings("/nowhere/at/all")).toEqual(defaults);
    expect(readSettings("/dev/null")).toEqual(defaults);
    for (const text of ["", "# nothing\n", "[limits]\n", "\ufeff[limits]\r\n"]) {
      expect(readSettings(baseWith(text))).toEqual(defaults);
    }
  });

  test.each([
    ["[limits]\nsessions = 1\n", 1],
    ["limits.sessions = 1_000", 1000],
    ["limits = { sessions = 5 }  # few", 5],
  ])("%j", (text, sessions) => {
    expect(readSettings(baseWith(text))).toEqual({ limits: { sessions }, ...none });
  });

  test.each([
    ["[limits]\nsessions = 0", "has a limits.sessions that is no whole number from 1 to 1000"],
    ["[limits]\nsessions = 1001", "has a limits.sessions that is no whole number from 1 to 1000"],
    ["[limits]\nsessions = -1", "has a limits.sessions that is no whole number from 1 to 1000"],
    ["[limits]\nsessions = 1.5", "has a limits.sessions that is no whole number from 1 to 1000"],
    ["[limits]\nsessions = nan", "has a limits.sessions that is no whole number from 1 to 1000"],
    ['[limits]\nsessions = "64"', "has a limits.sessions that is no whole number from 1 to 1000"],
    ["[limits]\nsessions = []", "has a limits.sessions that is no whole number from 1 to 1000"],
    ["[limits]\nsession = 5", 'has an unknown key "limits.session": limits.sessions'],
    ["[limits]\nsessions = 5\n[polices]\n", 'has an unknown key "polices": limits'],
    ["sessions = 5", 'has an unknown key "sessions": limits'],
    ["__proto__ = 5", 'has an unknown key "__proto__": limits'],
    ["[limits.__proto__]\nsessions = 5", 'has an unknown key "limits.__proto__": limits.sessions'],
    ['"\\u001b[2J" = 1', 'has an unknown key "\\x1b[2J": limits'],
    ["limits = 5", "has a limits that is no table: write [limits]"],
    ["[[limits]]\nsessions = 5", "has a limits that is no table: write [limits]"],
    ["[limits\n", "is not TOML: "],
    ["[limits]\nsessions = 5\nsessions = 6", "is not TOML: "],
    ["[limits]\nsessions = 99999999999999999999", "is not TOML: "],
    ["\0", "is not TOML: "],
  ])("%j is refused", (text, what) => {
    const base = baseWith(text);
    const error = thrownBy(() => readSettings(base));
    expect(error).toMatchObject({ code: "CONFIG_INVALID", hint: `vi ${base}/config.toml` });
    expect(error.message).toStartWith(`${base}/config.toml ${what}`);
    expect(error.message.split("\n")).toHaveLength(1);
  });

  test("what is no file, or cannot be read, is refused and not waited for", async () => {
    const [folder, fifo, loop, huge] = [tempDir("folder"), tempDir("fifo"), tempDir("loop"), tempDir("huge")];
    const foreign = baseWith("");
    chownSync(join(foreign, "config.toml"), 65534, 65534);
    const open = baseWith("");
    // A link to it does not make it anybody's who may write to it.
    chmodSync(join(open, "config.toml"), 0o666);
    mkdirSync(join(folder, "config.toml"));
    await mustRun(["mkfifo", join(fifo, "config.toml")]);
    symlinkSync("config.toml", join(loop, "config.toml"));
    writeFileSync(join(huge, "config.toml"), `#${"x".repeat(256 * 1024)}`);
    const reasons = [
      [folder, "is not a file"],
      [fifo, "is not a file"],
      [loop, "cannot be read (ELOOP)"],
      [huge, "is over 256 KiB"],
      [foreign, "belongs to another user (uid 65534)"],
      [open, "may be written by others"],
    ] as const;
    for (const [base, reason] of reasons) {
      const error = thrownBy(() => readSettings(base));
      expect(error.code).toBe("CONFIG_INVALID");
      expect(error.message).toBe(`${base}/config.toml ${reason}`);
    }
  });

  test("a link to a file elsewhere is followed: people keep their settings together", () => {
    const base = tempDir("settings");
    symlinkSync(join(baseWith("limits.sessions = 7"), "config.toml"), join(base, "config.toml"));
    expect(readSettings(base)).toEqual({ limits: { sessions: 7 }, ...none });
  });

  test("whatever is in it, it gives settings or one error with a code", () => {
    const base = tempDir("settings");
    const line = fc.oneof(
      fc.constantFrom(
        "[limits]",
        "sessions",
        "=",
        "64",
        '"',
        "'''",
        "{",
        "}",
        "[[",
        "]]",
        ",",
        "\\u",
        "1e9",
        "inf",
        "#",
        ".",
      ),
      fc.string({ unit: "binary" }),
    );
    const text = fc.array(line, { maxLength: 12 }).map((lines) => lines.join("\n"));
    const bytes = fc.uint8Array({ maxLength: 64 });
    fc.assert(
      fc.property(fc.oneof(text, bytes), (content) => {
        writeFileSync(join(base, "config.toml"), content);
        try {
          const { sessions } = readSettings(base).limits;
          expect(Number.isInteger(sessions) && sessions >= 1 && sessions <= 1000).toBe(true);
        } catch (error) {
          expect(error).toBeInstanceOf(SshMcpError);
          expect((error as SshMcpError).code).toBe("CONFIG_INVALID");
        }
      }),
      { numRuns: 500 },
    );
  });
});

describe("hosts and groups", () => {
  const settings = settingsIn(
    "/b/config.toml",
    `
[host.web1]
label = "the first"
groups = ["eu", "prod"]
passwordCommand = "pass show web1"
[host."web2.example.com"]
legacy = false
[group.prod]
label = "production"
hosts = ["web2.example.com", "web1", "db1"]
legacy = true
[group.eu]
passwordCommand = "pass show eu"
[group.old]
hosts = ["db1"]
legacy = false
passwordCommand = "pass show old"
sudo = true
`,
  );

  test.each([
    [
      "web1",
      { label: "the first", groups: ["eu", "prod"], legacy: true, passwordCommand: "pass show web1", sudo: false },
    ],
    ["web2.example.com", { label: null, groups: ["prod"], legacy: false, passwordCommand: null, sudo: false }],
    // Of two groups, the first that says it.
    ["db1", { label: null, groups: ["prod", "old"], legacy: true, passwordCommand: "pass show old", sudo: true }],
    ["nobody", { label: null, groups: [], legacy: false, passwordCommand: null, sudo: false }],
    ["__proto__", { label: null, groups: [], legacy: false, passwordCommand: null, sudo: false }],
  ])("of %s: its own before its groups'", (name, expected) => {
    expect(hostSettings(settings, name)).toEqual(expected);
  });

  test("a group is what its table lists and what names it", () => {
    expect(groupNames(settings)).toEqual(["prod", "eu", "old"]);
    expect(groupMembers(settings, "prod")).toEqual(["web2.example.com", "web1", "db1"]);
    expect(groupMembers(settings, "eu")).toEqual(["web1"]);
    expect(groupMembers(settings, "nowhere")).toBeNull();
    expect(groupMembers(settings, "constructor")).toBeNull();
  });

  test.each([
    [
      "[host.a]\nlabels = 1",
      'has an unknown key "host.a.labels": host.a.label, host.a.groups, host.a.legacy, host.a.passwordCommand, host.a.sudo',
    ],
    ["[group.a]\ngroups = []", 'has an unknown key "group.a.groups"'],
    ["[hosts.a]", 'has an unknown key "hosts"'],
    ["host = 1", "has a host that is no table: write [host]"],
    ["[host]\na = 1", "has a host.a that is no table: write [host.a]"],
    ["[host.a]\nlegacy = 1", "has a host.a.legacy that is neither true nor false"],
    ["[host.a]\nlabel = ''", "has a host.a.label that is no text of one line"],
    ['[host.a]\nlabel = "a\\nb"', "has a host.a.label that is no text of one line"],
    ["[host.a]\npasswordCommand = ['x']", "has a host.a.passwordCommand that is no text of one line"],
    ["[host.a]\ngroups = 'x'", "has a host.a.groups that is no list of names"],
    ["[host.a]\ngroups = ['x y']", 'has a host.a.groups that is no list of names: "x y" is none'],
    ["[host.a]\ngroups = [1]", 'has a host.a.groups that is no list of names: "1" is none'],
    ["[group.a]\nhosts = ['-x']", 'has a group.a.hosts that is no list of names: "-x" is none'],
    ["[host.'a b']", 'has a [host.…] for "a b", which is no name of a host'],
    ["[host.'*']", 'has a [host.…] for "*", which is no name of a host'],
    ["[group.'@a']", 'has a [group.…] for "@a", which is no name of a group'],
  ])("%j is refused by its key", (text, what) => {
    const thrown = thrownBy(() => settingsIn("/b/config.toml", text));
    expect(thrown).toMatchObject({ code: "CONFIG_INVALID" });
    expect((thrown as SshMcpError).message).toStartWith(`/b/config.toml ${what}`);
  });
});
