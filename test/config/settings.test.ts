import { afterAll, describe, expect, test } from "bun:test";
import { chownSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { readSettings } from "../../src/config/settings.ts";
import { SshMcpError } from "../../src/core/errors.ts";
import { cleanup } from "../support/cleanup.ts";
import { mustRun } from "../support/command.ts";
import { tempDir } from "../support/temp.ts";
import { thrownBy } from "./ssh-config/thrown.ts";

afterAll(cleanup);

const baseWith = (text: string | Uint8Array): string => {
  const base = tempDir("settings");
  writeFileSync(join(base, "config.toml"), text);
  return base;
};
const defaults = { limits: { sessions: 64 } };

describe("readSettings", () => {
  test("without a file, and with an empty one, everything has its default", () => {
    expect(readSettings(tempDir("settings"))).toEqual(defaults);
    expect(readSettings("/nowhere/at/all")).toEqual(defaults);
    expect(readSettings("/dev/null")).toEqual(defaults);
    for (const text of ["", "# nothing\n", "[limits]\n", "\ufeff[limits]\r\n"]) {
      expect(readSettings(baseWith(text))).toEqual(defaults);
    }
  });

  test.each([
    ["[limits]\nsessions = 1\n", 1],
    ["limits.sessions = 1_000", 1000],
    ["limits = { sessions = 5 }  # few", 5],
  ])("%j", (text, sessions) => {
    expect(readSettings(baseWith(text))).toEqual({ limits: { sessions } });
  });

  test.each([
    ["[limits]\nsessions = 0", "has a limits.sessions that is no whole number from 1 to 1000"],
    ["[limits]\nsessions = 1001", "has a limits.sessions that is no whole number from 1 to 1000"],
    ["[limits]\nsessions = -1", "has a limits.sessions that is no whole number from 1 to 1000"],
    ["[limits]\nsessions = 1.5", "has a limits.sessions that is no whole number from 1 to 1000"],
    ["[limits]\nsessions = nan", "has a limits.sessions that is no whole number from 1 to 1000"],
    ['[limits]\nsessions = "64"', "has a limits.sessions that is no whole number from 1 to 1000"],
    ["[limits]\nsessions = []", "has a limits.sessions that is no whole number from 1 to 1000"],
    ["[limits]\nsession = 5", 'has an unknown key "limits.session": limits.sessions'],
    ["[limits]\nsessions = 5\n[polices]\n", 'has an unknown key "polices": limits'],
    ["sessions = 5", 'has an unknown key "sessions": limits'],
    ["__proto__ = 5", 'has an unknown key "__proto__": limits'],
    ["[limits.__proto__]\nsessions = 5", 'has an unknown key "limits.__proto__": limits.sessions'],
    ['"\\u001b[2J" = 1', 'has an unknown key "\\x1b[2J": limits'],
    ["limits = 5", "has a limits that is no table: write [limits]"],
    ["[[limits]]\nsessions = 5", "has a limits that is no table: write [limits]"],
    ["[limits\n", "is not TOML: "],
    ["[limits]\nsessions = 5\nsessions = 6", "is not TOML: "],
    ["[limits]\nsessions = 99999999999999999999", "is not TOML: "],
    ["\0", "is not TOML: "],
  ])("%j is refused", (text, what) => {
    const base = baseWith(text);
    const error = thrownBy(() => readSettings(base));
    expect(error).toMatchObject({ code: "CONFIG_INVALID", hint: `vi ${base}/config.toml` });
    expect(error.message).toStartWith(`${base}/config.toml ${what}`);
    expect(error.message.split("\n")).toHaveLength(1);
  });

  test("what is no file, or cannot be read, is refused and not waited for", async () => {
    const [folder, fifo, loop, huge] = [tempDir("folder"), tempDir("fifo"), tempDir("loop"), tempDir("huge")];
    const foreign = baseWith("");
    chownSync(join(foreign, "config.toml"), 65534, 65534);
    mkdirSync(join(folder, "config.toml"));
    await mustRun(["mkfifo", join(fifo, "config.toml")]);
    symlinkSync("config.toml", join(loop, "config.toml"));
    writeFileSync(join(huge, "config.toml"), `#${"x".repeat(256 * 1024)}`);
    const reasons = [
      [folder, "is not a file"],
      [fifo, "is not a file"],
      [loop, "cannot be read (ELOOP)"],
      [huge, "is over 256 KiB"],
      [foreign, "belongs to another user (uid 65534)"],
    ] as const;
    for (const [base, reason] of reasons) {
      const error = thrownBy(() => readSettings(base));
      expect(error.code).toBe("CONFIG_INVALID");
      expect(error.message).toBe(`${base}/config.toml ${reason}`);
    }
  });

  test("a link to a file elsewhere is followed: people keep their settings together", () => {
    const base = tempDir("settings");
    symlinkSync(join(baseWith("limits.sessions = 7"), "config.toml"), join(base, "config.toml"));
    expect(readSettings(base)).toEqual({ limits: { sessions: 7 } });
  });

  test("whatever is in it, it gives settings or one error with a code", () => {
    const base = tempDir("settings");
    const line = fc.oneof(
      fc.constantFrom(
        "[limits]",
        "sessions",
        "=",
        "64",
        '"',
        "'''",
        "{",
        "}",
        "[[",
        "]]",
        ",",
        "\\u",
        "1e9",
        "inf",
        "#",
        ".",
      ),
      fc.string({ unit: "binary" }),
    );
    const text = fc.array(line, { maxLength: 12 }).map((lines) => lines.join("\n"));
    const bytes = fc.uint8Array({ maxLength: 64 });
    fc.assert(
      fc.property(fc.oneof(text, bytes), (content) => {
        writeFileSync(join(base, "config.toml"), content);
        try {
          const { sessions } = readSettings(base).limits;
          expect(Number.isInteger(sessions) && sessions >= 1 && sessions <= 1000).toBe(true);
        } catch (error) {
          expect(error).toBeInstanceOf(SshMcpError);
          expect((error as SshMcpError).code).toBe("CONFIG_INVALID");
        }
      }),
      { numRuns: 500 },
    );
  });
});
