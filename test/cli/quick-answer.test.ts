/** Answers to a plain `exec`, plain ones and others, from a broker that is played: each comes out once, whole and in order. */
import { afterAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { encodeFrame, frameType } from "../../src/broker/wire/frame.ts";
import { encodeControl } from "../../src/broker/wire/protocol.ts";
import { listenOnSocket } from "../../src/broker/wire/socket-transport.ts";
import { brokerPlace, makeBrokerPlace } from "../../src/files/broker-place.ts";
import { RawPeer } from "../broker/process/raw-peer.ts";
import { buildOnce, start } from "../support/binary.ts";
import { cleanup, onCleanup } from "../support/cleanup.ts";
import type { RunningProgram } from "../support/program.ts";
import { tempDir } from "../support/temp.ts";
import { waitFor } from "../support/wait.ts";

afterAll(cleanup);
setDefaultTimeout(30_000);

const usual = {
  ...{ target: "web", stdout: null, stderr: null, exitCode: 0, signal: null, outcome: "exited", reason: null },
  ...{ durationMs: 1, stdoutBytes: 0, stderrBytes: 0, truncated: false, outputId: null, stopped: null },
};
const welcome = encodeControl(0, { kind: "welcome", protocol: 1, release: "0.0.0", pid: 1 });
const accepted = encodeControl(1, { kind: "accepted" });
const resultOf = (changes: object = {}): Uint8Array =>
  encodeControl(1, { kind: "result", value: { ...usual, ...changes }, chunked: false });
const out = (bytes: string | Uint8Array): Uint8Array => encodeFrame(frameType.stdout, 1, Buffer.from(bytes));
const err = (bytes: string | Uint8Array): Uint8Array => encodeFrame(frameType.stderr, 1, Buffer.from(bytes));

/** Every command gets the same answer. */
const stage = (answer: (peer: RawPeer, connection: number) => Promise<void>) => {
  const home = tempDir("home");
  const place = brokerPlace({ HOME: home });
  makeBrokerPlace(place);
  const peers: RawPeer[] = [];
  const listening = listenOnSocket(place.socket, (transport) => {
    const peer = new RawPeer(transport);
    peers.push(peer);
    void peer.message(1, "request").then(() => answer(peer, peers.length));
  });
  onCleanup(() => listening.stop());
  const begin = (words: readonly string[] = ["exec", "web", "true"]): RunningProgram => start(words, { home });
  return { home, peers, begin };
};

const says = (...frames: Uint8Array[]) => {
  const bytes = Buffer.concat([welcome, accepted, ...frames]);
  return stage(async (peer) => peer.bytes(bytes));
};

/** proc(5), SigCgt. */
const catches = (pid: number, signal: number): boolean => {
  const [, mask = "0"] = /^SigCgt:\t(.*)$/m.exec(readFileSync(`/proc/${pid}/status`, "latin1")) ?? [];
  return ((BigInt(`0x${mask}`) >> BigInt(signal - 1)) & 1n) === 1n;
};

/** Not one byte like the one before it, so that none can be missing. */
const pattern = (length: number): Uint8Array => new Uint8Array(length).map((_, at) => (at * 31 + (at >> 8)) & 0xff);

describe("output", () => {
  test.each([0, 1, 4095, 4096, 4097, 64 * 1024, 64 * 1024 + 1, 200 * 1024])("of %d bytes", async (length) => {
    const bytes = pattern(length);
    const { begin, peers } = says(out(bytes), err(bytes), resultOf({ exitCode: 3 }));
    const { status, stdoutBytes, stderrBytes } = await begin().exit();
    expect(status).toBe(3);
    expect(Buffer.compare(stdoutBytes, bytes)).toBe(0);
    expect(Buffer.compare(stderrBytes, bytes)).toBe(0);
    expect(peers.length).toBe(1);
  });

  test("of many MiB, as far as there is credit: not a byte more is granted than was taken", async () => {
    const total = 10 * 1024 * 1024;
    const bytes = pattern(total);
    const { begin } = stage(async (peer) => {
      peer.bytes(Buffer.concat([welcome, accepted]));
      const granted = (): number =>
        peer.frames
          .filter(({ type, payload }) => type === frameType.credit && payload[0] === frameType.stdout)
          .reduce((sum, { payload }) => sum + Buffer.from(payload).readUInt32BE(1), 1024 * 1024);
      let sent = 0;
      // The first ones are small, and written before the rest is loaded.
      for (let size = 1000; sent < total; size = Math.min(size * 2, 64 * 1024)) {
        const piece = bytes.subarray(sent, sent + size);
        await waitFor(() => granted() - sent >= piece.length, { what: "credit", interval: 1 });
        expect(granted() - sent).toBeLessThanOrEqual(1024 * 1024);
        peer.frame(frameType.stdout, 1, piece);
        sent += piece.length;
      }
      peer.bytes(resultOf());
    });
    const { status, stdoutBytes } = await begin().exit();
    expect(status).toBe(0);
    expect(Buffer.compare(stdoutBytes, bytes)).toBe(0);
  });

  test("cut anywhere on its way", async () => {
    const bytes = Buffer.concat([
      welcome,
      accepted,
      out("one\n"),
      err("two\n"),
      out("three\n"),
      resultOf({ exitCode: 5 }),
    ]);
    const { begin } = stage(async (peer) => {
      for (let at = 0; at < bytes.length; at += 7) {
        peer.bytes(bytes.subarray(at, at + 7));
        await new Promise((resolve) => setImmediate(resolve));
      }
    });
    expect(await begin().exit()).toMatchObject({ status: 5, stdout: "one\nthree\n", stderr: "two\n" });
  });

  test("at a terminal, line by line, before and after the rest is loaded", async () => {
    const lines = Array.from({ length: 200 }, (_, at) => `<${at}>`);
    const { home } = stage(async (peer) => {
      peer.bytes(Buffer.concat([welcome, accepted]));
      for (const line of lines) {
        peer.bytes(out(`${line}\n`));
        await new Promise((resolve) => setTimeout(resolve, 0));
      }
      peer.bytes(resultOf());
    });
    // From source what is loaded takes longer, and more comes meanwhile.
    const source = `${process.execPath} ${join(import.meta.dir, "../../src/main.ts")}`;
    for (const program of [buildOnce(), source, source]) {
      const words = ["script", "-qefc", `${program} exec web true`, "/dev/null"];
      const child = Bun.spawn(words, {
        ...{ env: { HOME: home, PATH: "/usr/bin:/bin", TERM: "xterm", SHELL: "/bin/sh" } },
        ...{ stdin: "pipe", stdout: "pipe", stderr: "pipe" },
      });
      onCleanup(() => child.kill());
      expect(await child.stdout.text()).toBe(lines.map((line) => `${line}\r\n`).join(""));
      expect(await child.exited).toBe(0);
    }
  });

  test("is there before the command ends", async () => {
    const go = Promise.withResolvers<void>();
    const { begin } = stage(async (peer) => {
      peer.bytes(Buffer.concat([welcome, accepted, out("begun\n")]));
      await go.promise;
      peer.bytes(Buffer.concat([out("over\n"), resultOf()]));
    });
    const program = begin();
    await program.waitForStdout("begun\n");
    go.resolve();
    expect(await program.exit()).toMatchObject({ status: 0, stdout: "begun\nover\n", stderr: "" });
  });

  test("for nobody is the end of it, with what a shell says of SIGPIPE", async () => {
    const go = Promise.withResolvers<void>();
    const { home } = stage(async (peer) => {
      peer.bytes(Buffer.concat([welcome, accepted]));
      await go.promise;
      peer.bytes(out("x\n"));
      await peer.message(1, "cancel");
      peer.bytes(resultOf({ outcome: "canceled", exitCode: null, stopped: "confirmed" }));
    });
    const gone = join(home, "gone");
    const child = Bun.spawn(
      ["bash", "-c", `{ "$0" exec web true; echo $? >&2; } | { exec 0<&-; : >"$1"; }`, buildOnce(), gone],
      {
        ...{ env: { HOME: home, PATH: "/usr/bin:/bin" }, stdin: "ignore", stdout: "pipe", stderr: "pipe" },
      },
    );
    onCleanup(() => child.kill());
    await waitFor(() => existsSync(gone), { what: "the reader's end" });
    go.resolve();
    expect(await child.stderr.text()).toBe("141\n");
  });
});

test.each<[object, number, string]>([
  [{ exitCode: 0 }, 0, ""],
  [{ exitCode: 1 }, 1, ""],
  [{ exitCode: 254 }, 254, ""],
  [{ exitCode: 255 }, 255, ""],
  [{ exitCode: 256 }, 255, ""],
  [{ exitCode: -1 }, 255, ""],
  [{ exitCode: null, outcome: "signaled", signal: "TERM" }, 143, ""],
  [{ exitCode: null, outcome: "timedOut" }, 124, "[TIMEOUT]"],
  [{ exitCode: null, outcome: "canceled", reason: "the session was closed" }, 255, "[CANCELED]"],
  [{ exitCode: null, outcome: "unknown", reason: "the connection was lost" }, 255, "[OUTCOME_UNKNOWN]"],
])("%j ends with %d", async (changes, expected, message) => {
  const { begin } = says(out("x"), resultOf(changes));
  const { status, stdout, stderr } = await begin().exit();
  expect({ status, stdout }).toEqual({ status: expected, stdout: "x" });
  expect(stderr === "" ? "" : stderr).toContain(message);
});

describe("what is no plain answer", () => {
  test("notices between the outputs", async () => {
    const notice = encodeControl(1, { kind: "notice", message: "the disk is full" });
    const { begin } = says(out("a\n"), notice, out("b\n"), resultOf());
    const outcome = await begin().exit();
    expect(outcome).toMatchObject({ status: 0, stdout: "a\nb\n", stderr: "ssh-mcp: the disk is full\n" });
  });

  test("a result in pieces, a failure, and what a newer release says", async () => {
    const value = new TextEncoder().encode(JSON.stringify({ ...usual, exitCode: 6 }));
    const pieces = [value.subarray(0, 9), value.subarray(9)].map((piece) => encodeFrame(frameType.value, 1, piece));
    const chunked = encodeControl(1, { kind: "result", value: null, chunked: true });
    expect(
      await says(out("a"), ...pieces, chunked)
        .begin()
        .exit(),
    ).toMatchObject({ status: 6, stdout: "a" });

    const error = { code: "AUTH_REQUIRED", message: "somebody has to log in", hint: null, retryable: true } as const;
    const failed = await says(out("a"), encodeControl(1, { kind: "failure", error }))
      .begin()
      .exit();
    expect(failed).toMatchObject({
      status: 255,
      stdout: "a",
      stderr: "ssh-mcp: somebody has to log in [AUTH_REQUIRED]\n",
    });

    const newer = encodeFrame(frameType.control, 1, Buffer.from(`{"kind":"weather"}`));
    expect(await says(newer, out("a"), resultOf()).begin().exit()).toMatchObject({
      status: 0,
      stdout: "a",
      stderr: "",
    });
  });

  test("variables that are asked for after some output", async () => {
    const { begin } = stage(async (peer) => {
      peer.bytes(Buffer.concat([welcome, accepted, out("a")]));
      peer.frame(frameType.env, 1, JSON.stringify({ request: 1, names: ["HOME"] }));
      const { values } = (await peer.message(1, "variables")) as { values: { HOME: string } };
      peer.bytes(Buffer.concat([out(values.HOME), resultOf()]));
    });
    const program = begin();
    expect(await program.exit()).toMatchObject({ status: 0, stdout: `a${program.home}` });
  });

  test("frames that make no sense, after some output", async () => {
    const broken = Buffer.from([0, 0, 0, 5, 99, 0, 0, 0, 1]);
    const { status, stdout, stderr } = await says(out("a"), broken).begin().exit();
    expect({ status, stdout }).toEqual({ status: 255, stdout: "a" });
    expect(stderr).toContain("type 99");
  });

  test("another protocol", async () => {
    const other = encodeControl(0, { kind: "welcome", protocol: 9, release: "9.0.0", pid: 1 });
    const { begin } = stage(async (peer) => peer.bytes(other));
    expect(await begin().exit()).toMatchObject({ status: 255, stderr: expect.stringContaining("speaks protocol 9") });
  });
});

describe("a broker that goes", () => {
  test.each([
    ["before anything", []],
    ["after its welcome", [welcome]],
    ["in the middle of `accepted`", [welcome, accepted.subarray(0, -1)]],
  ])("%s: the command is begun anew", async (_, frames) => {
    const { begin, peers } = stage(async (peer, connection) => {
      const again = [welcome, accepted, out("once\n"), resultOf({ exitCode: 4 })];
      peer.bytes(Buffer.concat(connection === 1 ? frames : again));
      if (connection === 1) peer.close();
    });
    expect(await begin().exit()).toMatchObject({ status: 4, stdout: "once\n", stderr: "" });
    expect(peers.length).toBe(2);
  });

  test.each([
    ["after `accepted`", [], ""],
    ["after some output", [out("some\n")], "some\n"],
    ["in the middle of output", [out("some\n"), out("never seen").subarray(0, -1)], "some\n"],
    ["in the middle of the result", [out("some\n"), resultOf().subarray(0, -1)], "some\n"],
  ])("%s: nobody knows how it ended", async (_, frames, stdout) => {
    const { begin, peers } = stage(async (peer) => {
      peer.bytes(Buffer.concat([welcome, accepted, ...frames]));
      peer.close();
    });
    const outcome = await begin().exit();
    expect(outcome).toMatchObject({ status: 255, stdout, stderr: expect.stringContaining("[OUTCOME_UNKNOWN]") });
    expect(peers.length).toBe(1);
  });
});

test.each([
  ["nothing", []],
  ["`accepted`", [welcome, accepted]],
  ["some output", [welcome, accepted, out("some\n")]],
])("Ctrl-C after %s cancels the call, and is what the exit status says", async (_, frames) => {
  const { begin, peers } = stage(async (peer) => {
    peer.bytes(Buffer.concat(frames));
    await waitFor(() => catches(program.pid, 2), { what: "its handlers", interval: 1 });
    program.signal("SIGINT");
    await peer.message(1, "cancel");
    if (frames.length === 0) peer.bytes(Buffer.concat([welcome, accepted]));
    peer.bytes(resultOf({ outcome: "canceled", exitCode: null, stopped: "confirmed" }));
  });
  const program = begin();
  const { status, stdout } = await program.exit();
  expect({ status, stdout }).toEqual({ status: 130, stdout: frames.length === 3 ? "some\n" : "" });
  expect(peers[0]?.messages(1).filter(({ kind }) => kind === "cancel").length).toBe(1);
});

describe("standard input", () => {
  const grant = Buffer.from([0, 0, 0, 10, 6, 0, 0, 0, 1, 2, 0, 4, 0, 0]);

  test("that is empty has one end, whoever says it", async () => {
    for (const line of ["</dev/null", "<&-", "< <(:)"]) {
      const { home, peers } = stage(async (peer) => {
        peer.bytes(Buffer.concat([welcome, accepted, grant]));
        await waitFor(() => peer.frames.some(({ type }) => type === frameType.eof), { what: "the end", interval: 1 });
        // A second one would come with what follows.
        peer.frame(frameType.env, 1, JSON.stringify({ request: 1, names: [] }));
        await peer.message(1, "variables");
        peer.bytes(resultOf());
      });
      const child = Bun.spawn(["bash", "-c", `"$0" exec web cat ${line}`, buildOnce()], {
        ...{ env: { HOME: home, PATH: "/usr/bin:/bin" }, stdout: "pipe", stderr: "pipe" },
      });
      onCleanup(() => child.kill());
      expect({ line, status: await child.exited }).toEqual({ line, status: 0 });
      expect(peers[0]?.frames.filter(({ type }) => type === frameType.eof).length).toBe(1);
    }
  });

  test("that comes late is sent, and nothing is read of it that was not asked for", async () => {
    const { begin } = stage(async (peer) => {
      peer.bytes(Buffer.concat([welcome, accepted, grant, out("ready\n")]));
      await waitFor(() => peer.frames.some(({ type }) => type === frameType.eof), { what: "the end", interval: 1 });
      peer.bytes(Buffer.concat([out(`${peer.bytesOf(1, frameType.stdin)}\n`), resultOf()]));
    });
    const program = begin();
    await program.waitForStdout("ready\n");
    await program.write("late");
    await program.end();
    expect(await program.exit()).toMatchObject({ status: 0, stdout: "ready\n4\n" });
  });
});
