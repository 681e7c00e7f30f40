import { afterAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { release } from "../../src/core/version.ts";
import { cleanup } from "../support/cleanup.ts";
import { run, runLogged, shell } from "./driver.ts";

afterAll(cleanup);
setDefaultTimeout(30_000);

describe("exec", () => {
  test("writes the remote's output and nothing else", async () => {
    const outcome = await run(["exec", "h", "echo", "hello"]);
    expect(outcome).toMatchObject({ status: 0, stdout: "hello\n", stderr: "" });
  });

  test("the remote's stderr is ours", async () => {
    expect(await run(["exec", "h", "err", "oh"])).toMatchObject({ status: 0, stdout: "", stderr: "oh\n" });
  });

  const statuses: [command: string, status: number][] = [
    ["exit 0", 0],
    ["exit 1", 1],
    ["exit 254", 254],
    ["exit 255", 255],
    ["exit 256", 255],
    ["kill TERM", 143],
    ["kill KILL", 137],
  ];
  for (const [command, status] of statuses) {
    test(`${command} is status ${status}, without a word`, async () => {
      expect(await run(["exec", "h", ...command.split(" ")])).toMatchObject({ status, stdout: "", stderr: "" });
    });
  }

  test("out of time", async () => {
    const outcome = await run(["exec", "--timeout", "2500ms", "h", "late"]);
    expect(outcome.status).toBe(124);
    expect(outcome.stderr).toBe(
      "ssh-mcp: the command ran out of time after 2.5s; stopped: dispatched [TIMEOUT]\n  try: ssh-mcp exec h -- ps -ef\n",
    );
  });

  test("a lost link", async () => {
    const outcome = await run(["exec", "me@h", "lost"]);
    expect(outcome.status).toBe(255);
    expect(outcome.stderr).toBe(
      "ssh-mcp: the outcome is unknown: the link broke; look at the server before you run the command again [OUTCOME_UNKNOWN]\n" +
        "  try: ssh-mcp exec me@h -- ps -ef\n",
    );
  });

  test("an error from below is escaped, and its second line cannot pass for ours", async () => {
    const outcome = await run(["exec", "h", "refuse"]);
    expect(outcome).toMatchObject({ status: 255, stdout: "" });
    expect(outcome.stderr).toBe(
      "ssh-mcp: host: \\x1b[2Jrefused\\nssh-mcp: all is well [CONNECT_REFUSED]\n  try: ssh-mcp ls\n",
    );
  });

  test("sends what was typed and says who calls", async () => {
    const { log, stdout } = await runLogged(["exec", "-p2", "-oA=b", "me@h", "caller", "--x"], {
      env: { SSH_AUTH_SOCK: "/agent" },
    });
    expect(log[0]).toEqual({
      use: {
        destination: "me@h",
        user: null,
        port: 2,
        identityFiles: [],
        configFile: null,
        options: ["A=b"],
        timeoutMs: null,
      },
    });
    expect(log[1]).toEqual({ exec: "caller --x", timeoutMs: null });
    expect(JSON.parse(stdout)).toMatchObject({ face: "cli", client: "cli", agentSocket: "/agent" });
  });

  test("no agent is no agent", async () => {
    const { stdout } = await run(["exec", "h", "caller"], { env: { SSH_AUTH_SOCK: "" } });
    expect(JSON.parse(stdout)).toMatchObject({ agentSocket: null });
  });

  test("runs in a directory that is gone", async () => {
    const { status, stdout } = await shell("mkdir gone; cd gone; rmdir ../gone; $S exec h caller");
    expect(status).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ cwd: "/" });
  });

  test("refuses a command that is not UTF-8, and not one that only looks so", async () => {
    const bad = await shell("$S exec h echo $'\\xff'");
    expect(bad).toMatchObject({ status: 2, stdout: "" });
    expect(bad.stderr).toContain("the command line holds bytes that are not UTF-8 [USAGE]");
    expect(await shell("$S exec h echo \ufffd")).toMatchObject({ status: 0, stdout: "\ufffd\n" });
  });
});

describe("a destination that is none is refused before anything is sent", () => {
  for (const target of ["-oProxyCommand=x", "a\tb", "a\nb", "a\u001b[2Jb", "a b", "me@", "h:0", "h:99999"]) {
    test(JSON.stringify(target), async () => {
      const outcome = await run(["exec", "--", target, "echo", "x"]);
      expect(outcome).toMatchObject({ status: 2, stdout: "" });
      expect(outcome.stderr).toMatch(/^ssh-mcp: .* \[INVALID_INPUT\]\n {2}try: .*\n$/);
      expect(outcome.stderr).not.toMatch(/[\t\x1b]/);
    });
  }

  test("a port out of range", async () => {
    const { status, stderr, log } = await runLogged(["connect", "-p", "70000", "h"]);
    expect(status).toBe(2);
    expect(stderr).toContain("port: ");
    expect(log.map((entry) => Object.keys(entry))).toEqual([["maxRssMiB"]]);
  });
});

describe("text for people", () => {
  test("connect", async () => {
    const outcome = await run(["connect", "me@h", "--title", "t"]);
    expect(outcome).toMatchObject({ status: 0, stderr: expect.stringContaining("the session ends with this command") });
    expect(outcome.stdout).toStartWith("opened h: me@h port 22, live\n");
    expect(outcome.stdout).toEndWith("banner:\n\\x1b[31mwelcome\n");
  });

  test("ls is a table", async () => {
    const outcome = await run(["ls"], { env: { FAKE_SESSIONS: "1" } });
    expect(outcome).toMatchObject({ status: 0, stderr: "" });
    expect(outcome.stdout.split("\n")).toEqual([
      "NAME  SERVER        STATE          RUNNING  AGE  IDLE  DISCONNECTS  OPENED BY  FOR     TITLE",
      "web   me@web:22     live           0        1m   1s    14m          cli cli    agents  \\x1b[2Jthe web",
      "db    root@db:2222  live (person)  2        1m   1s    never        cli cli    you",
      "",
    ]);
  });

  test("ls -q is a name a line, and nothing for none", async () => {
    expect(await run(["ls", "-q"], { env: { FAKE_SESSIONS: "1" } })).toMatchObject({ status: 0, stdout: "web\ndb\n" });
    expect(await run(["ls", "-q"])).toMatchObject({ status: 0, stdout: "" });
    expect(await run(["ls"])).toMatchObject({ status: 0, stdout: "no sessions\n" });
  });

  test("close", async () => {
    expect(await run(["close", "a", "b"])).toMatchObject({ status: 0, stdout: "closed a, b\n" });
    expect(await run(["close"])).toMatchObject({ status: 2, stdout: "" });
  });

  test("a command that needs a person is status 4, but 255 for exec", async () => {
    const refused = await run(["exec", "--batch", "h", "password"]);
    expect(refused.status).toBe(255);
    expect(refused.stderr).toContain("[AUTH_REQUIRED]\n  try: ssh-mcp connect user@host\n");
  });
});

describe("--json", () => {
  const document = (stdout: string): unknown => {
    expect(stdout).toEndWith("\n");
    expect(stdout.trimEnd()).not.toContain("\n");
    return JSON.parse(stdout);
  };

  test("exec keeps both outputs", async () => {
    const outcome = await run(["exec", "--json", "h", "echo", "a"]);
    expect(outcome).toMatchObject({ status: 0, stderr: "" });
    expect(document(outcome.stdout)).toMatchObject({
      target: "h",
      stdout: "a\n",
      stderr: "",
      exitCode: 0,
      truncated: false,
    });
  });

  test("exec cuts what is too long", async () => {
    const { stdout } = await run(["exec", "--json", "h", "flood", "3"]);
    expect(document(stdout)).toMatchObject({ truncated: true, stderr: "flooded\n" });
  });

  test("exec reads stdin", async () => {
    const { stdout } = await run(["exec", "--json", "h", "cat"], { stdin: "given" });
    expect(document(stdout)).toMatchObject({ stdout: "given" });
  });

  test("a remote failure is a result", async () => {
    const outcome = await run(["exec", "--json", "h", "exit", "7"]);
    expect(outcome).toMatchObject({ status: 7, stderr: "" });
    expect(document(outcome.stdout)).toMatchObject({ exitCode: 7, outcome: "exited" });
  });

  test("a timeout is a result with a word on stderr", async () => {
    const outcome = await run(["exec", "--json", "--timeout=2", "h", "late"]);
    expect(outcome.status).toBe(124);
    expect(outcome.stderr).toContain("[TIMEOUT]");
    expect(document(outcome.stdout)).toMatchObject({ outcome: "timedOut", exitCode: null, stopped: "dispatched" });
  });

  test("a failure is a document too", async () => {
    const outcome = await run(["--json", "exec", "h", "refuse", "CONNECT_REFUSED"]);
    expect(outcome.status).toBe(255);
    expect(outcome.stderr).toContain("[CONNECT_REFUSED]\n  try: ssh-mcp ls\n");
    expect(document(outcome.stdout)).toEqual({
      error: {
        code: "CONNECT_REFUSED",
        message: "host: \u001b[2Jrefused\nssh-mcp: all is well",
        hint: "ssh-mcp ls",
        retryable: true,
      },
    });
  });

  test("so is wrong usage", async () => {
    const outcome = await run(["exec", "--json", "--prot", "1", "h", "x"]);
    expect(outcome.status).toBe(2);
    expect(document(outcome.stdout)).toMatchObject({ error: { code: "USAGE", retryable: false } });
  });

  test("connect, ls and close print their results", async () => {
    expect(document((await run(["connect", "h", "--json"])).stdout)).toMatchObject({
      name: "h",
      banner: "\u001b[31mwelcome",
    });
    expect(document((await run(["ls", "--json"])).stdout)).toEqual({ sessions: [] });
    expect(document((await run(["close", "--all", "--json"])).stdout)).toEqual({ closed: ["web", "db"] });
  });

  test("nothing in it acts on a terminal", async () => {
    const { stdout } = await run(["exec", "--json", "h", "echo", "a\u009b2Jb\u202ec\u200dd"]);
    expect(stdout).toContain("a\\u009b2Jb\\u202ec\\u200dd");
    expect(document(stdout)).toMatchObject({ stdout: "a\u009b2Jb\u202ec\u200dd\n" });
  });

  test("help and version", async () => {
    expect(document((await run(["--version", "--json"])).stdout)).toEqual({ version: release });
    expect(document((await run(["exec", "--json", "--help"])).stdout)).toEqual({
      help: expect.stringContaining("USAGE"),
    });
  });
});

describe("usage", () => {
  test("nothing at all is help on stderr", async () => {
    const outcome = await run([]);
    expect(outcome).toMatchObject({ status: 2, stdout: "" });
    expect(outcome.stderr).toContain("USAGE ssh-mcp");
  });

  test("a mistake goes to stderr and reaches nobody", async () => {
    const { status, stdout, stderr, log } = await runLogged(["exec", "--prot", "22", "h", "rm", "-rf", "/"]);
    expect({ status, stdout }).toEqual({ status: 2, stdout: "" });
    expect(stderr).toBe(
      'ssh-mcp: exec has no option "--prot"; did you mean --port? [USAGE]\n  try: ssh-mcp exec --help\n',
    );
    expect(log.map((entry) => Object.keys(entry))).toEqual([["maxRssMiB"]]);
  });

  test("--version", async () => {
    expect(await run(["--version"])).toMatchObject({ status: 0, stdout: `${release}\n`, stderr: "" });
  });
});
