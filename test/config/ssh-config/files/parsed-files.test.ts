import { afterAll, expect, test } from "bun:test";
import { chmodSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { configFiles, readAhead } from "../../../../src/config/ssh-config/files/parsed-files.ts";
import { SeenFiles } from "../../../../src/config/ssh-config/files/seen-files.ts";
import { cleanup } from "../../../support/cleanup.ts";
import { environment } from "../requests.ts";

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

test("a long configuration is read ahead with others' turns between, and not looked at again", async () => {
  const env = environment("Host a\n  Port 1\nHost b\n  User u\n".repeat(20_000));
  let turns = 0;
  let isOver = false;
  const others = async (): Promise<void> => {
    for (; !isOver; turns++) await new Promise(setImmediate);
  };
  const counted = others();
  const seen = new SeenFiles();
  const ahead = await readAhead(null, { ...env, seen });
  isOver = true;
  await counted;
  expect(turns).toBeGreaterThan(3);
  const file = join(env.home, ".ssh/config");
  expect([...seen.paths]).toContain(file);
  writeFileSync(file, "Port 2\n");
  expect(configFiles(null, { ...env, ahead })[0]?.blocks).toHaveLength(40_001);
  expect(configFiles(null, env)[0]?.blocks).toHaveLength(1);
});

test("what cannot be read ahead fails where it is needed", async () => {
  const env = environment(null);
  const ahead = await readAhead("/nowhere/config", env);
  expect(() => configFiles("/nowhere/config", { ...env, ahead })).toThrow("there is no configuration file");
  writeFileSync(join(env.home, ".ssh/config"), "Port 1\n", { mode: 0o666 });
  chmodSync(join(env.home, ".ssh/config"), 0o666);
  const unsafe = { ...env, ahead: await readAhead(null, env) };
  expect(() => configFiles(null, unsafe)).toThrow("may be written by others");
});
