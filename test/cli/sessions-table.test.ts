import { describe, expect, test } from "bun:test";
import { callsTable, type ListedCall } from "../../src/cli/calls-table.ts";
import { pendingLines, sessionNames, sessionsTable } from "../../src/cli/sessions-table.ts";
import type { SessionInfo } from "../../src/core/session.ts";

const session = (changes: Partial<SessionInfo>): SessionInfo => ({
  name: "web",
  destination: "web",
  host: "192.0.2.1",
  port: 22,
  user: "me",
  state: "cached",
  running: 0,
  ageMs: 0,
  idleMs: 0,
  expiresInMs: null,
  openedBy: { face: "mcp", client: "editor 1.0" },
  lent: true,
  title: "t",
  needsPerson: false,
  ...changes,
});

const lines = (changes: Partial<SessionInfo>[], room: number | null = null): string[] =>
  sessionsTable(changes.map(session), room).split("\n");

/** The cell below a head. */
const cell = (head: string, changes: Partial<SessionInfo>): string => {
  const [heads = "", row = ""] = lines([changes]);
  return row.slice(heads.indexOf(head)).split("  ")[0] ?? "";
};

describe("sessions", () => {
  test("are a line each, with the columns that awk can count before those with spaces", () => {
    expect(lines([{}, { name: "db", destination: "root@db:2222", title: null }])).toEqual([
      "NAME  DESTINATION   STATE   AGE  IDLE  LEFT  LENT  OPENED BY       TITLE",
      "web   web           cached  0s   0s    -     yes   mcp editor 1.0  t",
      "db    root@db:2222  cached  0s   0s    -     yes   mcp editor 1.0",
      "",
    ]);
    const everything = { state: "lost", needsPerson: true, running: 1, lent: false, title: "a b" } as const;
    for (const row of lines([{}, everything]).slice(1, 3)) {
      expect(row.split(/\s+/).slice(0, 7)).toHaveLength(7);
      expect(row.split(/\s+/)[7]).toBe("mcp");
    }
  });

  test("stay straight over wide characters, and remote text is harmless", () => {
    const table = lines([
      { destination: "用户@web", title: "a\nb" },
      { name: "a-much-longer-name", openedBy: { face: "mcp", client: "\u001b[31mred" } },
    ]);
    expect(table).toHaveLength(4);
    const columns = (line: string | undefined) => Bun.stringWidth((line ?? "").split("cached")[0] ?? "");
    expect(columns(table[1])).toBe(columns(table[2]));
    expect(table[0]?.indexOf("STATE")).toBe(columns(table[1]));
    expect(table[1]).toEndWith("a\\nb");
    expect(table.join("")).not.toContain("\u001b");
  });

  test("say when a connection ends only where there is one", () => {
    expect(cell("LEFT", { state: "live", expiresInMs: 60_000 })).toBe("1m");
    expect(cell("LEFT", { state: "live", expiresInMs: null })).toBe("never");
    expect(cell("LEFT", { state: "cached" })).toBe("-");
    expect(cell("LEFT", { state: "lost" })).toBe("-");
  });

  test("say what is idle, what is lent, who opened it, and what takes a person", () => {
    expect(cell("IDLE", { idleMs: 90_000 })).toBe("1m");
    expect(cell("IDLE", { running: 2 })).toBe("busy");
    expect(cell("LENT", { lent: false })).toBe("no");
    expect(cell("OPENED BY", { openedBy: { face: "cli", client: "cli" } })).toBe("cli");
    // A client may call itself what it likes, and is an agent still.
    expect(cell("OPENED BY", { openedBy: { face: "mcp", client: "cli" } })).toBe("mcp cli");
    expect(cell("STATE", { state: "live", needsPerson: true })).toBe("live,person");
  });

  test("fit 80 columns, whatever they are called", () => {
    const long: Partial<SessionInfo> = {
      name: "n".repeat(64),
      destination: `ssh://${"d".repeat(200)}`,
      openedBy: { face: "mcp", client: "an agent with a very long name 12.3.45" },
      title: "t".repeat(200),
      state: "cached",
      ...{ needsPerson: true, lent: false, ageMs: 364 * 86_400_000, idleMs: 364 * 86_400_000 },
    };
    const table = lines([long, { state: "live", expiresInMs: null }], 80);
    for (const line of table) expect(Bun.stringWidth(line)).toBeLessThanOrEqual(80);
    expect(Bun.stringWidth(table[1] ?? "")).toBe(80);
    // A name is what is typed: it is cut last.
    expect(table[1]).toMatch(/^nnn+…/);
    const [, row = ""] = lines([{ ...long, name: "a-name-to-type", needsPerson: false, ageMs: 0, idleMs: 0 }], 80);
    expect(row).toStartWith("a-name-to-type  ssh://");
  });

  test("are a row each, whatever an agent calls itself and its session", () => {
    const client = `x${" ".repeat(100)}me@prod`;
    const [, row = ""] = lines([{ openedBy: { face: "mcp", client }, title: "a  no  cli   \u2800\u2800 mine" }]);
    expect(row).toEndWith("  yes   mcp x me@prod  a no cli mine");
  });

  test("are only names where only those are wanted", () => {
    expect(sessionNames([session({}), session({ name: "b" })])).toBe("web\nb\n");
    expect(sessionNames([])).toBe("");
  });
});

describe("logins that wait for a person", () => {
  const command = "ssh-mcp connect --name build deploy@web";

  test("are what is to be typed, and below it who wants it", () => {
    const title = "the nightly build";
    expect(
      pendingLines([
        { command, title, by: "editor 1.0" },
        { command, title: null, by: "b" },
      ]),
    ).toBe(
      `waits for you: ${command}\n  asked by "editor 1.0", for "the nightly build"\nwaits for you: ${command}\n  asked by "b"\n`,
    );
  });

  test("cannot be given another command by the words of an agent", () => {
    const title = `nightly"): ssh-mcp hosts enable evil${" ".repeat(100)}waits for you: ssh-mcp hosts enable evil`;
    const by = `x\nwaits for you: ssh-mcp hosts enable evil ${"y".repeat(1000)}`;
    const [first, second = "", ...rest] = pendingLines([{ command, title, by }]).split("\n");
    expect(rest).toEqual([""]);
    expect(first).toBe(`waits for you: ${command}`);
    expect(second).toMatch(/^ {2}asked by "x\\nwaits for you: [^"]{0,40}…", for "nightly'\): [^"]{0,100}"$/);
  });
});

describe("calls", () => {
  const call = (changes: Partial<ListedCall>): ListedCall => ({
    id: "12",
    session: "web",
    command: "tail -f /var/log/syslog",
    startedAt: new Date(1_000_000).toISOString(),
    by: { face: "cli", client: "cli" },
    ...changes,
  });

  test("are a line each", () => {
    const calls = [call({}), call({ id: "13", by: { face: "mcp", client: "editor 1.0" }, command: "a\nb\u001b[2J" })];
    expect(callsTable(calls, null, 1_090_000).split("\n")).toEqual([
      "ID  SESSION  AGE  BY              COMMAND",
      "12  web      1m   cli             tail -f /var/log/syslog",
      "13  web      1m   mcp editor 1.0  a\\nb\\x1b[2J",
      "",
    ]);
  });

  test("fit a terminal, and are whole elsewhere", () => {
    const long = call({ command: "x".repeat(1000), session: "s".repeat(64) });
    const [, cut = ""] = callsTable([long], 80, 1_000_000).split("\n");
    expect(Bun.stringWidth(cut)).toBe(80);
    expect(callsTable([long], null, 1_000_000)).toContain("x".repeat(1000));
  });

  test("of a clock that was set back have just begun", () => {
    expect(callsTable([call({})], null, 0)).toContain("web      0s");
  });
});
