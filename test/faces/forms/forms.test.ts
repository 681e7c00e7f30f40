/** How a command is run, as a person types it and as a model asks for it, through the compiled binary. */
import { afterAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { run as runBinary } from "../../support/binary.ts";
import { cleanup } from "../../support/cleanup.ts";
import { cleanEnv } from "../../support/command.ts";
import { startSshd } from "../../support/sshd.ts";
import { makeUser } from "../../support/users.ts";
import { startAgent } from "../agent.ts";
import { makeHome } from "../home.ts";

afterAll(cleanup);
setDefaultTimeout(30_000);

const home = await makeHome();
const user = await makeUser();
const sshd = await startSshd({ authorizedKeys: [home.key.line] });
home.trust(sshd.knownHosts());
home.configure(`Host web\n  HostName 127.0.0.1\n  Port ${sshd.port}\n  User ${user.name}\n`);
const run = (args: readonly string[], stdin?: string, env: Readonly<Record<string, string>> = {}) =>
  runBinary(args, { home: home.path, env: { ...cleanEnv, ...env }, ...(stdin === undefined ? {} : { stdin }) });
const agent = await startAgent(home.path);

describe("a person", () => {
  test.each<[string[], string]>([
    [["-w", "/tmp", "-e", "A=one two", "-e", "B_2=x=y", "web", "pwd; echo $A/$B_2"], "/tmp\none two/x=y\n"],
    [["-w", "~", "web", "pwd"], `${user.home}\n`],
    [["--interpreter", "sh", "web", "echo $0"], "/bin/sh\n"],
    [["--interpreter=bash", "-w/", "web", "--", "echo $0; pwd"], "/usr/bin/bash\n/\n"],
    [["--argv", "web", "printf", "[%s]", "a b", "", "$HOME", "it's", "-w"], "[a b][][$HOME][it's][-w]"],
    [["--argv", "-w", "/tmp", "web", "--", "printf", "[%s]", "new\nline", "\\", "!x"], "[new\nline][\\][!x]"],
    [["--stdin", "from the words", "web", "cat"], "from the words"],
    [["--stdin-base64", "AGE=", "web", "od -An -c"], "  \\0   a\n"],
    [["web", "cat"], "streamed"],
    [["-w", "/", "web", "cat; pwd"], "streamed/\n"],
    [["-n", "-w", "/", "web", "cat; pwd"], "/\n"],
  ])("types exec %j", async (args, stdout) => {
    expect(await run(["exec", ...args], "streamed")).toMatchObject({ stdout, stderr: "", status: 0 });
  });

  test("leaves a value to its own environment", async () => {
    const env = { TOKEN: "to'ken\nvalue" };
    expect(await run(["exec", "-e", "TOKEN", "web", 'printf %s "$TOKEN"'], "", env)).toMatchObject({
      stdout: env.TOKEN,
    });
    expect(await run(["exec", "-e", "NO_SUCH", "web", "true"], "")).toMatchObject({ status: 2, stdout: "" });
  });

  test.each<[string[], number, string]>([
    [["web"], 2, "exec needs a COMMAND"],
    [["--argv", "web"], 2, "exec needs a COMMAND"],
    [["-w", "/tmp", "web", "--"], 2, "exec needs a COMMAND"],
    [["-e", "=x", "web", "true"], 2, "--env takes NAME=VALUE"],
    [["--interpreter", "perl", "web", "true"], 2, "--interpreter takes sh, bash"],
    [["-e", "constructor=x", "web", "true"], 2, '"constructor" is no name that is taken here [INVALID_INPUT]'],
    [["-e", "__proto__=x", "web", "true"], 2, '"__proto__" is no name that is taken here [INVALID_INPUT]'],
    [["-w", "/no/such", "web", "true"], 255, "try: ssh-mcp exec web -- ls -la /no"],
    [["-e", "1A=x", "web", "true"], 2, '"1A" is no name of a variable [INVALID_INPUT]'],
    [
      ["-w", "/no/such", "web", "touch proof"],
      255,
      'the server has no directory "/no/such": the command was not run [NOT_FOUND]',
    ],
    [["-w", "/root", "web", "touch proof"], 255, 'may not enter "/root": the command was not run [REMOTE_PERMISSION]'],
    [
      ["--stdin=a", "--stdin-base64=YQ==", "web", "touch proof"],
      2,
      "cannot be given together with stdin [INVALID_INPUT]",
    ],
    [["--timeout=-1", "web", "touch proof"], 2, "--timeout"],
    [["--interpreter=none", "-w", "/", "web", "touch proof"], 2, "does not go with interpreter none [INVALID_INPUT]"],
  ])("is told of exec %j", async (args, status, said) => {
    const outcome = await run(["exec", ...args], "");
    expect(outcome).toMatchObject({ status, stdout: "" });
    expect(outcome.stderr).toContain(said);
  });

  test("has a script of 400 KB run, with its input", async () => {
    const lines = Array.from({ length: 4000 }, (_, index) => `n${index}='${"x".repeat(80)}'`);
    const words = [...lines, "cat; exit 6"].map((line) => `${line}\n`);
    expect(words.join(" ").length).toBeGreaterThan(350_000);
    expect(await run(["exec", "web", "--", ...words], "the input")).toMatchObject({ stdout: "the input", status: 6 });
  });

  test("gets a terminal where it asks for one, of its own or made up", async () => {
    const made = await run(["exec", "-t", "web", "tty >/dev/null && stty size; cat"], "typed\n");
    expect(made).toMatchObject({ status: 0, stderr: "" });
    expect(made.stdout).toContain("24 80\r\n");
    // Once as its echo, and once as what was read.
    expect(made.stdout.match(/typed\r\n/g)).toHaveLength(2);
    const own = home.type(
      `ssh-mcp exec -t -w /tmp web 'pwd; stty size; read x; echo "got $x"; stty -a | grep -c " icanon"'; stty -a | grep -ow -- "-*echo"`,
    );
    await own.waitFor(/\d+ \d+\n/);
    own.type("hello\r");
    await own.waitFor(/got hello/);
    await own.exit();
    expect(own.text()).toMatch(/^\/tmp\n\d+ \d+\nhello\ngot hello\n1\necho\n$/);
  });

  test("gives up on a silent command", async () => {
    const { stdout, status } = await run(["exec", "--json", "--idle-timeout", "1s", "web", "echo begun; sleep 60"], "");
    expect(status).toBe(124);
    expect(JSON.parse(stdout)).toMatchObject({
      ...{ outcome: "timedOut", stdout: "begun\n" },
      reason: "there was no byte of output for 1s",
    });
  });
});

describe("a model", () => {
  test("runs a command with all that it can be given", async () => {
    const env = { A: "one\ntwo", _B: "" };
    const { result } = await agent.call("ssh_exec", {
      ...{ target: "web", command: 'pwd; printf "[%s]" "$A" "$_B"; cat; exit 3' },
      ...{ cwd: "/tmp", env, stdin: "the input" },
    });
    expect(result).toMatchObject({ exitCode: 3, stdout: "/tmp\n[one\ntwo][]the input", stderr: "" });
    const words = await agent.call("ssh_exec", { target: "web", argv: ["printf", "[%s]", "a\\b", "!", "n\nl", ""] });
    expect(words.result).toMatchObject({ exitCode: 0, stdout: "[a\\b][!][n\nl][]" });
    const terminal = await agent.call("ssh_exec", {
      target: "web",
      command: "echo $TERM; stty size; cat",
      pty: true,
      cwd: "/",
    });
    expect(terminal.result).toMatchObject({ exitCode: 0, stdout: "dumb\r\n24 80\r\n" });
  });

  test.each([
    [{ command: "true", cwd: "/no/such" }, "NOT_FOUND"],
    [{ command: "true", env: { "A B": "x" } }, "INVALID_INPUT"],
    [{ command: "true", timeout: -1 }, "INVALID_INPUT"],
    [{ command: " " }, "INVALID_INPUT"],
    [{ command: "a\0b" }, "INVALID_INPUT"],
    [{}, "INVALID_INPUT"],
    [{ command: "true", argv: ["true"] }, "INVALID_INPUT"],
    [{ command: "true", stdinBase64: "?" }, "INVALID_INPUT"],
  ])("is told what does not fit: %j", async (input, code) => {
    const { error } = await agent.call("ssh_exec", { target: "web", ...input });
    expect(error).toMatchObject({ code });
  });
});
