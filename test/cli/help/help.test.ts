import { afterAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { operations } from "../../../src/operations/index.ts";
import { cleanup } from "../../support/cleanup.ts";
import { run, shell } from "../driver.ts";

afterAll(cleanup);
setDefaultTimeout(60_000);

const folder = join(import.meta.dir, "snapshots");
const others = ["serve", "broker", "demo"];
const verbs = [...new Set(operations.filter(({ faces }) => faces.includes("cli")).map(({ command }) => command))];
const groups = [
  ...new Set(verbs.filter((command) => command.includes(" ")).map((command) => command.split(" ", 1)[0])),
];
const commands = [...verbs, ...groups.map((group) => group ?? ""), ...others];
const fileOf = (command: string): string => command.replace(" ", "-");

/** After a change on purpose: `UPDATE_SNAPSHOTS=1 bun test test/cli/help/help.test.ts`. A missing snapshot fails. */
const expectSnapshot = (name: string, text: string): void => {
  const file = join(folder, `${name}.txt`);
  if (process.env["UPDATE_SNAPSHOTS"] === "1") writeFileSync(file, text);
  expect(existsSync(file) ? readFileSync(file, "utf8") : `no snapshot ${file}`).toBe(text);
};

const printed = new Map<string, Promise<string>>();

/** What each prints, asked once for all tests; of the program too, unless some are chosen. */
const helps = async (chosen?: (command: string) => boolean): Promise<string[]> => {
  const texts: string[] = [];
  for (const command of chosen === undefined ? ["", ...commands] : commands.filter(chosen)) {
    const words = command === "" ? ["--help"] : [...command.split(" "), "--help"];
    const text = printed.get(command) ?? run(words).then(({ stdout }) => stdout);
    printed.set(command, text);
    texts.push(await text);
  }
  return texts;
};

describe("help", () => {
  test("of the program", async () => {
    const { status, stdout, stderr } = await run(["--help"]);
    expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
    expectSnapshot("ssh-mcp", stdout);
  });

  for (const command of commands) {
    test(`of ${command}`, async () => {
      const { status, stdout, stderr } = await run([...command.split(" "), "--help"]);
      expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
      expectSnapshot(fileOf(command), stdout);
      expect((await run(["help", ...command.split(" ")])).stdout).toBe(stdout);
    });
  }

  test("has no snapshot too many", () => {
    expect(readdirSync(folder).sort()).toEqual(
      ["ssh-mcp", ...commands.map(fileOf)].map((name) => `${name}.txt`).sort(),
    );
  });

  test("names no tool: at a shell, commands are typed", async () => {
    const texts = (await helps()).join("");
    for (const { tool } of operations) expect(texts).not.toContain(tool);
  });

  test("fits 80 columns, without trailing spaces", async () => {
    for (const stdout of await helps()) {
      expect(stdout.split("\n").filter((line) => Bun.stringWidth(line) > 80)).toEqual([]);
      expect(stdout).not.toMatch(/[ \t]$/m);
    }
  });

  test("says nothing of models, which have texts of their own", async () => {
    for (const text of await helps((name) => !others.includes(name))) expect(text).not.toMatch(/\bmodels?\b/i);
  });
});

describe("colour", () => {
  const onTerminal = (env: string, args = "ls --help") =>
    shell(`script -qec '${env} '"$S"' ${args}' /dev/null </dev/null`);

  test("on a terminal", async () => {
    expect((await onTerminal("TERM=xterm")).stdout).toContain("\u001b[");
  });

  test("of errors, on a terminal", async () => {
    expect((await onTerminal("TERM=xterm", "bogus")).stdout).toStartWith("\u001b[31mssh-mcp:\u001b[39m there is");
    expect((await onTerminal("TERM=xterm NO_COLOR=1", "bogus")).stdout).toStartWith("ssh-mcp: there is");
  });

  for (const env of ["TERM=xterm NO_COLOR=1", "TERM=xterm NO_COLOR=yes", "TERM=dumb"]) {
    test(`not with ${env}`, async () => {
      const { stdout } = await onTerminal(env);
      expect(stdout).toContain("USAGE");
      expect(stdout).not.toContain("\u001b[");
    });
  }
});
