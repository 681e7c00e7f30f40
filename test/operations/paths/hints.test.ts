/** Hints are pasted: a shell and our own command line have to read in them what was meant. */
import { afterAll, expect, setDefaultTimeout, test } from "bun:test";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { commandOf } from "../../../src/cli/command.ts";
import { parse } from "../../../src/cli/parse.ts";
import type { SshMcpError } from "../../../src/core/errors.ts";
import { toSshMcpError } from "../../../src/core/errors.ts";
import { commandOn } from "../../../src/core/files/path-operand.ts";
import { editFile } from "../../../src/operations/edit-file.ts";
import { operations } from "../../../src/operations/index.ts";
import { mv } from "../../../src/operations/mv.ts";
import { readFile } from "../../../src/operations/read-file.ts";
import { rm } from "../../../src/operations/rm.ts";
import { cleanup, onCleanup } from "../../support/cleanup.ts";
import { server } from "./driver.ts";

afterAll(cleanup);
setDefaultTimeout(30_000);

const commands = operations.filter(({ faces }) => faces.includes("cli")).map(commandOf);

/** As a shell takes it apart, and then our own command line. */
const typed = (hint: string): { name: string; input: Record<string, unknown> } => {
  const { stdout, success } = Bun.spawnSync(["sh", "-c", `set -- ${hint}\nfor w do printf '%s\\0' "$w";done`]);
  expect(success).toBe(true);
  const [program, ...words] = stdout.toString().split("\0").slice(0, -1);
  expect(program).toBe("ssh-mcp");
  const parsed = parse(words, commands, []);
  if (parsed.kind !== "run") throw new Error(`${hint}: ${JSON.stringify(parsed)}`);
  return { name: parsed.command.operation.name, input: parsed.input };
};

const failure = async (work: Promise<unknown>): Promise<SshMcpError> => {
  try {
    await work;
  } catch (thrown) {
    return toSshMcpError(thrown);
  }
  throw new Error("nothing failed");
};

const odd = ["a b", "$(touch run)", "it's; rm -rf x", "-rf", "ü:\\x", "`id`", "*?"];
const targets = ["web", "ssh://u@h:2222", "u@[::1]"];
const users = [undefined, true, "alice"];

test("the server, the user and the path of every hint are those of the call", async () => {
  const { home, machine, run } = await server();
  for (const name of odd) {
    mkdirSync(join(home, `dir ${name}`));
    writeFileSync(join(home, name), "here");
    writeFileSync(join(home, `other ${name}`), "here");
  }
  const whole = machine.run;
  for (const name of odd)
    for (const target of targets)
      for (const sudo of users) {
        const where = { target, ...(sudo === undefined ? {} : { sudo }) };
        const hint = async (operation: unknown, input: Record<string, unknown>) =>
          typed((await failure(run(operation, { ...where, ...input }))).hint ?? "");
        const path = `dir ${name}`;
        expect(await hint(rm, { paths: [path] })).toEqual({
          name: "rm",
          input: { ...where, paths: [path], recursive: true },
        });
        expect(await hint(readFile, { path })).toEqual({ name: "list-directory", input: { ...where, path } });
        expect(await hint(mv, { paths: [name, `other ${name}`] })).toEqual({
          name: "mv",
          input: { ...where, paths: [name, `other ${name}`], force: true },
        });
        const stale = { path: name, edits: [{ old: "here", new: "x" }], ifSha256: "0".repeat(64) };
        expect(await hint(editFile, stale)).toEqual({ name: "read-file", input: { ...where, path: name } });
        machine.run = async ({ stdout }) => {
          await stdout?.write(Buffer.from("ssh-mcp-answer: left\n"));
          return {} as never;
        };
        expect(await hint(rm, { paths: [path], recursive: true })).toEqual({
          name: "list-directory",
          input: { ...where, all: true, path: join(home, path) },
        });
        machine.run = whole;
      }
  expect(existsSync(join(home, "run"))).toBe(false);
});

test("the hint of a move across file systems moves just these names, and replaces nothing", async () => {
  const { home, run } = await server();
  // Another file system than that of the home directory.
  const elsewhere = mkdtempSync("/dev/shm/elsewhere-");
  const remove = () => rmSync(elsewhere, { recursive: true, force: true });
  onCleanup(remove, remove);
  for (const name of odd) {
    writeFileSync(join(home, name), `of ${name}`);
    const to = join(elsewhere, `to ${name}`);
    for (const sudo of users.toReversed()) {
      const as = sudo === undefined ? {} : { sudo };
      const { code, hint } = await failure(run(mv, { paths: [name, to], ...as }));
      expect(code).toBe("REMOTE_IO");
      const { name: operation, input } = typed(hint ?? "");
      expect([operation, input]).toEqual([
        "exec",
        { target: "web", ...as, argv: ["mv", "-n", "--", join(home, name), to] },
      ]);
      if (sudo !== undefined) continue;
      writeFileSync(to, "kept");
      Bun.spawnSync(input["argv"] as string[]);
      expect(readFileSync(to, "utf8")).toBe("kept");
    }
  }
});

test("the options come before the paths", () => {
  expect(commandOn({ target: "web", sudo: "alice" }, ["rm", "-r"], "a b", "c")).toBe(
    "ssh-mcp rm -r --sudo=alice 'web:a b' web:c",
  );
});
