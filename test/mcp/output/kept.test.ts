/** What a model gets of long, endless, binary and abandoned output, from the compiled binary and a real sshd. */
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { type Agent, startAgent } from "../../faces/agent.ts";
import { makeHome } from "../../faces/home.ts";
import { brokerOf } from "../../support/brokers.ts";
import { cleanup } from "../../support/cleanup.ts";
import { connectMcp } from "../../support/mcp-client.ts";
import { mebibyte, watchMemory } from "../../support/memory.ts";
import { startSshd } from "../../support/sshd.ts";
import { makeUser } from "../../support/users.ts";
import { waitFor } from "../../support/wait.ts";

afterAll(cleanup);
setDefaultTimeout(30_000);

let home: string;
let agent: Agent;
beforeAll(async () => {
  const made = await makeHome();
  home = made.path;
  const user = await makeUser({ shell: "/bin/sh" });
  const sshd = await startSshd({ authorizedKeys: [made.key.line] });
  made.trust(sshd.knownHosts());
  made.configure(`Host h\n  HostName 127.0.0.1\n  Port ${sshd.port}\n  User ${user.name}\n`);
  agent = await startAgent(home);
});

const exec = (command: string, more: Record<string, unknown> = {}) =>
  agent.call("ssh_exec", { target: "h", command, ...more });
const read = (id: unknown, more: Record<string, unknown> = {}) => agent.call("ssh_output", { id, ...more });

test("what was cut is read on by the very call that the cut names", async () => {
  const { result, text } = await exec("seq 1 20000");
  const [, named = ""] = /bytes, \d+ lines omitted: ssh_output (\{[^}]*\}) …\]/.exec(text) ?? [];
  const rest = await agent.call("ssh_output", JSON.parse(named));
  const [head = ""] = String(result?.["stdout"]).split("[…");
  expect(rest.result?.["content"]).toStartWith(`${Number(head.trim().split("\n").at(-1)) + 1}\n`);
  expect(rest.result).toMatchObject({ bytes: 108_894, lines: 20_000, keptFrom: 0, more: true, running: false });
});

test("maxOutput says how much is returned, from nothing on", async () => {
  const { result } = await exec("seq 1 1000", { maxOutput: 0 });
  expect(result).toMatchObject({ stdoutBytes: 3893, truncated: true });
  expect(result?.["stdout"]).toMatch(
    /^\[… 3893 bytes, 1000 lines omitted: ssh_output \{"id":"\w+","offset":0\} …\]\n$/,
  );
  const whole = await exec("seq 1 20000", { maxOutput: 200_000 });
  expect(whole.result).toMatchObject({ truncated: false, stdout: expect.stringMatching(/\n10000\n[\s\S]*\n20000\n$/) });
  for (const maxOutput of [-1, 1.5, 4 * mebibyte + 1]) {
    expect((await exec("true", { maxOutput })).error?.code).toBe("INVALID_INPUT");
  }
});

test("bytes that are no text are said to be none, and come whole as base64", async () => {
  const { result, text } = await exec("printf 'a\\000\\377b'; echo fine >&2");
  expect(result).toMatchObject({ binary: ["stdout"], stdoutBytes: 4, stderr: "fine\n" });
  expect(text).toContain("[binary: 4 bytes; ssh_output");
  const page = await read(result?.["outputId"], { encoding: "base64" });
  expect(page.result).toMatchObject({
    content: Buffer.from("a\0\xffb", "latin1").toString("base64"),
    encoding: "base64",
  });
});

test("neither the text nor the structure hides anything", async () => {
  const { result, text } = await exec(
    "printf '\\033[2J \\342\\200\\256 \\342\\200\\213 \\302\\233 \\363\\240\\201\\201'",
  );
  const hidden = "\\u202e \\u200b \\x9b \\u{e0041}";
  expect(text).toContain(`\\x1b[2J ${hidden}`);
  expect(result?.["stdout"]).toBe(`\x1b[2J ${hidden}`);
  const page = await read(result?.["outputId"]);
  expect(page.text).toContain(`\\x1b[2J ${hidden}`);
});

describe("an output is", () => {
  test("its maker's alone, and another's and none are the same", async () => {
    const { result } = await exec("echo mine");
    const other = await startAgentNamed("other");
    const id = String(result?.["outputId"]);
    const messages = await Promise.all(
      [id, "o0000000000"].map(async (each) => {
        const answer = await other.client.callTool({ name: "ssh_output", arguments: { id: each } });
        expect(answer.isError).toBe(true);
        return JSON.stringify(answer).replaceAll(each, "ID");
      }),
    );
    expect(messages[0]).toContain("NOT_FOUND");
    expect(messages[0]).toBe(messages[1] ?? "");
    expect((await read(id)).result?.["content"]).toBe("mine\n");
  });

  test("read while its command still runs", async () => {
    const before = await lastOutputId();
    const running = exec("echo begun; sleep 60", { timeout: 20 });
    const listedNow = async () => {
      const now = await lastOutputId();
      return now === before ? null : now;
    };
    const id = await waitFor(listedNow, { what: "the output to be listed" });
    const page = await waitFor(
      async () => {
        const { result } = await read(id);
        return result?.["bytes"] === 6 ? result : null;
      },
      { what: "the first line" },
    );
    expect(page).toMatchObject({ content: "begun\n", running: true, nextOffset: 6, more: false });
    const listed = await agent.call("ssh_sessions", { running: true });
    expect(listed.result?.["calls"]).toHaveLength(1);
    await agent.call("ssh_disconnect", { targets: ["h"] });
    expect((await running).result).toMatchObject({ outcome: "canceled", stdout: "begun\n", outputId: id });
  });
});

test("a call that was abandoned leaves its output where ssh_sessions says", async () => {
  await exec("true");
  const before = await lastOutputId();
  const canceler = new AbortController();
  const abandoned = agent
    .call("ssh_exec", { target: "h", command: "echo kept; sleep 61" }, { signal: canceler.signal })
    .catch((error: unknown) => error);
  const id = await waitFor(
    async () => {
      const now = await lastOutputId();
      return now !== null && now !== before && (await read(now)).result?.["content"] === "kept\n" ? now : null;
    },
    { what: "its output" },
  );
  canceler.abort();
  expect(await abandoned).toBeInstanceOf(Error);
  const ended = await waitFor(
    async () => {
      const { result } = await read(id);
      return result?.["running"] === false ? result : null;
    },
    { what: "the stop ladder to be over" },
  );
  expect(ended).toMatchObject({ content: "kept\n", nextOffset: null });
  expect(await lastOutputId()).toBe(id);
  await agent.call("ssh_disconnect", { targets: ["h"] });
});

test.each([
  { what: "yes", command: "yes", timeout: 4, lines: true },
  {
    what: "a gigabyte without a newline",
    command: "head -c 1073741824 /dev/zero | tr '\\0' a",
    timeout: 45,
    lines: false,
  },
])(
  "$what stays within bounds, is stopped, and leaves the loop to others",
  async ({ command, timeout, lines }) => {
    await exec("true");
    const watch = watchMemory({ broker: brokerOf(home), serve: agent.pid });
    const { result } = await exec(command, { timeout });
    const grown = watch.end();
    expect(result).toMatchObject(
      lines ? { outcome: "timedOut", stopped: "confirmed" } : { outcome: "exited", stdoutBytes: 1024 * mebibyte },
    );
    // Both were seen to grow by less than half of it.
    expect(grown["broker"]).toBeLessThan(256 * mebibyte);
    expect(grown["serve"]).toBeLessThan(64 * mebibyte);
    const page = await read(result?.["outputId"], { tail: 1, length: 10 });
    expect(page.result).toMatchObject({ content: lines ? "y\n" : "a".repeat(10), bytes: result?.["stdoutBytes"] });
    const { keptFrom, bytes } = page.result as { keptFrom: number; bytes: number };
    expect(bytes - keptFrom).toBeGreaterThan(7.9 * mebibyte);
    expect(bytes - keptFrom).toBeLessThanOrEqual(8 * mebibyte);
  },
  100_000,
);

test("progress says what runs, for how long, and the last line, escaped, when it was asked for", async () => {
  const said: string[] = [];
  const running = agent.call(
    "ssh_exec",
    { target: "h", command: "echo first; printf 'half \\033[1mway\\n'; sleep 7" },
    { onprogress: ({ message }) => void said.push(message ?? "") },
  );
  await waitFor(() => said.length > 0, { what: "progress", timeout: 15_000 });
  expect(said[0]).toMatch(/^running on h, \d+ s: half \\x1b\[1mway$/);
  await running;
});

const lastOutputId = async (): Promise<string | null> => {
  const { result } = await agent.call("ssh_sessions");
  const [row] = (result?.["sessions"] ?? []) as { lastOutputId: string | null }[];
  return row?.lastOutputId ?? null;
};

const startAgentNamed = (name: string) => connectMcp({ home, name });
