/** ssh_exec of the compiled binary against a real sshd, through the official client: what a model gets of a command. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { chmodSync } from "node:fs";
import { type Agent, startAgent } from "../../faces/agent.ts";
import { makeHome } from "../../faces/home.ts";
import { marked, nextMark } from "../../faces/marks.ts";
import { cleanup } from "../../support/cleanup.ts";
import { startRawServer } from "../../support/raw-server.ts";
import { startSshd } from "../../support/sshd.ts";
import { tempDir } from "../../support/temp.ts";
import { makeUser } from "../../support/users.ts";
import { waitFor, within } from "../../support/wait.ts";

afterAll(cleanup);

let agent: Agent;
let at: string;
beforeAll(async () => {
  const home = await makeHome();
  const user = await makeUser({ shell: "/bin/sh" });
  const sshd = await startSshd({ authorizedKeys: [home.key.line] });
  home.trust(sshd.knownHosts());
  at = `${user.name}@127.0.0.1:${sshd.port}`;
  agent = await startAgent(home.path);
}, 30_000);

const exec = (command: string, more: Record<string, unknown> = {}) =>
  agent.call("ssh_exec", { target: at, command, ...more });

describe("a command that ends", () => {
  test("with a status other than 0 is a result, and the text says as much as the structure", async () => {
    const { result, text, isError } = await exec("echo out; echo err >&2; exit 3");
    expect(isError).toBe(false);
    const { durationMs, outputId, ...facts } = result ?? {};
    expect(facts).toEqual({
      target: "127.0.0.1-2",
      stdout: "out\n",
      stderr: "err\n",
      exitCode: 3,
      signal: null,
      outcome: "exited",
      reason: null,
      stdoutBytes: 4,
      stderrBytes: 4,
      truncated: false,
      binary: [],
      stopped: null,
      hosts: null,
      jobId: null,
    });
    expect(text).toBe(
      `exit status 3 on 127.0.0.1-2, ${durationMs} ms, output ${outputId}\nstdout (4 bytes):\nout\n\nstderr (4 bytes):\nerr\n`,
    );
  });

  test.each([
    { command: "exit 0", exitCode: 0 },
    { command: "exit 255", exitCode: 255 },
    { command: "no-such-command 2>/dev/null", exitCode: 127 },
  ])("`$command` is no error", async ({ command, exitCode }) => {
    expect(await exec(command)).toMatchObject({ isError: false, result: { exitCode, outcome: "exited" } });
  });

  test("by a signal is no error either", async () => {
    const { result, isError, text } = await exec("kill -KILL $$");
    expect(isError).toBe(false);
    expect(result).toMatchObject({ outcome: "signaled", signal: "KILL", exitCode: null });
    expect(text).toStartWith("ended by signal KILL on 127.0.0.1-2, ");
  });

  test("reads empty input", async () => {
    expect((await exec("wc -c; read line || echo no line")).result).toMatchObject({ stdout: "0\nno line\n" });
  });

  test("got its line byte for byte", async () => {
    const line = "printf '%s|' 'ü €\u{1f600}' \"a  b\" \\\n  'c\\td' # a comment\nprintf '\\n$HOME'";
    expect((await exec(line)).result).toMatchObject({ stdout: "ü €\u{1f600}|a  b|c\\td|\n$HOME" });
  });
});

describe("output", () => {
  test("of a megabyte on each stream is cut to 16 KiB, head and tail, with exact counts", async () => {
    const all = Array.from({ length: 170_000 }, (_, index) => `${index + 1}\n`).join("");
    const { result, text, isError } = await exec("seq 1 170000; seq 1 170000 >&2");
    expect(isError).toBe(false);
    expect(all.length).toBeGreaterThan(1024 * 1024);
    expect(result).toMatchObject({ stdoutBytes: all.length, stderrBytes: all.length, truncated: true, exitCode: 0 });
    for (const stream of ["stdout", "stderr"]) {
      const kept = String(result?.[stream]);
      const [, head = "", bytes, lines, tail = ""] =
        /^(.*)\[… (\d+) bytes, (\d+) lines omitted: ssh_output .*? …\]\n(.*)$/s.exec(kept) ?? [];
      expect(all).toStartWith(head);
      expect(all).toEndWith(tail);
      expect(head.length + Number(bytes) + tail.length).toBe(all.length);
      expect(head.split("\n").length + Number(lines) + tail.split("\n").length - 2).toBe(170_000);
      // Whole lines only: less than a line is given up at each side of the cut.
      expect(head.length).toBeWithin(8192 - 7, 8192 + 1);
      expect(tail.length).toBeWithin(8192 - 7, 8192 + 1);
      expect(text).toContain(`${stream} (${all.length} bytes):\n${kept}`);
    }
  });

  test("that is one line of a megabyte is cut without a broken character", async () => {
    const { result } = await exec("yes é | head -n 524288 | tr -d '\\n'");
    expect(result).toMatchObject({ stdoutBytes: 1024 * 1024, truncated: true });
    expect(String(result?.["stdout"])).toMatch(
      /^é{4096}\n\[… 1032192 bytes, 0 lines omitted: ssh_output .* …\]\né{4096}$/,
    );
  });

  test("of an older encoding arrives as what can be read of it, and nothing of it acts in the text", async () => {
    const { result, text } = await exec("printf 'gr\\374n \\033[2J\\342\\200\\256a\\nb'; printf '\\200' >&2");
    expect(result).toMatchObject({
      stdout: "gr\ufffdn \x1b[2J\\u202ea\nb",
      stderr: "\ufffd",
      stdoutBytes: 15,
      binary: [],
    });
    expect(text).toContain("stdout (15 bytes):\ngr\ufffdn \\x1b[2J\\u202ea\nb\nstderr (1 bytes):\n\ufffd");
  });
});

describe("calls at once", () => {
  test("all eight of them run at the same time", async () => {
    const dir = tempDir("barrier");
    chmodSync(dir, 0o777);
    // Each waits until all eight have begun: one that had to wait for another's end would never end.
    const command = (index: number) =>
      `touch ${dir}/${index}; while [ "$(ls ${dir} | wc -l)" -lt 8 ]; do sleep 0.05; done; echo ${index}`;
    const answers = await Promise.all(Array.from({ length: 8 }, (_, index) => exec(command(index), { timeout: 20 })));
    expect(answers.map(({ result }) => result?.["stdout"])).toEqual(answers.map((_, index) => `${index}\n`));
  });

  test("are not delayed by one that is stuck, nor by a login that is", async () => {
    const mark = nextMark();
    const silent = await startRawServer("silent");
    const stuck = Promise.all([
      exec(`sleep ${mark}`),
      agent.call("ssh_exec", { target: `127.0.0.1:${silent.port}`, command: "true" }),
      agent.call("ssh_connect", { destination: `127.0.0.1:${silent.port}`, name: "silent", timeout: 600 }),
    ]);
    await waitFor(() => marked(mark).length > 0 && silent.accepted() > 0, { what: "both to be under way" });
    const others = Promise.all([
      exec("echo here"),
      agent.call("ssh_sessions"),
      agent.call("ssh_connect", { destination: at, name: "other" }),
      agent.call("ssh_disconnect", { targets: ["other"] }),
      agent.client.listTools(),
      agent.client.ping(),
    ]);
    const [echo, sessions] = await within(others, { what: "the other calls", timeout: 5000 });
    expect(echo.result).toMatchObject({ stdout: "here\n" });
    expect(sessions.result?.["sessions"]).toContainEqual(expect.objectContaining({ name: "127.0.0.1-2", running: 1 }));
    expect(marked(mark)).not.toEqual([]);
    await agent.call("ssh_disconnect", { all: true });
    const [command, ...logins] = await stuck;
    expect(command.result).toMatchObject({ outcome: "canceled", stopped: "confirmed" });
    expect(logins.map(({ error }) => error?.code)).toEqual(["CANCELED", "CANCELED"]);
    expect(marked(mark)).toEqual([]);
  });
});
