import { afterAll, describe, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { aliases, keywordNamed, keywords } from "../../../src/config/ssh-config/keywords.ts";
import { resolve } from "../../../src/config/ssh-config/resolve.ts";
import { SshMcpError } from "../../../src/core/errors.ts";
import { cleanup } from "../../support/cleanup.ts";
import { runCommand } from "../../support/command.ts";
import { tempDir } from "../../support/temp.ts";
import { environment, request } from "./requests.ts";

afterAll(cleanup);
const folder = tempDir("keywords");

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

/** A line in a block that does not apply: ssh checks those too. */
const fileWith = (line: string, name: string): string => {
  const file = join(folder, name);
  writeFileSync(file, `Host elsewhere\n${line}\n`);
  return file;
};

/** What ssh says of it; empty when it takes it. */
const complaint = async (line: string, name: string): Promise<string> => {
  const outcome = await runCommand(["ssh", "-G", "-F", fileWith(line, name), "h"]);
  return outcome.status === 0 ? "" : outcome.stderr;
};

const isTaken = (line: string): boolean => {
  try {
    resolve(request("h", { configFile: fileWith(line, "ours") }), environment(null));
    return true;
  } catch (error) {
    if (error instanceof SshMcpError && error.code === "CONFIG_INVALID" && error.message.includes("ours:2: "))
      return false;
    throw error;
  }
};

/** A few at a time: each starts a process. */
const each = async <T>(items: readonly T[], work: (item: T, name: string) => Promise<void>): Promise<void> => {
  const left = [...items];
  const lane = async (_: unknown, index: number): Promise<void> => {
    for (let item = left.pop(); item !== undefined; item = left.pop()) await work(item, `theirs-${index}`);
  };
  await Promise.all([0, 1, 2, 3].map(lane));
};

describe("the table", () => {
  test("is complete", () => {
    expect(allKeywords.length).toBeGreaterThan(130);
    expect(new Set(allKeywords).size).toBe(allKeywords.length);
    expect(keywordNamed("constructor")).toBeUndefined();
    expect(keywords.filter(({ use }) => use === "refused").map(({ name }) => name)).toEqual([
      "knownhostscommand",
      "refuseconnection",
    ]);
  });

  test("resolves aliases", () => {
    expect(keywordNamed("skeyauthentication")?.name).toBe("kbdinteractiveauthentication");
    expect(keywordNamed("identityfile2")).toBe(keywordNamed("identityfile"));
  });

  test("holds no keyword that ssh does not know", async () => {
    const unknown: string[] = [];
    await each(old, async (name, at) => {
      if (/Bad configuration option/.test(await complaint(`${name} 1`, at))) unknown.push(name);
    });
    expect(unknown).toEqual([]);
  }, 30_000);

  test("refuses the arguments that ssh refuses, and no others", async () => {
    const values = ['""', "sometimes", "none", "1 2 3"];
    const lines = old
      .filter((name) => !["host", "match", "include"].includes(name))
      .flatMap((name) => values.map((value) => `${name} ${value}`));
    const different: string[] = [];
    await each(lines, async (line, at) => {
      if (((await complaint(line, at)) === "") !== isTaken(line)) different.push(line);
    });
    expect(different).toEqual([]);
  }, 60_000);
});
