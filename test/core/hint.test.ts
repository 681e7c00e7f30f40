import { expect, test } from "bun:test";
import { hintFor } from "../../src/core/hint.ts";

test("a person is told a command, a model a tool", () => {
  const step = { command: "ssh-mcp ls", tool: "ssh_sessions {}" };
  expect(hintFor({ face: "cli" }, step)).toBe("ssh-mcp ls");
  expect(hintFor({ face: "mcp" }, step)).toBe("ssh_sessions {}");
});
