import { describe, expect, test } from "bun:test";
import * as v from "valibot";
import { lend } from "../../src/operations/lend.ts";
import { unlend } from "../../src/operations/unlend.ts";
import { contextFor, FakeSessions } from "./fake-sessions.ts";

const sessionsNamed = (...names: string[]): FakeSessions => {
  const sessions = new FakeSessions();
  sessions.names = names;
  return sessions;
};

describe("a person", () => {
  test("lends what is named, each once, in the order of the names", async () => {
    const sessions = sessionsNamed("web", "db", "mail");
    const result = await lend.run({ targets: ["db", "web", "db"] }, contextFor("cli", sessions));
    expect(result).toEqual({ lent: ["db", "web"] });
    expect(sessions.lends).toEqual([
      { name: "db", lent: true },
      { name: "web", lent: true },
    ]);
  });

  test("takes back what is named", async () => {
    const sessions = sessionsNamed("web", "db");
    const result = await unlend.run({ targets: ["web"] }, contextFor("cli", sessions));
    expect(result).toEqual({ unlent: ["web"] });
    expect(sessions.lends).toEqual([{ name: "web", lent: false }]);
  });

  test.each<{ targets: string[]; message: string }>([
    { targets: ["web", "wbe"], message: 'there is no session "wbe"; did you mean web?' },
    { targets: ["mail"], message: 'there is no session "mail"' },
    { targets: ["user@web\x1b[2J"], message: 'there is no session "user@web\\x1b[2J"' },
  ])("names one that there is not, and $targets stay as they were", async ({ targets, message }) => {
    for (const operation of [lend, unlend]) {
      const sessions = sessionsNamed("web", "db");
      await expect(operation.run({ targets }, contextFor("cli", sessions))).rejects.toMatchObject({
        ...{ code: "SESSION_NOT_FOUND", message, hint: "ssh-mcp ls" },
      });
      expect(sessions.lends).toEqual([]);
    }
  });
});

test("an agent never lends", () => {
  for (const { faces } of [lend, unlend]) expect(faces).toEqual(["cli"]);
});

test.each([{}, { targets: [] }, { targets: [""] }, { targets: "web" }])("%j names nothing", (input) => {
  for (const operation of [lend, unlend]) expect(v.safeParse(operation.input, input).success).toBe(false);
});
