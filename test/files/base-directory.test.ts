import { describe, expect, test } from "bun:test";
import { baseDirectory } from "../../src/files/base-directory.ts";
import { homeDirectory } from "../../src/files/paths.ts";
import { thrownBy } from "../config/ssh-config/thrown.ts";

describe("baseDirectory", () => {
  test.each([
    [{ HOME: "/home/ann" }, "/home/ann/.ssh-mcp"],
    [{ HOME: "/home/ann/" }, "/home/ann/.ssh-mcp"],
    [{ HOME: "/" }, "/.ssh-mcp"],
    [{ HOME: "/home/ann", SSH_MCP_DIR: "" }, "/home/ann/.ssh-mcp"],
    [{ HOME: "/home/ann", SSH_MCP_DIR: "/srv/ssh" }, "/srv/ssh"],
    [{ SSH_MCP_DIR: "/srv//a/./b/../ssh///" }, "/srv/a/ssh"],
    [{ SSH_MCP_DIR: "/srv/with space/é" }, "/srv/with space/é"],
    // Other programs' rules for places do not count: an editor and a shell need not agree on these.
    [{ HOME: "/home/ann", XDG_CONFIG_HOME: "/x", XDG_RUNTIME_DIR: "/y", TMPDIR: "/z" }, "/home/ann/.ssh-mcp"],
  ])("%p is %p", (env, expected) => {
    expect(baseDirectory(env)).toBe(expected);
  });

  test("without HOME it is below the passwd entry's home", () => {
    const expected = `${homeDirectory({}).replace(/\/$/, "")}/.ssh-mcp`;
    for (const env of [{}, { HOME: "" }, { HOME: "relative" }]) expect(baseDirectory(env)).toBe(expected);
  });

  test.each(["relative", "./x", "~/x", " /x", "/", "//", "/x/.."])("SSH_MCP_DIR=%p is refused", (given) => {
    const error = thrownBy(() => baseDirectory({ HOME: "/home/ann", SSH_MCP_DIR: given }));
    expect(error.code).toBe("INVALID_INPUT");
    expect(error.message).toStartWith(`SSH_MCP_DIR is ${JSON.stringify(given)}: `);
    expect(error.hint).toBe('export SSH_MCP_DIR="$HOME/.ssh-mcp"');
  });
});
