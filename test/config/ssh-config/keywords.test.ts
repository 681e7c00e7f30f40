import { afterAll, describe, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { aliases, keywordNamed, keywords, optionKeywords } from "../../../src/config/ssh-config/keywords.ts";
import { cleanup } from "../../support/cleanup.ts";
import { runCommand } from "../../support/command.ts";
import { tempDir } from "../../support/temp.ts";

afterAll(cleanup);
const file = join(tempDir("keywords"), "config");

const allKeywords = [...keywords.map(({ name }) => name), ...aliases.keys()].sort();

/** Known to OpenSSH after 9.2, or to Apple's alone. */
const newer = [
  "channeltimeout",
  "obscurekeystroketiming",
  "refuseconnection",
  "tag",
  "usekeychain",
  "versionaddendum",
  "warnweakcrypto",
];
const old = allKeywords.filter((name) => !newer.includes(name));

/** What ssh says of one line in a block that does not apply: it checks those lines too. */
const complaint = async (line: string): Promise<string> => {
  writeFileSync(file, `Host elsewhere\n${line}\n`);
  const outcome = await runCommand(["ssh", "-G", "-F", file, "h"]);
  return outcome.status === 0 ? "" : outcome.stderr;
};

/** The keywords of which ssh does what is asked. */
const filter = async (names: readonly string[], holds: (name: string) => Promise<boolean>): Promise<string[]> => {
  const held: string[] = [];
  for (const name of names) if (await holds(name)) held.push(name);
  return held;
};

const shapeOf = (name: string) => keywordNamed(name)?.shape ?? "unknown";

describe("the table", () => {
  test("is complete where the design says what is acted on", () => {
    expect(optionKeywords).toEqual([
      "HostName",
      "Port",
      "User",
      "IdentityFile",
      "IdentitiesOnly",
      "UserKnownHostsFile",
      "GlobalKnownHostsFile",
      "StrictHostKeyChecking",
      "HashKnownHosts",
    ]);
    expect(allKeywords.length).toBeGreaterThan(130);
    expect(keywordNamed("constructor")).toBeUndefined();
  });

  test("resolves aliases", () => {
    expect(keywordNamed("skeyauthentication")?.name).toBe("kbdinteractiveauthentication");
    expect(keywordNamed("identityfile2")).toBe(keywordNamed("identityfile"));
  });

  test("holds no keyword that ssh does not know", async () => {
    const unknown = await filter(old, async (name) => /Bad configuration option/.test(await complaint(`${name} 1`)));
    expect(unknown).toEqual([]);
  }, 30_000);

  test("ssh reads past the arguments it does not check, and past the rest of a line", async () => {
    const names = old.filter(
      (name) => ["any", "line"].includes(shapeOf(name)) && !["match", "proxyjump"].includes(name),
    );
    expect(await filter(names, async (name) => (await complaint(`${name} 1 2 3`)) !== "")).toEqual([]);
  }, 30_000);

  test("one argument is one argument", async () => {
    const names = old.filter((name) => ["flag", "word", "integer"].includes(shapeOf(name)));
    const values = ["yes", "1", "none"];
    const lax = await filter(names, async (name) => {
      for (const value of values) if ((await complaint(`${name} ${value} extra`)) === "") return true;
      return false;
    });
    expect(lax).toEqual([]);
    const empty = await filter(names, async (name) => (await complaint(`${name} ""`)) === "");
    expect(empty).toEqual([]);
  }, 30_000);

  test("flags and numbers are nothing else", async () => {
    const typed = old.filter((name) => ["flag", "integer"].includes(shapeOf(name)));
    expect(await filter(typed, async (name) => (await complaint(`${name} sometimes`)) === "")).toEqual([]);
  }, 30_000);

  test("values that change nothing are values to ssh", async () => {
    const samples = { none: "none", no: "no", yes: "yes", any: "any", default: "default" };
    const accepted: string[] = [];
    for (const name of old) {
      const keyword = keywordNamed(name);
      if (keyword?.use !== "refused") continue;
      for (const value of Object.values(samples)) {
        if (keyword.harmless.test(value) && (await complaint(`${name} ${value}`)) !== "")
          accepted.push(`${name} ${value}`);
      }
    }
    expect(accepted).toEqual([]);
  }, 30_000);
});
