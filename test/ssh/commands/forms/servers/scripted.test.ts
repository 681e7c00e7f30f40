/** What is sent to servers that there are none of here: Windows, devices without a shell, and those that answer wrongly. */
import { afterAll, describe, expect, test } from "bun:test";
import { plainSetup } from "../../../../../src/ssh/commands/command-setup.ts";
import { cleanup } from "../../../../support/cleanup.ts";
import { type Behaviour, startScriptedServer } from "../../../../support/scripted-server.ts";
import { open, run } from "../../../open.ts";

afterAll(cleanup);

const connect = async (exec: Behaviour["exec"], behaviour: Behaviour = {}) => {
  const server = await startScriptedServer({ ...behaviour, ...(exec === undefined ? {} : { exec }) });
  return { server, connection: await open({ port: server.port, user: server.user }) };
};

const environment = [{ name: "LANG", value: "C" }];

test("none is the bytes alone: no variable, no mark, no wrapper", async () => {
  const { server, connection } = await connect((each) => each.finish(0, "ok"));
  const command = "show version | include 'x'\\ !";
  const form = { interpreter: "none" as const };
  expect(await run(connection, command, { form, setup: { ...plainSetup, environment } })).toMatchObject({
    stdout: "ok",
  });
  expect(server.runs.map((each) => [each.command, [...each.environment], each.pty])).toEqual([[command, [], false]]);
  await run(connection, command, { setup: { ...plainSetup, environment } });
  expect([...(server.runs[1]?.environment.keys() ?? [])]).toEqual(["LANG", "LC_SSH_MCP"]);
});

test("cmd gets its line as cmd takes it", async () => {
  const { server, connection } = await connect((each) => each.finish(3));
  const form = { interpreter: "cmd" as const };
  expect(await run(connection, 'dir "C:\\Program Files" & exit 3', { form })).toMatchObject({ exitCode: 3 });
  expect(server.runs[0]?.command).toBe('cmd /d /s /c "dir "C:\\Program Files" & exit 3"');
});

describe("powershell", () => {
  const script = "Write-Output \"it’s 'quoted' $env:A\"\nexit 5";
  const form = { interpreter: "powershell" as const, cwd: "C:\\it's", env: { A: "b'c\nü" } };

  test("gets a constant line, and the rest as one line of input", async () => {
    const inputs: string[] = [];
    const { server, connection } = await connect(async (each) => {
      const input = (await each.stdin()).toString();
      inputs.push(input);
      const program = Buffer.from(input.slice(0, input.indexOf("\n")), "base64").toString();
      const mark = /'(ssh-mcp-[0-9a-f]{32}) ok'/.exec(program)?.[1];
      each.finish(5, `noise\r\n${mark} ok\r\nthe output`, `${mark} ok\r\nerrors`);
    });
    for (const stdin of ["input\n", ""]) {
      const result = await run(connection, script, { form, stdin: [Buffer.from(stdin)] });
      expect(result).toMatchObject({ exitCode: 5, stdout: "the output", stderr: "errors" });
    }
    const [first = "", second] = server.runs.map(({ command }) => command);
    expect(second).toBe(first);
    const [, encoded = ""] = /^powershell -NoProfile .*-EncodedCommand ([A-Za-z0-9+/=]+)$/.exec(first) ?? [];
    expect(Buffer.from(encoded, "base64").toString("utf16le")).toContain("OpenStandardInput()");
    expect(inputs[0]).toEndWith("\ninput\n");
    const program = Buffer.from(inputs[0]?.split("\n")[0] ?? "", "base64").toString();
    expect(program).toContain("Set-Location -LiteralPath 'C:\\it''s' -ErrorAction Stop");
    expect(program).toContain("SetEnvironmentVariable('A','b''c\nü')");
    expect(program).toContain("Create('Write-Output \"it’’s ''quoted'' $env:A\"\nexit 5')");
  });

  test("runs words by its own quoting", async () => {
    const { server, connection } = await connect(async (each) => {
      const program = Buffer.from((await each.stdin()).toString().split("\n")[0] ?? "", "base64").toString();
      each.finish(0, `${/'(ssh-mcp-[0-9a-f]{32}) ok'/.exec(program)?.[1]} ok\r\n${program}`);
    });
    const argv = ["C:\\a b.exe", "it's", ""];
    const { stdout } = await run(connection, "ignored", { form: { interpreter: "powershell", argv } });
    expect(stdout).toContain("Create('& ''C:\\a b.exe'' ''it''''s'' ''''')");
    expect(server.runs).toHaveLength(1);
  });
});

/** What the program says to itself in the output. */
const markIn = (program: string): string => /ssh-mcp-[0-9a-f]{32}/.exec(program)?.[0] ?? "";

describe("a server that does not begin a command", () => {
  const form = { cwd: "/tmp" };
  test.each<[string, number, (program: string) => string]>([
    ["refuses the line", 1, () => "% Invalid input detected\r\n"],
    ["says nothing at all", 0, () => ""],
    ["says another's mark", 0, () => `ssh-mcp-${"0".repeat(32)} ok\n`],
    ["says something else with the mark", 0, (program) => `${markIn(program)} garbage\n`],
    ["says the mark without a word", 0, (program) => `${markIn(program)} \n${markIn(program)} ok`],
    ["repeats what it is told", 0, (program) => program],
    ["repeats each word of it", 0, (program) => program.replaceAll(/[ ;]/g, "\n")],
  ])("and %s has an unknown outcome: what it said is there", async (_, status, answer) => {
    let said = "";
    const { server, connection } = await connect(async (each) => {
      said = answer((await each.stdin()).toString());
      each.finish(status, said);
    });
    const result = await run(connection, "reboot", { form });
    expect(result).toMatchObject({ outcome: "unknown", exitCode: null, stdout: said });
    expect(result.reason).toStartWith(
      `the server reported status ${status}, and did not say that it began the command`,
    );
    if (status === 1) expect(result.reason).toEndWith(": % Invalid input detected");
    expect(server.runs).toHaveLength(1);
  });

  test("and one that repeats what it is told, and then begins, are told apart", async () => {
    const { connection } = await connect((each) => {
      const channel = each.accept();
      channel.once("data", (program: Buffer) =>
        each.finish(4, `${program.toString().replace("\n", "\r\n")}${markIn(program.toString())} ok\r\nthe output`),
      );
    });
    const terminal = { type: "xterm", columns: 80, rows: 24, onResize: () => undefined };
    const result = await run(connection, "reboot", {
      form: { pty: true, ...form },
      setup: { ...plainSetup, terminal },
    });
    expect(result).toMatchObject({ outcome: "exited", exitCode: 4, stdout: "the output" });
  });

  test("and asks for something instead is stopped, and what it asked for is there", async () => {
    const { connection } = await connect((each) => void each.accept().write("Enter your token: "));
    const result = await run(connection, "reboot", { form, timeoutMs: 1000 });
    expect(result).toMatchObject({ outcome: "timedOut", stdout: "Enter your token: ", stdoutBytes: 18 });
  });

  test("and said why, but does not end, has said why", async () => {
    const { connection } = await connect((each) => {
      const channel = each.accept();
      channel.once("data", (program: Buffer) => channel.write(`${markIn(program.toString())} cwd-gone\n`));
    });
    const running = run(connection, "reboot", { form, timeoutMs: 1000 });
    expect(await running.catch((error: unknown) => error)).toMatchObject({ code: "NOT_FOUND" });
  });

  test("and dies is unknown: it may have begun", async () => {
    const { server, connection } = await connect((each) => {
      each.accept();
      each.die();
    });
    expect(await run(connection, "reboot", { form })).toMatchObject({ outcome: "unknown", exitCode: null });
    expect(server.runs).toHaveLength(1);
  });

  test("and ends without a status is unknown", async () => {
    const { connection } = await connect((each) => void each.accept().end());
    expect(await run(connection, "reboot", { form })).toMatchObject({ outcome: "unknown", exitCode: null });
  });
});

describe("a command that is silent", () => {
  test("is stopped after the idle limit, which each byte puts off", async () => {
    const { connection } = await connect(async (each) => {
      const channel = each.accept();
      const begun = performance.now();
      do {
        channel.write(".");
        await Bun.sleep(50);
      } while (performance.now() - begun < 1300);
    });
    const result = await run(connection, "work", { idleTimeoutMs: 1000 });
    expect(result).toMatchObject({ outcome: "timedOut", exitCode: null });
    expect(result.stdout).toMatch(/^\.+$/);
    expect(result.reason).toBe("there was no byte of output for 1s");
    expect(result.durationMs).toBeGreaterThan(2250);
  });

  test("is not said to be stopped for it when it was for something else", async () => {
    const { connection } = await connect((each) => void each.accept());
    const result = await run(connection, "work", { timeoutMs: 300, idleTimeoutMs: 450 });
    expect(result).toMatchObject({ outcome: "timedOut", reason: null });
  });

  test("is not when its reader is what it waits for, nor when it ends in time", async () => {
    const { connection } = await connect((each) => {
      const channel = each.accept();
      channel.write("x");
      setTimeout(() => each.finish(0, "y"), 1300);
    });
    const slow = { delayMs: 1500 };
    expect(await run(connection, "work", { idleTimeoutMs: 1000, ...slow })).toMatchObject({
      outcome: "exited",
      stdout: "xy",
    });
  });
});
