/** `ssh-mcp output` over the broker's own store: what is printed, what is said to be missing, and the exit status. */
import { describe, expect, test } from "bun:test";
import { OutputStore } from "../../src/broker/outputs/output-store.ts";
import { outputsOf } from "../../src/broker/outputs/outputs-of.ts";
import { commandOf } from "../../src/cli/command.ts";
import { printKeptOutput } from "../../src/cli/kept-output.ts";
import { parse } from "../../src/cli/parse.ts";
import { Printer } from "../../src/cli/printer.ts";
import type { World } from "../../src/cli/world.ts";
import type { Caller, Operation } from "../../src/core/operation.ts";
import { readOutput } from "../../src/operations/output.ts";
import { contextFor, FakeSessions } from "../operations/fake-sessions.ts";

const caller: Caller = { face: "cli", client: "cli", cwd: "/", agentSocket: null };
const mebibyte = 1024 * 1024;
const lines = (from: number, to: number): string =>
  Array.from({ length: to - from + 1 }, (_, index) => `${from + index}\n`).join("");

/** @param between does something after each answer */
const output = async (
  content: string,
  words: string[],
  between: (append: (more: string) => void) => void = () => {},
) => {
  const store = new OutputStore({ stream: 4 * mebibyte, total: 64 * mebibyte });
  const kept = store.begin(caller);
  const append = (more: string): void => void store.append(kept, "stdout", new TextEncoder().encode(more));
  append(content);
  kept.running = false;
  const context = {
    ...contextFor("cli", new FakeSessions()),
    outputs: outputsOf(store, caller, new AbortController().signal),
  };
  const shown = { stdout: [] as Uint8Array[], stderr: [] as Uint8Array[] };
  const sink = (to: Uint8Array[]) => ({ write: async (chunk: Uint8Array) => void to.push(chunk.slice()) });
  const client = {
    call: async ({ input }: { input: Parameters<typeof readOutput.run>[0] }) => {
      const page = await readOutput.run(input, context);
      between(append);
      return page;
    },
  };
  const world = {
    ...{ stdout: sink(shown.stdout), stderr: sink(shown.stderr), env: {}, cwd: () => "/" },
    isTerminal: async () => false,
    openBroker: async () => ({ client, notes: [], keepsSessions: true, close: async () => {} }),
    exit: () => {
      throw new Error("left at once");
    },
  } as unknown as World;
  const run = parse(["output", kept.id, ...words], [commandOf(readOutput as Operation)], []);
  if (run.kind !== "run") throw new Error(`${words} is no command`);
  const status = await printKeptOutput(run, new Printer(world, false), world);
  const [stdout = "", stderr = ""] = [shown.stdout, shown.stderr].map((each) => Buffer.concat(each).toString());
  return { status, stdout, stderr };
};

// 64 KiB at a time make room for what comes.
const long = lines(1, 1_000_000);
const kept = long.slice(Math.ceil((long.length - 4 * mebibyte) / 65_536) * 65_536);
const gone = long.length - kept.length;

describe("an output whose begin is gone", () => {
  test.each([
    { words: [], from: "its begin" },
    { words: ["--offset", "5"], from: "byte 5" },
    { words: ["--line", "2"], from: "line 2" },
    { words: ["--tail", "900000"], from: "line 100001" },
  ])("is not printed as if it were whole: $words", async ({ words, from }) => {
    const { status, stdout, stderr } = await output(long, [...words]);
    expect(status).toBe(1);
    expect(stdout === kept).toBe(true);
    const here = `byte ${gone} (line ${long.slice(0, gone).split("\n").length})`;
    expect(stderr).toBe(`ssh-mcp: the output from ${from} to ${here} is not kept any more\n`);
  });

  test("is whole as far as it was asked for", async () => {
    for (const [words, all] of [
      [["--offset", `${gone}`], kept],
      [["--line", "999999"], lines(999_999, 1_000_000)],
      [["--tail", "500000"], lines(500_001, 1_000_000)],
    ] as const) {
      const { status, stdout, stderr } = await output(long, [...words]);
      expect({ status, stderr, isAll: stdout === all }).toEqual({ status: 0, stderr: "", isAll: true });
    }
  });

  test("is searched as far as it is kept, which is said", async () => {
    const { status, stdout, stderr } = await output(long, ["--grep", "^999999$"]);
    expect({ status, stdout }).toEqual({ status: 1, stdout: "999999:999999\n" });
    expect(stderr).toContain("not kept any more");
  });
});

test("a tail of several answers is whole, and one with a length of its own says that it is cut", async () => {
  const all = `${"x".repeat(999)}\n`.repeat(4000);
  expect(await output(all, ["--tail", "3500"])).toMatchObject({ status: 0, stderr: "" });
  const cut = await output(all, ["--tail", "3500", "--length", "2000"]);
  expect(cut).toMatchObject({ status: 0, stdout: all.slice(0, 2000) });
  expect(cut.stderr).toContain("begins later than was asked for");
});

test("what makes room between two answers is no silent hole", async () => {
  let answers = 0;
  const first = lines(1, 500_000);
  const { status, stdout, stderr } = await output(first, [], (append) => {
    if (++answers === 1) append("z".repeat(4 * mebibyte));
  });
  expect(status).toBe(1);
  expect(stdout).toStartWith("1\n2\n");
  expect(stdout).toEndWith("zz");
  expect(stdout.length).toBeLessThan(first.length + 4 * mebibyte);
  expect(stderr).toMatch(/^ssh-mcp: the output from byte 1048576 to byte \d+ \(line \d+\) is not kept any more\n$/);
});

test("without a match the status is 1, as grep(1) has it", async () => {
  expect(await output("one\n", ["--grep", "two"])).toEqual({ status: 1, stdout: "", stderr: "" });
  expect(await output("one\n", ["--grep", "on"])).toEqual({ status: 0, stdout: "1:one\n", stderr: "" });
});
