import { describe, expect, test } from "bun:test";
import { checkName, linesFor } from "../../../src/config/own-config/entry-fields.ts";
import type { HostFields } from "../../../src/core/hosts.ts";
import { thrownBy } from "../ssh-config/thrown.ts";

const texts = (fields: HostFields, name = "db1"): string[] => linesFor(name, fields).map(({ text }) => text);

describe("names", () => {
  test.each(["db1", "DB-1", "a.b_c", "9", "_x"])("%s", (name) => {
    expect(() => checkName(name)).not.toThrow();
  });

  test.each([
    "-oProxyCommand=x",
    "--help",
    "a b",
    "a\nHost *",
    "a\r",
    "a\0b",
    "$(id)",
    "`id`",
    "a*",
    "a?",
    "!a",
    "#a",
    '"a"',
    "a'b",
    "a\\b",
    "a,b",
    "a=b",
    "@web",
    "me@a",
    "a:22",
    "",
    "a\u202eb",
    "é",
    "a;id",
    "a|b",
    "a".repeat(254),
  ])("%j is refused by name", (name) => {
    expect(thrownBy(() => checkName(name))).toMatchObject({ code: "INVALID_INPUT" });
  });
});

describe("lines", () => {
  test("are in one order, whatever the order of the fields, and quoted where ssh needs it", () => {
    const fields = {
      set: ["compression=yes", 'SetEnv A="b c" D=e'],
      jump: "me@bastion:2222,[::1]:22",
      identityFile: ["~/.ssh/my key", 'a"b\\c', "#x", "~/.ssh/id_%r"],
      port: 2222,
      user: "deploy",
      host: "192.0.2.7",
    };
    expect(texts(fields)).toEqual([
      "HostName 192.0.2.7",
      "User deploy",
      "Port 2222",
      'IdentityFile "~/.ssh/my key"',
      'IdentityFile "a\\"b\\\\c"',
      'IdentityFile "#x"',
      "IdentityFile ~/.ssh/id_%r",
      "ProxyJump me@bastion:2222,[::1]:22",
      expect.stringMatching(/^compression yes$/i),
      expect.stringMatching(/^setenv A="b c" D=e$/i),
    ]);
  });

  test("what a shell runs anyway may hold what a shell runs", () => {
    expect(texts({ set: ["ProxyCommand=nc $(cat gateway) %p"] })).toEqual([
      expect.stringMatching(/^proxycommand nc \$\(cat gateway\) %p$/i),
    ]);
  });

  const wrong: HostFields[] = [
    { host: "$(id)" },
    { host: "a\nb" },
    { host: "-oX" },
    { host: "a b" },
    { host: "me@a" },
    { host: "a:22" },
    { host: "" },
    { host: "`id`" },
    { host: "%h.example.com" },
    { user: "$(id)" },
    { user: "-x" },
    { user: "a\nb" },
    { user: "" },
    { user: "a:b" },
    { port: 0 },
    { port: 65_536 },
    { port: 1.5 },
    { port: Number.NaN },
    { identityFile: ["a\nProxyCommand x"] },
    { identityFile: ["$(id)"] },
    { identityFile: ["-x"] },
    { identityFile: [""] },
    { identityFile: ["a\u001b[2J"] },
    { identityFile: ["a`id`"] },
    { identityFile: ["a\r"] },
    { identityFile: ["a\u2028b"] },
    { jump: "" },
    { jump: "-x" },
    { jump: "a,$(id)" },
    { jump: "a b" },
    { jump: "db1" },
    { jump: "x,me@db1:22" },
    { jump: "a,," },
    { set: ["Host=x"] },
    { set: ["Match=all"] },
    { set: ["Include=/etc/passwd"] },
    { set: ["Nonsense=1"] },
    { set: ["Port"] },
    { set: ["ProxyCommand=a\nHost *"] },
    { set: ["IdentityAgent=$(id)"] },
    { set: [""] },
    { set: ["# x"] },
    { set: ['User="a'] },
    { user: "a", set: ["User=b"] },
    { set: ["LogLevel=-x"] },
  ];
  test.each(wrong.map((fields) => [JSON.stringify(fields), fields] as const))("%s is refused", (_, fields) => {
    expect(thrownBy(() => linesFor("db1", fields))).toMatchObject({ code: "INVALID_INPUT" });
  });
});
