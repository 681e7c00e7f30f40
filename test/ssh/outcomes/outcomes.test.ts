/** What a command's end is told as: the status that the server gave, and never one that it did not. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import type { Connection } from "../../../src/ssh/connection.ts";
import { cleanup } from "../../support/cleanup.ts";
import { makeKey } from "../../support/keys.ts";
import { startProxy } from "../../support/proxy.ts";
import { startScriptedServer } from "../../support/scripted-server.ts";
import { endOf } from "../../support/ssh-packet.ts";
import { type Sshd, startSshd } from "../../support/sshd.ts";
import { makeUser } from "../../support/users.ts";
import { waitFor } from "../../support/wait.ts";
import { open, run } from "../open.ts";

let sshd: Sshd;
let connection: Connection;
let login: { user: string; keys: string[] };
beforeAll(async () => {
  const [key, user] = await Promise.all([makeKey(), makeUser({ shell: "/bin/sh" })]);
  sshd = await startSshd({ authorizedKeys: [key.line] });
  login = { user: user.name, keys: [key.path] };
  connection = await open({ port: sshd.port, ...login });
});
afterAll(cleanup);

describe("OpenSSH's own cases", () => {
  // regress/exit-status.sh of OpenSSH portable.
  test.each([0, 1, 4, 5, 44, 255])("status %i", async (status) => {
    expect(await run(connection, `exit ${status}`)).toMatchObject({ outcome: "exited", exitCode: status });
    // With a wait before it, and with output that is not read to its end by then.
    const late = await run(connection, `sleep 0.1; echo; exec sh -c 'sleep 0.1; exec >/dev/null 2>&1; exit ${status}'`);
    expect(late).toMatchObject({ outcome: "exited", exitCode: status, stdout: "\n" });
  });

  test.each(["INT", "TERM", "KILL", "HUP", "SEGV", "USR1"])("signal %s", async (signal) => {
    expect(await run(connection, `kill -${signal} $$`)).toMatchObject({ outcome: "signaled", exitCode: null, signal });
  });
});

type End = ReturnType<typeof endOf>;
const cases: Record<string, { end: (end: End) => void; expected: object }> = {
  "256 is not 0": {
    end: (end) => {
      end.status(256);
      end.eof();
      end.close();
    },
    expected: { outcome: "exited", exitCode: 256 },
  },
  "0xC0000100 is not 0": {
    end: (end) => {
      end.status(0xc0000100);
      end.eof();
      end.close();
    },
    expected: { outcome: "exited", exitCode: 0xc0000100 },
  },
  "a signal with a core dump": {
    end: (end) => {
      end.signal("SEGV", true);
      end.eof();
      end.close();
    },
    expected: { outcome: "signaled", exitCode: null, signal: "SEGV" },
  },
  "a signal that nobody knows": {
    end: (end) => {
      end.signal("SPAM@example.com", false);
      end.eof();
      end.close();
    },
    expected: { outcome: "signaled", exitCode: null, signal: "SPAM@example.com" },
  },
  "the status before the data": {
    end: (end) => {
      end.status(7);
      end.data("late\n");
      end.eof();
      end.close();
    },
    expected: { outcome: "exited", exitCode: 7, stdout: "late\n" },
  },
  "of two statuses the first": {
    end: (end) => {
      end.status(3);
      end.status(0);
      end.eof();
      end.close();
    },
    expected: { outcome: "exited", exitCode: 3 },
  },
  "a status, then a signal": {
    end: (end) => {
      end.status(3);
      end.signal("TERM", false);
      end.eof();
      end.close();
    },
    expected: { outcome: "exited", exitCode: 3, signal: null },
  },
  "a close without an end of the data": {
    end: (end) => {
      end.data("all\n");
      end.status(5);
      end.close();
    },
    expected: { outcome: "exited", exitCode: 5, stdout: "all\n" },
  },
  "no status": {
    end: (end) => {
      end.data("some\n");
      end.eof();
      end.close();
    },
    expected: {
      ...{ outcome: "unknown", exitCode: null, stdout: "some\n" },
      reason: "the server closed the channel without an exit status",
    },
  },
  "nothing but a close": { end: (end) => end.close(), expected: { outcome: "unknown", exitCode: null } },
  "a status after the close": {
    end: (end) => {
      end.eof();
      end.close();
      end.status(0);
    },
    expected: { outcome: "unknown", exitCode: null },
  },
};

test.each(Object.entries(cases))("from a server that says: %s", async (_name, { end, expected }) => {
  const server = await startScriptedServer({ exec: (one) => end(endOf(one.connection, one.accept())) });
  expect(await run(await open({ port: server.port, user: "tester" }), "go")).toMatchObject(expected);
  expect(server.runs).toHaveLength(1);
});

test("an end of the data without a close is no end: only the time limit ends it", async () => {
  const server = await startScriptedServer({
    exec: (one) => {
      if (one.command !== "go") return one.refuse();
      const end = endOf(one.connection, one.accept());
      end.data("all\n");
      end.eof();
    },
  });
  const result = await run(await open({ port: server.port, user: "tester" }), "go", { timeoutMs: 300 });
  expect(result).toMatchObject({ outcome: "timedOut", exitCode: null, stdout: "all\n", stopped: "unconfirmed" });
});

test("a link that dies in the middle of a command: unknown within a second, with the output that had come", async () => {
  for (const kind of ["close", "reset"] as const) {
    const proxy = await startProxy(sshd);
    let text = "";
    const running = run(await open({ port: proxy.port, ...login }), "echo so far; sleep 30", {
      onStdout: (all) => {
        text = all;
      },
    });
    await waitFor(() => text === "so far\n", { what: "output" });
    const cutAt = performance.now();
    proxy.cut(kind);
    expect(await running).toMatchObject({ outcome: "unknown", exitCode: null, stdout: "so far\n", stopped: null });
    expect(performance.now() - cutAt).toBeLessThan(1000);
  }
});

test("a peer that goes silent: unknown one interval after the last keepalive that counts, with the output that had come", async () => {
  const proxy = await startProxy(sshd);
  const keepalive = { intervalMs: 500, countMax: 3 };
  let text = "";
  const running = run(await open({ port: proxy.port, ...login, keepalive }), "echo so far; sleep 30", {
    onStdout: (all) => {
      text = all;
    },
  });
  await waitFor(() => text === "so far\n", { what: "output" });
  const silentAt = performance.now();
  proxy.freeze();
  expect(await running).toMatchObject({ outcome: "unknown", exitCode: null, stdout: "so far\n", stopped: null });
  // By the default of fifteen seconds that is a minute at most.
  expect(performance.now() - silentAt).toBeLessThan(4 * keepalive.intervalMs + 1000);
});

test("input larger than the window arrives whole, and a command that does not read it ends when it likes", async () => {
  const large = Buffer.alloc(8 * 1024 * 1024, "0123456789abcdef");
  const hash = new Bun.CryptoHasher("sha256").update(large).digest("hex");
  expect((await run(connection, "sha256sum", { stdin: [large] })).stdout).toStartWith(hash);
  expect(await run(connection, "exit 3", { stdin: [large, large] })).toMatchObject({ exitCode: 3 });
  expect(await run(connection, "echo still here")).toMatchObject({ stdout: "still here\n" });
});

test("a command that closes its output and goes on is waited for, and its status is its own", async () => {
  expect(await run(connection, "exec >&- 2>&-; sleep 0.5; exit 9")).toMatchObject({ outcome: "exited", exitCode: 9 });
});

test("fifty megabytes of error output hang nothing", async () => {
  const result = await run(connection, "head -c 50000000 /dev/zero >&2; echo done; exit 4");
  expect(result).toMatchObject({ outcome: "exited", exitCode: 4, stdout: "done\n", stderrBytes: 50_000_000 });
});

test("a gigabyte without a newline passes through a memory that stays as it was", async () => {
  const before = process.memoryUsage().rss;
  let most = 0;
  let bytes = 0;
  const discard = {
    write: async (chunk: Uint8Array) => {
      bytes += chunk.length;
      most = Math.max(most, process.memoryUsage().rss);
    },
  };
  const result = await connection.exec(
    {
      ...{ command: "head -c 1000000000 /dev/zero", timeoutMs: null },
      ...{ stdin: (async function* () {})(), stdout: discard, stderr: discard },
    },
    new AbortController().signal,
  );
  expect(result).toMatchObject({ outcome: "exited", exitCode: 0, stdoutBytes: 1_000_000_000 });
  expect(bytes).toBe(1_000_000_000);
  expect(most - before).toBeLessThan(256 * 1024 * 1024);
});
