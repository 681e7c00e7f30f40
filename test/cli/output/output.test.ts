/** Output of commands as a person and a script have it: raw in a pipe, harmless on a terminal, kept when asked for. By the compiled binary and a real sshd. */
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { type Home, makeHome } from "../../faces/home.ts";
import { run } from "../../support/binary.ts";
import { cleanup } from "../../support/cleanup.ts";
import { startSshd } from "../../support/sshd.ts";
import { startInTerminal } from "../../support/terminal.ts";
import { makeUser } from "../../support/users.ts";

afterAll(cleanup);
setDefaultTimeout(30_000);

let home: Home;
beforeAll(async () => {
  home = await makeHome();
  const user = await makeUser({ shell: "/bin/sh" });
  const sshd = await startSshd({ authorizedKeys: [home.key.line] });
  home.trust(sshd.knownHosts());
  home.configure(`Host h\n  HostName 127.0.0.1\n  Port ${sshd.port}\n  User ${user.name}\n`);
  expect((await ssh("connect", "h")).status).toBe(0);
});

const ssh = (...words: string[]) => run(words, { home: home.path });

const clipboard = "\x1b]52;c;aGVsbG8=\x07";
const hostile = String.raw`printf '\033]52;c;aGVsbG8=\007\033[31mred\033[0m \033]0;title\033\\ \033[6n \302\233 end\n'`;
const shownSafely = "\\x1b]52;c;aGVsbG8=\x07\x1b[31mred\x1b[0m \\x1b]0;title\\x1b\\ \\x1b[6n \\x9b end\r\n";
const shownRaw = `${clipboard}\x1b[31mred\x1b[0m \x1b]0;title\x1b\\ \x1b[6n \u009b end\r\n`;

describe("on a terminal, what a server sends", () => {
  const screenOf = async (...words: string[]): Promise<string> => {
    const terminal = startInTerminal(words, { home: home.path });
    expect(await terminal.exit()).toBe(0);
    return terminal.raw();
  };

  test("does nothing to it, on the warm path, with options, and on standard error", async () => {
    expect(await screenOf("exec", "h", hostile)).toBe(shownSafely);
    expect(await screenOf("exec", "--no-stdin", "h", hostile)).toBe(shownSafely);
    expect(await screenOf("exec", "h", `${hostile} >&2`)).toBe(shownSafely);
  });

  test("passes with --raw", async () => {
    expect(await screenOf("exec", "--raw", "h", hostile)).toBe(shownRaw);
  });

  test("is written out where it is no UTF-8", async () => {
    expect(await screenOf("exec", "h", String.raw`printf '\377 \344 \303\251\n'`)).toBe("\\xff \\xe4 é\r\n");
  });

  test("is not waited for by a job: it has no input there", async () => {
    expect(await screenOf("exec", "--on-timeout", "background", "--timeout", "15", "h", "cat; echo hi")).toBe("hi\r\n");
  });

  test("is shown to its end when that is half a sequence", async () => {
    expect(await screenOf("exec", "h", String.raw`printf 'a\033[3'`)).toBe("a\\x1b[3");
  });

  test("passes where the command has a terminal of its own, which this one shows", async () => {
    expect(await screenOf("exec", "-t", "h", hostile)).toContain(clipboard);
  });

  test("and was kept, is as harmless when it is read again", async () => {
    const id = await keptId(hostile);
    expect(await screenOf("output", id)).toBe(shownSafely);
    expect(await screenOf("output", "--raw", id)).toBe(shownRaw);
  });
});

test("in a pipe every byte is the server's", async () => {
  const all = String.raw`i=0; while [ $i -lt 256 ]; do printf "\\$(printf %03o $i)"; i=$((i+1)); done`;
  const bytes = Uint8Array.from({ length: 256 }, (_, index) => index);
  expect((await ssh("exec", "h", all)).stdoutBytes).toEqual(bytes);
  expect((await ssh("exec", "h", `{ ${all}; } >&2`)).stderrBytes).toEqual(bytes);
  expect((await ssh("output", await keptId(all))).stdoutBytes).toEqual(bytes);
});

/** Runs a command with --keep. @returns the id of what is kept */
const keptId = async (command: string): Promise<string> => {
  const { stderr } = await ssh("exec", "--keep", "h", command);
  const [, id = ""] = /output kept: ssh-mcp output (o[0-9a-f]+)\n$/.exec(stderr) ?? [];
  expect(id).not.toBe("");
  return id;
};

describe("a kept output", () => {
  test("is all there, several answers long, and paged", async () => {
    const id = await keptId("seq 1 400000; echo problem >&2");
    const all = Array.from({ length: 400_000 }, (_, index) => `${index + 1}\n`).join("");
    const printed = await ssh("output", id);
    expect(printed.stdout === all).toBe(true);
    expect(printed.stderr).toBe("");
    expect((await ssh("output", id, "--stream", "stderr")).stdout).toBe("problem\n");
    expect((await ssh("output", id, "--tail", "2")).stdout).toBe("399999\n400000\n");
    expect((await ssh("output", id, "--line", "10", "--lines", "2")).stdout).toBe("10\n11\n");
    expect((await ssh("output", id, "--line", "399998")).stdout).toBe("399998\n399999\n400000\n");
    const page = await ssh("output", id, "--offset", "2", "--length", "3");
    expect([page.stdout, page.stderr]).toEqual(["2\n3", "ssh-mcp: more is there: --offset 5\n"]);
    expect((await ssh("output", id, "--grep", "^39999[89]$", "--context", "1")).stdout).toBe(
      "399997-399997\n399998:399998\n399999:399999\n400000-400000\n",
    );
    expect((await ssh("output", id, "--encoding", "base64", "--length", "4")).stdout).toBe("MQoyCg==\n");
    const { stdout } = await ssh("output", id, "--json", "--tail", "1");
    expect(JSON.parse(stdout)).toMatchObject({ outputId: id, content: "400000\n", line: 400_000, nextOffset: null });
  });

  test("that was too much is not printed as if it were whole", async () => {
    const id = await keptId("head -c 10000000 /dev/zero | tr '\\0' a");
    const printed = await ssh("output", id);
    expect(printed.status).toBe(1);
    expect(printed.stderr).toBe(
      `ssh-mcp: the output from its begin to byte ${10_000_000 - printed.stdout.length} (line 1) is not kept any more\n`,
    );
    expect((await ssh("output", id, "--json", "--offset", "0", "--length", "1")).status).toBe(1);
    expect((await ssh("output", id, "--tail", "1", "--grep", "b")).status).toBe(1);
  });

  test("goes with --json, and is named in the document alone", async () => {
    const { stdout, stderr } = await ssh("exec", "--keep", "--json", "--max-output", "0", "h", "echo one");
    const { outputId, ...result } = JSON.parse(stdout);
    expect(stderr).toBe("");
    expect(result).toMatchObject({ truncated: true, stdoutBytes: 4, binary: [] });
    expect(result.stdout).toBe(`[… 4 bytes, 1 line omitted: ssh-mcp output ${outputId} --offset 0 …]\n`);
    expect((await ssh("output", outputId)).stdout).toBe("one\n");
    const [row] = JSON.parse((await ssh("ls", "--json")).stdout).sessions;
    expect(row.lastOutputId).toBe(outputId);
  });

  test("is not there unless it was asked for", async () => {
    expect(JSON.parse((await ssh("exec", "--json", "h", "true")).stdout)).toMatchObject({ outputId: null });
  });
});

describe("refused, with nothing sent", () => {
  test.each([
    { words: ["output", "o0000000000"], status: 1, says: /\[NOT_FOUND\]/ },
    { words: ["output", "o0000000000", "--line", "0"], status: 2, says: /\[INVALID_INPUT\]/ },
    {
      words: ["output", "o0000000000", "--line", "1", "--tail", "1"],
      status: 2,
      says: /--tail: cannot be given beside --line/,
    },
    { words: ["output", "o0000000000", "--context", "1"], status: 2, says: /nothing without --grep/ },
    { words: ["output"], status: 2, says: /\[USAGE\]/ },
    { words: ["exec", "--max-output", "5", "h", "echo sent >&2"], status: 2, says: /--max-output goes with --json/ },
    { words: ["exec", "--json", "--max-output", "-1", "h", "echo sent >&2"], status: 2, says: /max-output/ },
    { words: ["exec", "--keep", "--no-broker", "h", "echo sent >&2"], status: 2, says: /not both/ },
    { words: ["exec", "--json", "--raw", "h", "echo sent >&2"], status: 2, says: /not both/ },
  ])("$words", async ({ words, status, says }) => {
    const outcome = await ssh(...words);
    expect(outcome.status).toBe(status);
    expect(outcome.stderr).toMatch(says);
    expect(outcome.stderr).not.toMatch(/^sent/m);
  });
});
