import { afterEach, describe, expect, spyOn, test } from "bun:test";
import * as v from "valibot";
import { plainForm } from "../../src/core/command-form.ts";
import { exec } from "../../src/operations/exec.ts";
import { contextFor, FakeSessions, finished } from "./fake-sessions.ts";

/** Runs a command without a server, after a login that took so long by the clock. */
const run = async (face: "cli" | "mcp", input: { timeout?: number }, loginMs = 0, waitedMs?: number) => {
  let now = 1_000_000;
  clock = spyOn(performance, "now").mockImplementation(() => now);
  const sessions = new FakeSessions(() => {
    now += loginMs;
  });
  const running = exec.run(
    { target: "web", command: "true", ...input },
    {
      ...contextFor(face, sessions),
      ...(waitedMs === undefined ? {} : { waitedMs }),
    },
  );
  const failure = await running.then(
    () => null,
    (error: unknown) => error,
  );
  return { failure, uses: sessions.uses.length, timeouts: sessions.commands.map(({ timeoutMs }) => timeoutMs) };
};

let clock: { mockRestore(): void } | null = null;
afterEach(() => clock?.mockRestore());

describe("the time a command has", () => {
  test.each([
    { loginMs: 0, left: 50_000 },
    { loginMs: 1, left: 49_999 },
    { loginMs: 12_345.4, left: 37_655 },
    { loginMs: 49_999, left: 1 },
  ])("is for a model 50 s without the $loginMs ms of the login: $left ms", async ({ loginMs, left }) => {
    expect(await run("mcp", {}, loginMs)).toEqual({ failure: null, uses: 1, timeouts: [left] });
  });

  test.each([50_000, 60_000])("is none after a login of %d ms: the command is not sent", async (loginMs) => {
    const error = { code: "TIMEOUT", message: expect.stringContaining("was not sent") };
    expect(await run("mcp", {}, loginMs)).toMatchObject({ failure: error, uses: 1, timeouts: [] });
  });

  test("has no limit for a person who gives none", async () => {
    expect((await run("cli", {}, 60_000)).timeouts).toEqual([null]);
  });

  test.each([
    { face: "mcp", timeout: 5, milliseconds: 5000 },
    { face: "mcp", timeout: 86_400, milliseconds: 86_400_000 },
    { face: "cli", timeout: 0.25, milliseconds: 250 },
  ] as const)("is as the $face face gave it, whatever the login took: $timeout s", async (given) => {
    const { timeouts } = await run(given.face, { timeout: given.timeout }, 60_000);
    expect(timeouts).toEqual([given.milliseconds]);
  });

  test("is less where it waited for others of its call", async () => {
    expect((await run("mcp", {}, 5000, 20_000)).timeouts).toEqual([25_000]);
    expect((await run("mcp", { timeout: 40 }, 5000, 20_000)).timeouts).toEqual([20_000]);
    expect((await run("mcp", {}, 15_000, 35_000)).failure).toMatchObject({ code: "TIMEOUT" });
  });

  test("is told to whoever reads the schema", () => {
    const { timeout } = exec.input.entries;
    expect(v.getDescription(timeout.wrapped)).toContain("agents: 50");
  });
});

test("hands down the command byte for byte, its streams, and how to reach the server", async () => {
  const sessions = new FakeSessions();
  const context = contextFor("cli", sessions);
  const command = " printf '%s'  \"$X\"\n# ü\t";
  const result = await exec.run(
    {
      ...{ target: "web", command, connectTimeout: 1.5, user: "me", port: 2222 },
      ...{ identityFile: ["~/a", "b"], configFile: "none", options: ["User=x"] },
    },
    context,
  );
  expect(sessions.uses).toEqual([
    {
      ...{ destination: "web", user: "me", port: 2222, identityFiles: ["~/a", "b"] },
      ...{ configFile: "none", options: ["User=x"], timeoutMs: 1500 },
    },
  ]);
  const { stdin, stdout, stderr } = context;
  const limits = { timeoutMs: null, idleTimeoutMs: null };
  expect(sessions.commands).toEqual([{ command, form: plainForm, shell: null, stdin, stdout, stderr, ...limits }]);
  expect(result).toEqual({
    target: "web",
    stdout: null,
    stderr: null,
    truncated: false,
    binary: null,
    outputId: null,
    jobId: null,
    hosts: null,
    ...finished,
  });
});

test("leaves to the configuration what nobody said", async () => {
  const sessions = new FakeSessions();
  await exec.run({ target: "web", command: "true" }, contextFor("mcp", sessions));
  const nothing = { user: null, port: null, identityFiles: [], configFile: null, options: [], timeoutMs: null };
  expect(sessions.uses).toEqual([{ destination: "web", ...nothing }]);
});

test("hands down how a command is to be run", async () => {
  const sessions = new FakeSessions();
  const argv = ["ls", "a b", "-l"];
  const env = { A: "b" };
  const how = { cwd: "/tmp", env, interpreter: "bash", pty: true, idleTimeout: 1.5, stdinBase64: "AP8=" } as const;
  await exec.run({ target: "web", argv, ...how }, contextFor("cli", sessions));
  const [request] = sessions.commands;
  expect(request).toMatchObject({ command: "ls 'a b' -l", idleTimeoutMs: 1500 });
  expect(request?.form).toEqual({ cwd: "/tmp", env, interpreter: "bash", pty: true, become: null, argv });
  const bytes: number[] = [];
  for await (const chunk of request?.stdin ?? []) bytes.push(...chunk);
  expect(bytes).toEqual([0, 255]);
});

const validate = (command: string) => exec.validate({ target: "web", command });

test.each(["true", "echo \u0001", "é\u{1f600}"])("takes the command %j", (command) => {
  expect(v.safeParse(exec.input, { target: "web", command }).success).toBe(true);
  expect(validate(command)).toEqual([]);
});

test.each(["\0", "echo a\0b", "a\0"])("refuses the command %j", (command) => {
  expect(validate(command)).toEqual([{ field: "command", message: "cannot hold a NUL byte" }]);
});
