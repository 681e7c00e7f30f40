import { expect, test } from "bun:test";
import type { RunningCall } from "../../src/core/command.ts";
import { sessions } from "../../src/operations/sessions.ts";
import { call, contextFor, FakeSessions, info } from "./fake-sessions.ts";

const row = { ...info, lastOutputId: null };

test("asks for what the caller may see, and for calls only when they are wanted", async () => {
  for (const face of ["cli", "mcp"] as const) {
    const fake = new FakeSessions();
    const context = contextFor(face, fake);
    expect(await sessions.run({}, context)).toEqual({ sessions: [row], calls: null, pending: [] });
    expect(await sessions.run({ running: false }, context)).toEqual({ sessions: [row], calls: null, pending: [] });
    expect(fake.asked).toEqual([]);
    expect(await sessions.run({ running: true }, context)).toEqual({
      sessions: [row],
      // A person's command line is a person's to read: there may be a password in it.
      calls: [{ ...call, command: face === "cli" ? call.command : null, startedAt: "1970-01-01T00:00:00.000Z" }],
      pending: [],
    });
    expect(fake.asked).toEqual([context.caller]);
    expect(fake.lists).toEqual([context.caller, context.caller, context.caller]);
  }
});

test("shows an agent what it runs itself, and of others only that they do, since when, and who", async () => {
  const by = (client: string, command: string): RunningCall => ({ ...call, command, by: { face: "mcp", client } });
  const fake = new FakeSessions();
  fake.calls = () => [call, by("editor 1.0", "sleep 1"), by("editor 2.0", "sleep 2")];
  const listed = await sessions.run({ running: true }, contextFor("mcp", fake));
  expect(listed.calls?.map(({ command }) => command)).toEqual([null, "sleep 1", null]);
  expect(sessions.render(listed).split("\n").slice(1)).toEqual([
    'call 3 on web since 1970-01-01T00:00:00.000Z, by cli "cli"',
    'call 3 on web since 1970-01-01T00:00:00.000Z, by mcp "editor 1.0": sleep 1',
    'call 3 on web since 1970-01-01T00:00:00.000Z, by mcp "editor 2.0"',
  ]);
});

class Running extends FakeSessions {
  constructor(readonly command: string) {
    super();
  }

  override calls(): RunningCall[] {
    return [{ ...call, command: this.command }];
  }
}

test.each([
  { what: "1,000 characters are a command", command: "x".repeat(1000), shown: "x".repeat(1000) },
  { what: "more are a script", command: "x".repeat(1001), shown: `${"x".repeat(1000)}…` },
  { what: "no character is cut in two", command: `${"x".repeat(999)}\u{1f600}`, shown: `${"x".repeat(999)}…` },
])("$what", async ({ command, shown }) => {
  const { calls } = await sessions.run({ running: true }, contextFor("cli", new Running(command)));
  expect(calls?.map((each) => each.command)).toEqual([shown]);
});

test("shows what waits for a person, and what they type", async () => {
  const fake = new FakeSessions();
  fake.waiting.push({
    ...{ name: "db", destination: "db1", title: "the \x1b[2Jbackup", code: "AUTH_REQUIRED" },
    ...{ command: "ssh-mcp connect --name db db1", askedAt: new Date(0), expiresInMs: 540_000 },
    by: { face: "mcp", client: "editor 1.0" },
  });
  const listed = await sessions.run({}, contextFor("cli", fake));
  expect(listed.pending).toMatchObject([{ name: "db", askedAt: "1970-01-01T00:00:00.000Z" }]);
  expect(sessions.render(listed).split("\n").at(-1)).toBe(
    'db waits for a person: ssh-mcp connect --name db db1, asked for at 1970-01-01T00:00:00.000Z by "editor 1.0", for "the \\x1b[2Jbackup"',
  );
});
