import { describe, expect, test } from "bun:test";
import { type Cut, cutWord, lexLine } from "../../../../src/config/ssh-config/files/lexer.ts";
import type { Origin } from "../../../../src/config/ssh-config/origin.ts";
import { SshMcpError } from "../../../../src/core/errors.ts";

const origin: Origin = { file: "/c", line: 3 };

describe("arguments", () => {
  test.each<[string, string[]]>([
    ["", []],
    ["a b", ["a", "b"]],
    ["\ta \t b ", ["a", "b"]],
    ['"a b" c', ["a b", "c"]],
    ["'a b' c", ["a b", "c"]],
    [`a"b c"d`, ["ab cd"]],
    [`"a'b" 'c"d'`, ["a'b", 'c"d']],
    ['""', [""]],
    ["a\\ b", ["a b"]],
    ['"a\\ b"', ["a\\ b"]],
    ['a\\\\b \\"c\\" \\\'', ["a\\b", '"c"', "'"]],
    ["a\\nb\\", ["a\\nb\\"]],
    ["a #b c", ["a"]],
    ["a#b '#'", ["a#b", "#"]],
    ["=a b=c", ["=a", "b=c"]],
    ["a\rb", ["a\rb"]],
  ])("%p is %p", (text, expected) => {
    expect(lexLine(`x . ${text}`, origin)?.args.slice(1)).toEqual(expected);
  });

  test.each(['"a', "a'", 'a "b\\"'])("%p is not closed", (text) => {
    expect(() => lexLine(`x . ${text}`, origin)).toThrow("a quote is not closed after x");
  });
});

describe("cutWord", () => {
  test.each<[string, Cut | null]>([
    ["Port", { word: "Port", rest: null }],
    ["Port 22", { word: "Port", rest: "22" }],
    ["Port=22", { word: "Port", rest: "22" }],
    ["Port = 22", { word: "Port", rest: "22" }],
    ["Port= = 22", { word: "Port", rest: "= 22" }],
    ["Port = = 22", { word: "Port", rest: "= 22" }],
    [" Port", { word: "", rest: "Port" }],
    ['"Port" 22', { word: "Port", rest: "22" }],
    ['Po"rt"=22', { word: "Port", rest: "=22" }],
    ['"a b"c', { word: "a b", rest: "c" }],
    ['"a', null],
  ])("%p gives %p", (text, expected) => {
    expect(cutWord(text)).toEqual(expected);
  });
});

describe("lexLine", () => {
  test.each(["", "   ", "\n", "# Port 22", "\t#", '"Port 22', "=", " \t\r\f", "\0Port 22"])(
    "%p says nothing",
    (line) => {
      expect(lexLine(line, origin)).toBeNull();
    },
  );

  test.each([
    ["Port 22", { keyword: "port", args: ["22"], rest: "22" }],
    ["  PORT\t=  22 # ssh\r\f", { keyword: "port", args: ["22"], rest: "22 # ssh" }],
    ["Host a\0b", { keyword: "host", args: ["a"], rest: "a" }],
    ["ProxyCommand nc  '%h' %p", { keyword: "proxycommand", args: ["nc", "%h", "%p"], rest: "nc  '%h' %p" }],
    ["\ufeffHost a", { keyword: "\ufeffhost", args: ["a"], rest: "a" }],
  ])("%p", (line, expected) => {
    expect(lexLine(line, origin)).toEqual(expected);
  });

  test.each([
    ["Port", "/c:3: there is no argument after port"],
    ["Port =", "/c:3: there is no argument after port"],
    ["User 'ann", "/c:3: a quote is not closed after user"],
  ])("%p is an error that names file and line", (line, message) => {
    expect(() => lexLine(line, origin)).toThrow(new SshMcpError("CONFIG_INVALID", message));
  });
});
