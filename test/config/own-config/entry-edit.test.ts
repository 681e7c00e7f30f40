// biome-ignore-all lint/suspicious/noTemplateCurlyInString: ssh_config writes its variables so
import { afterAll, describe, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { checkProposal } from "../../../src/config/own-config/check-entry.ts";
import { changed } from "../../../src/config/own-config/entry-edit.ts";
import { checkPlain, linesFor } from "../../../src/config/own-config/entry-fields.ts";
import type { HostFields } from "../../../src/core/hosts.ts";
import { cleanup } from "../../support/cleanup.ts";
import { tempDir } from "../../support/temp.ts";
import { thrownBy } from "../ssh-config/thrown.ts";

afterAll(cleanup);

const place = { path: "/c", start: 0 };
const edited = (lines: string[], fields: HostFields): string[] =>
  changed(["Host n", ...lines], place, linesFor("n", fields), []).slice(1);

/** What ssh makes of the lines. */
const read = (lines: string[], keyword: string): string[] => {
  const file = join(tempDir("edit"), "config");
  writeFileSync(file, ["Host n", ...lines, ""].join("\n"));
  const ssh = Bun.spawnSync(["ssh", "-G", "-F", file, "n"], { stdin: "ignore", env: {} });
  const printed = ssh.stdout.toString().split("\n");
  return printed.filter((line) => line.startsWith(`${keyword} `)).map((line) => line.slice(keyword.length + 1));
};

describe("comments behind a value", () => {
  test.each<[string, HostFields, string, string, string[]]>([
    ["\tUser q # who", { user: "z" }, "\tUser z # who", "user", ["z"]],
    ["  User=q\t  #who\r", { user: "z" }, "  User z\t  #who\r", "user", ["z"]],
    ['  User "q#1" # "who', { user: "z" }, '  User z # "who', "user", ["z"]],
    ["  User q#who", { user: "z" }, "  User z", "user", ["z"]],
    ["  Port 22 # tcp", { port: 23 }, "  Port 23 # tcp", "port", ["23"]],
    ["  ProxyJump a#why", { jump: "b" }, "  ProxyJump b#why", "proxyjump", ["b"]],
    ["  ProxyJump a # why", { jump: "none" }, "  ProxyJump none", "proxyjump", []],
    [
      "  ProxyCommand nc a 1 # why",
      { set: ["ProxyCommand=nc b 2"] },
      "  ProxyCommand nc b 2",
      "proxycommand",
      ["nc b 2"],
    ],
    [
      "  Compression no # why",
      { set: ["Compression=yes # because"] },
      "  Compression yes # because",
      "compression",
      ["yes"],
    ],
    ["  SendEnv A # why", { set: ['SendEnv "B"'] }, '  SendEnv "B" # why', "sendenv", ["B"]],
  ])("%j", (line, fields, expected, keyword, values) => {
    expect(edited([line], fields)).toEqual([expected]);
    expect(read([expected], keyword)).toEqual(values);
  });

  test("of several lines go with their places", () => {
    const lines = ["  IdentityFile /a # one", "  User u", "  IdentityFile /b # two"];
    expect(edited(lines, { identityFile: ["/x", "/y", "/z"] })).toEqual([
      "  IdentityFile /x # one",
      "  IdentityFile /y # two",
      "  IdentityFile /z",
      "  User u",
    ]);
  });
});

describe("what an agent proposes stands for itself", () => {
  const odd = ["%r", "%h", "%%", "${X}", "$X"];

  test.each<[string, (text: string) => HostFields]>([
    ["host", (text) => ({ host: `${text}b` })],
    ["user", (text) => ({ user: `a${text}` })],
    ["jump", (text) => ({ jump: `${text}@b` })],
    ["identityFile", (text) => ({ identityFile: ["/plain", `/k/${text}`] })],
  ])("%s", (what, fields) => {
    for (const text of odd) {
      expect(thrownBy(() => checkPlain(fields(text)))).toMatchObject({
        code: "INVALID_INPUT",
        message: expect.stringContaining(`${what} `),
      });
    }
    expect(() => checkPlain({ host: "a", user: "me", jump: "u@b:2,c", identityFile: ["~/.ssh/k"] })).not.toThrow();
  });

  test.each(["IdentityFile ${X}", 'IdentityFile "/a/%u"', "ProxyJump %r@b", "HostName %h.evil", "User=$X"])(
    "%s is no part of what is enabled",
    (line) => {
      const error = thrownBy(() => checkProposal("n", ["Host n", "    Port 22", `    ${line}`], "/c"));
      expect(error.code).toBe("PRECONDITION_FAILED");
      expect(error.message).toMatch(
        /^the proposal of n has a variable or a token in "[a-z]+", which no agent may write$/,
      );
      expect(() => checkProposal("n", ["Host n", "    IdentityFile ~/.ssh/k"], "/c")).not.toThrow();
    },
  );
});
