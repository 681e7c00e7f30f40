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
    expect(log[0]).toEqual({ noBroker: false });
    expect(log[1]).toEqual({
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
    expect(log[2]).toEqual({ exec: "caller --x", timeoutMs: null });
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
    expect(log.map((entry) => Object.keys(entry))).toEqual([["noBroker"], ["maxRssMiB"]]);
  });
});

describe("without the broker", () => {
  const ends = "ssh-mcp: the session ends with this command: no broker keeps it\n";

  test("is what --no-broker asks for", async () => {
    for (const words of [
      ["--no-broker", "connect", "h"],
      ["connect", "h", "--no-broker"],
    ]) {
      const { status, stderr, log } = await runLogged(words);
      expect({ status, stderr }).toEqual({ status: 0, stderr: ends });
      expect(log[0]).toEqual({ noBroker: true });
    }
  });

  test("says so when there is none, and goes on", async () => {
    const env = { FAKE_LOCAL: "1", FAKE_NOTES: "the home cannot be \u001b[2Jwritten\nno broker runs" };
    const notes = "ssh-mcp: the home cannot be \\x1b[2Jwritten\nssh-mcp: no broker runs\n";
    expect(await run(["exec", "h", "echo", "a"], { env })).toMatchObject({ status: 0, stdout: "a\n", stderr: notes });
    expect(await run(["connect", "h"], { env })).toMatchObject({ status: 0, stderr: notes + ends });
    const { stdout, stderr } = await run(["ls", "--json"], { env });
    expect(JSON.parse(stdout)).toEqual({ sessions: [], calls: null, pending: [] });
    expect(stderr).toBe(notes);
  });

  test("nothing is said to have changed that is kept by nobody", async () => {
    for (const words of [
      ["lend", "web"],
      ["unlend", "web"],
      ["close", "web"],
      ["close", "--all"],
    ]) {
      const { status, stdout, stderr, log } = await runLogged(words, { env: { FAKE_LOCAL: "1", FAKE_SESSIONS: "1" } });
      expect({ status, stdout }).toEqual({ status: 1, stdout: "" });
      expect(stderr).toBe(
        `ssh-mcp: ${words[0]} changes the sessions the broker keeps, and there is no broker [BROKER_UNAVAILABLE]\n` +
          "  try: ssh-mcp broker status\n",
      );
      expect(log.map((entry) => Object.keys(entry))).toEqual([["noBroker"], ["maxRssMiB"]]);
    }
  });
});

describe("beside the result", () => {
  test("a notice goes to stderr, escaped, and its second line cannot pass for ours", async () => {
    const words = ["h", "notice", "ESC[2JdiskNEWLINEssh-mcp: all is well"];
    const outcome = await run(["exec", ...words]);
    expect(outcome).toMatchObject({ status: 0, stdout: "done\n" });
    expect(outcome.stderr).toBe("ssh-mcp: \\x1b[2Jdisk\n  ssh-mcp: all is well\n");
    const { stdout, stderr } = await run(["exec", "--json", ...words]);
    expect(JSON.parse(stdout)).toMatchObject({ stdout: "done\n" });
    expect(stderr).toBe(outcome.stderr);
  });

  test("of the variables only those that are asked for are told", async () => {
    const { stdout } = await run(["exec", "h", "variables", "GATE", "NOT_SET"], { env: { GATE: "jump", OTHER: "x" } });
    expect(JSON.parse(stdout)).toEqual({ GATE: "jump" });
  });
});

describe("text for people", () => {
  test("connect", async () => {
    const outcome = await run(["connect", "me@h", "--title", "t"]);
    expect(outcome).toMatchObject({ status: 0, stderr: "" });
    expect(outcome.stdout).toStartWith("opened h: me@h port 22, live\n");
    expect(outcome.stdout).toEndWith("banner:\n\\x1b[31mwelcome\n");
  });

  test("ls is a table", async () => {
    const outcome = await run(["ls"], { env: { FAKE_SESSIONS: "1" } });
    expect(outcome).toMatchObject({ status: 0, stderr: "" });
    expect(outcome.stdout.split("\n")).toEqual([
      "NAME  DESTINATION   STATE        AGE  IDLE  LEFT   LENT  OPENED BY       TITLE",
      "web   web           live         1m   1s    14m    yes   mcp editor 1.0  \\x1b[2Jthe web",
      "db    root@db:2222  live,person  1m   busy  never  no    cli",
      "",
    ]);
  });

  test("ls -q is a name a line, and nothing for none", async () => {
    expect(await run(["ls", "-q"], { env: { FAKE_SESSIONS: "1" } })).toMatchObject({ status: 0, stdout: "web\ndb\n" });
    expect(await run(["ls", "-q"])).toMatchObject({ status: 0, stdout: "" });
    expect(await run(["ls"])).toMatchObject({ status: 0, stdout: "no sessions\n" });
  });

  test("ls fits the terminal it is printed on", async () => {
    const on = async (columns: number) =>
      (await shell(`script -qec 'stty cols ${columns}; FAKE_SESSIONS=1 '"$S"' ls' /dev/null </dev/null`)).stdout;
    const wide = await on(200);
    expect(wide).toContain("mcp editor 1.0  \\x1b[2Jthe web");
    for (const columns of [80, 75]) {
      const lines = (await on(columns)).split("\r\n");
      expect(lines).toHaveLength(4);
      expect(Math.max(...lines.map((line) => Bun.stringWidth(line)))).toBe(columns);
      expect(lines[1]).toContain("…");
    }
    // A terminal that does not say how wide it is.
    expect(await on(0)).toBe(await on(80));
  });

  test("ls --running is a table of what runs", async () => {
    const { stdout, status } = await run(["ls", "--running"], { env: { FAKE_SESSIONS: "1" } });
    expect(status).toBe(0);
    expect(stdout.split("\n")).toEqual([
      "ID  SESSION  AGE  BY              COMMAND",
      "7   db       1m   mcp editor 1.0  tail -f \\x1b[2Jlog",
      "",
    ]);
    expect(await run(["ls", "--running"])).toMatchObject({ status: 0, stdout: "nothing runs\n" });
  });

  test("lend and unlend", async () => {
    const env = { FAKE_SESSIONS: "1" };
    const lent = await runLogged(["lend", "web", "root@db"], { env });
    expect(lent).toMatchObject({ status: 1, stdout: "" });
    expect(lent.stderr).toBe('ssh-mcp: there is no session "root@db" [SESSION_NOT_FOUND]\n  try: ssh-mcp ls\n');
    expect(lent.log.filter((entry) => "lend" in entry)).toEqual([]);
    const back = await runLogged(["unlend", "web", "db"], { env });
    expect(back).toMatchObject({ status: 0, stdout: "took back web, db\n", stderr: "" });
    expect(back.log.filter((entry) => "lend" in entry)).toEqual([
      { lend: "web", lent: false },
      { lend: "db", lent: false },
    ]);
    expect(await run(["lend", "web"], { env })).toMatchObject({ status: 0, stdout: "lent web\n", stderr: "" });
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
    expect(document((await run(["ls", "--json"])).stdout)).toEqual({ sessions: [], calls: null, pending: [] });
    const env = { FAKE_SESSIONS: "1" };
    expect(document((await run(["ls", "--json", "--running"], { env })).stdout)).toMatchObject({
      sessions: [{ name: "web" }, { name: "db" }],
      calls: [{ id: "7", session: "db", command: "tail -f \u001b[2Jlog", by: { face: "mcp", client: "editor 1.0" } }],
    });
    expect(document((await run(["lend", "db", "--json"], { env })).stdout)).toEqual({ lent: ["db"] });
    expect(document((await run(["unlend", "db", "--json"], { env })).stdout)).toEqual({ unlent: ["db"] });
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
