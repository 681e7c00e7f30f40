import { afterAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { chmodSync, mkdirSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { modeText, octal, parseMode } from "../../../src/core/files/file-mode.ts";
import { cleanup } from "../../support/cleanup.ts";
import { tempDir } from "../../support/temp.ts";

afterAll(cleanup);
setDefaultTimeout(30_000);

test("octal digits are the mode", () => {
  for (const [text, mode] of [
    ["644", 0o644],
    ["0644", 0o644],
    ["4755", 0o4755],
    ["0", 0],
    ["07777", 0o7777],
  ] as const) {
    expect(parseMode(text)).toMatchObject({ needsMode: false });
    expect(parseMode(text).change(0o123, true)).toBe(mode);
  }
});

test.each(["", "8", "17777", "u", "u+z", "u+x,", "x+u", "rwx", "-644", "u + x", "100000", "a=rx "])(
  "%s is no mode",
  (text) => {
    expect(() => parseMode(text)).toThrow("is no mode");
  },
);

describe("letters do what chmod(1) does with them", () => {
  const texts = [
    ...[
      "u+x",
      "go-w",
      "u+x,go-w",
      "a=rX",
      "a+X",
      "+X",
      "u=rwx,g=rx,o=",
      "g=u",
      "o=g-w",
      "u+s",
      "g+s",
      "ug+s",
      "+t",
      "a-t",
    ],
    ...[
      "u=",
      "a=",
      "o+t",
      "u-x,g+x",
      "+x",
      "-x",
      "=r",
      "u+rw-x",
      "go=u-w",
      "a+rwx",
      "u=s",
      "g-s",
      "u-s",
      "o+s",
      "+w",
      "-w",
    ],
  ];
  const modes = [0o000, 0o644, 0o755, 0o4711, 0o2775, 0o1777, 0o600, 0o111];
  const directory = tempDir("modes");

  test.each([false, true])("of a directory: %p", (isDirectory) => {
    for (const [at, text] of texts.entries()) {
      for (const mode of modes) {
        const path = join(directory, `${isDirectory}-${at}-${mode}`);
        if (isDirectory) mkdirSync(path);
        else writeFileSync(path, "");
        chmodSync(path, mode);
        // With an umask of 022, which is what we take a server's for.
        const { exitCode } = Bun.spawnSync(["sh", "-c", 'umask 022; chmod -- "$1" "$2"', "sh", text, path], {
          stderr: "ignore",
        });
        // A `-w` that the umask keeps from doing all is a failure to GNU, though it did what it could.
        expect([0, 1]).toContain(exitCode);
        const expected = octal(statSync(path).mode);
        const got = octal(parseMode(text).change(mode, isDirectory));
        expect(`${octal(mode)} ${text}: ${got}`).toBe(`${octal(mode)} ${text}: ${expected}`);
      }
    }
  });
});

test.each([
  ["file", 0o644, "-rw-r--r--"],
  ["directory", 0o1777, "drwxrwxrwt"],
  ["directory", 0o1776, "drwxrwxrwT"],
  ["symlink", 0o777, "lrwxrwxrwx"],
  ["file", 0o4755, "-rwsr-xr-x"],
  ["file", 0o6644, "-rwSr-Sr--"],
  ["socket", null, "s?????????"],
] as const)("%s %p is shown as %s", (type, mode, text) => {
  expect(modeText(type, mode)).toBe(text);
});
