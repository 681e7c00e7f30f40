import { describe, expect, test } from "bun:test";
import { SshMcpError } from "../../src/core/errors.ts";
import { accounts } from "../../src/files/passwd.ts";
import { baseDirectory, expandTilde, homeDirectory } from "../../src/files/paths.ts";

describe("homeDirectory", () => {
  test("is $HOME, when that is an absolute path", () => {
    expect(homeDirectory({ HOME: "/home/ann" })).toBe("/home/ann");
    expect(homeDirectory()).toBe(homeDirectory(process.env));
  });

  test("else what passwd says", () => {
    const own = accounts().find((account) => account.uid === process.getuid?.())?.home;
    expect(own).toStartWith("/");
    expect(homeDirectory({})).toBe(own as string);
    expect(homeDirectory({ HOME: "" })).toBe(own as string);
    expect(homeDirectory({ HOME: "relative" })).toBe(own as string);
  });
});

describe("baseDirectory", () => {
  test.each([
    [{}, "/home/ann", "/home/ann/.ssh-mcp"],
    [{}, "/", "/.ssh-mcp"],
    [{ SSH_MCP_DIR: "" }, "/home/ann", "/home/ann/.ssh-mcp"],
    [{ SSH_MCP_DIR: "/srv/mcp" }, "/home/ann", "/srv/mcp"],
    // No other variable has a say: an editor and a shell must agree.
    [{ XDG_RUNTIME_DIR: "/run/user/1", TMPDIR: "/t" }, "/home/ann", "/home/ann/.ssh-mcp"],
  ])("%j at home in %s is %s", (env, home, expected) => {
    expect(baseDirectory(env, home)).toBe(expected);
  });

  test("cannot be relative", () => {
    expect(() => baseDirectory({ SSH_MCP_DIR: "mcp" }, "/home/ann")).toThrow(
      new SshMcpError("CONFIG_INVALID", 'SSH_MCP_DIR must be an absolute path, and is "mcp"'),
    );
  });
});

describe("expandTilde", () => {
  test.each([
    ["~", "/home/ann/"],
    ["~/", "/home/ann/"],
    ["~/.ssh/id", "/home/ann/.ssh/id"],
    ["~//x//y", "/home/ann/x//y"],
    ["~root/x", "/root/x"],
    ["~root", "/root/"],
    ["~nobody-has-this-name/x", null],
    ["a/~/b", "a/~/b"],
    ["/~", "/~"],
    ["", ""],
  ])("%p is %p", (path, expected) => {
    expect(expandTilde(path, "/home/ann")).toBe(expected);
  });
});
