import { expect, test } from "bun:test";
import { sessionNames, sessionsTable } from "../../src/cli/sessions-table.ts";
import type { SessionInfo } from "../../src/core/session.ts";

const session = (changes: Partial<SessionInfo>): SessionInfo => ({
  name: "web",
  destination: "web",
  host: "web",
  port: 22,
  user: "me",
  state: "cached",
  running: 0,
  ageMs: 0,
  idleMs: 0,
  expiresInMs: 1000,
  openedBy: { face: "mcp", client: "editor 1.0" },
  lent: true,
  title: "t",
  needsPerson: false,
  ...changes,
});

test("columns stay straight over wide characters, and remote text is harmless", () => {
  const table = sessionsTable([
    session({ user: "用户", title: "a\nb" }),
    session({ name: "a-much-longer-name", openedBy: { face: "mcp", client: "\u001b[31mred" } }),
  ]);
  const lines = table.split("\n");
  expect(lines).toHaveLength(4);
  const columns = (line: string | undefined) => Bun.stringWidth((line ?? "").split("cached")[0] ?? "");
  expect(columns(lines[1])).toBe(columns(lines[2]));
  expect(lines[0]?.indexOf("STATE")).toBe(columns(lines[1]));
  expect(lines[1]).toEndWith("a\\nb");
  expect(table).not.toContain("\u001b");
});

test("says when a connection ends only where there is one", () => {
  const column = (changes: Partial<SessionInfo>): string => {
    const [head = "", row = ""] = sessionsTable([session(changes)]).split("\n");
    return row.slice(head.indexOf("DISCONNECTS"), head.indexOf("OPENED BY")).trim();
  };
  expect(column({ state: "live", expiresInMs: 60_000 })).toBe("1m");
  expect(column({ state: "live", expiresInMs: null })).toBe("never");
  expect(column({ state: "cached", expiresInMs: null })).toBe("-");
  expect(column({ state: "lost", expiresInMs: null })).toBe("-");
});

test("names are one a line", () => {
  expect(sessionNames([session({}), session({ name: "b" })])).toBe("web\nb\n");
  expect(sessionNames([])).toBe("");
});
