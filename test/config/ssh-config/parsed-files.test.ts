import { afterAll, expect, test } from "bun:test";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { configFiles } from "../../../src/config/ssh-config/parsed-files.ts";
import { SeenFiles } from "../../../src/config/ssh-config/seen-files.ts";
import { cleanup } from "../../support/cleanup.ts";
import { environment } from "./requests.ts";

afterAll(cleanup);

const portsOf = (env: ReturnType<typeof environment>): string[] =>
  configFiles(null, env).flatMap(({ blocks }) =>
    blocks.flatMap(({ entries }) => entries.flatMap((entry) => (entry.kind === "directive" ? entry.args : []))),
  );

test("a file that has rested is parsed once, and still told of", () => {
  const { home } = environment(null);
  // Nobody has touched it lately: it came with the machine.
  const place = { home, cwd: "/", systemFile: "/etc/ssh/ssh_config" };
  const [first] = configFiles(null, place);
  const seen = new SeenFiles();
  const [again] = configFiles(null, { ...place, seen });
  expect(first?.path).toBe("/etc/ssh/ssh_config");
  expect(again).toBe(first);
  expect([...seen.paths]).toEqual(expect.arrayContaining([`${home}/.ssh/config`, "/etc/ssh/ssh_config"]));
  // Another home may lead elsewhere.
  expect(configFiles(null, { ...place, home: environment(null).home })[0]).not.toBe(first);
});

test("a file that was just written is read each time: the clock would not tell a second change", () => {
  const env = environment("Port 1\n");
  const file = join(env.home, ".ssh/config");
  for (const port of ["2", "3", "4"]) {
    writeFileSync(file, readFileSync(file, "utf8").replace(/\d/, port));
    expect(portsOf(env)).toEqual([port]);
  }
});

test("a mistake is part of what a file says, and stops nobody who asks for something else", () => {
  const env = environment("Port 1\nMatch\n");
  for (let reading = 0; reading < 2; reading++) {
    const entry = configFiles(null, env)[0]?.blocks[0]?.entries[1];
    expect(entry).toMatchObject({ kind: "malformed", error: { code: "CONFIG_INVALID" } });
  }
});
