import { describe, expect, test } from "bun:test";
import { reportEscaped } from "../../src/cli/escaped.ts";
import { BrokenPipe } from "../../src/cli/output.ts";
import type { World } from "../../src/cli/world.ts";

const unused = (): never => {
  throw new Error("not for this");
};

/** A world that keeps what is written to it. */
const world = () => {
  const written = { stdout: "", stderr: "" };
  const sink = (name: keyof typeof written) => ({
    write: async (chunk: Uint8Array) => {
      written[name] += new TextDecoder().decode(chunk);
    },
  });
  const fake: World = {
    env: {},
    cwd: unused,
    stdin: { pause: unused, resume: unused, [Symbol.asyncIterator]: unused },
    stdout: sink("stdout"),
    stderr: sink("stderr"),
    openBroker: unused,
    brokerControl: unused,
    columns: unused,
    openTerminal: unused,
    openAskpass: unused,
    isTerminal: async () => false,
    exit: unused,
  };
  return { written, fake };
};

const stderr = "ssh-mcp: x is undefined\\n\\x1b[2J [INTERNAL]\n  try: ssh-mcp --version\n";
const document = {
  error: { code: "INTERNAL", message: "x is undefined\n\x1b[2J", hint: "ssh-mcp --version", retryable: false },
};

describe("an error that nothing else reported", () => {
  test.each<{ words: string[]; status: number; json: boolean }>([
    { words: [], status: 1, json: false },
    { words: ["ls"], status: 1, json: false },
    { words: ["ls", "--json"], status: 1, json: true },
    { words: ["--json", "exec", "h", "id"], status: 255, json: true },
    { words: ["exec", "h", "--", "ls", "--json"], status: 255, json: false },
    { words: ["serve", "--json"], status: 1, json: false },
  ])("after $words", async ({ words, status, json }) => {
    const { written, fake } = world();
    expect(await reportEscaped(new TypeError("x is undefined\n\x1b[2J"), words, fake)).toBe(status);
    expect(written.stderr).toBe(stderr);
    expect(json ? JSON.parse(written.stdout) : written.stdout).toEqual(json ? document : "");
  });

  test("and that nobody reads is the end of a pipe", async () => {
    const { fake } = world();
    const stdout = { write: () => Promise.reject(new BrokenPipe("nobody reads the output")) };
    expect(await reportEscaped(new Error("x"), ["ls", "--json"], { ...fake, stdout })).toBe(141);
  });
});
