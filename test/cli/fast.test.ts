/** The fast path beside the full command line, with the compiled binary and real servers: whatever happens, both end alike. */
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { decodeJson, FrameReader } from "../../src/broker/wire/frame.ts";
import { type ListeningSocket, listenOnSocket } from "../../src/broker/wire/socket-transport.ts";
import { brokerPlace, makeBrokerPlace } from "../../src/files/broker-place.ts";
import { RawPeer } from "../broker/process/raw-peer.ts";
import { type Places, startPlaces } from "../faces/places.ts";
import { buildOnce, run } from "../support/binary.ts";
import { brokerOf } from "../support/brokers.ts";
import { cleanup, onCleanup } from "../support/cleanup.ts";
import { runCommand } from "../support/command.ts";
import { startProgram } from "../support/program.ts";
import { tempDir } from "../support/temp.ts";
import { startProgramInTerminal } from "../support/terminal.ts";
import { makeUser } from "../support/users.ts";
import { waitFor } from "../support/wait.ts";

afterAll(cleanup);
setDefaultTimeout(60_000);

describe("beside the full command line", () => {
  let home: string;
  let places: Places;
  beforeAll(async () => {
    const started = await startPlaces();
    home = started.home.path;
    places = started.places;
    expect((await run(["ls"], { home })).status).toBe(0);
  });

  /** A line of bash in which `$S` is the program, once for each way; `--batch` changes nothing where there is no terminal. */
  const bothWays = async (line: string, env: Record<string, string> = {}) => {
    const outcomes = [];
    for (const words of ["", "--batch"]) {
      const begin = `S="${buildOnce()} ${words}"; ${line}`;
      outcomes.push(await runCommand(["bash", "-c", begin], { env: { HOME: home, ...env }, cwd: home }));
    }
    return outcomes;
  };

  const ends = async (line: string, expected: object, env?: Record<string, string>): Promise<void> => {
    const [fast, full] = await bothWays(line, env);
    expect(fast).toEqual(full as never);
    expect(fast).toMatchObject(expected);
  };

  test.each<[string, object]>([
    ["$S exec box true", { status: 0, stdout: "", stderr: "" }],
    ["$S exec box 'echo out; echo err >&2; exit 7'", { status: 7, stdout: "out\n", stderr: "err\n" }],
    ["$S exec box exit 255", { status: 255, stderr: "" }],
    ["$S exec box 'kill -TERM $$'", { status: 143, stderr: "" }],
    ["$S exec box -- echo -n --", { status: 0, stdout: "--" }],
    [String.raw`$S exec box printf '"\\000\\377\\n"' | od -An -tx1`, { stdout: " 00 ff 0a\n" }],
    ["$S exec box no-such-command-here", { status: 127 }],
    ["echo in | $S exec box cat", { stdout: "in\n" }],
    ["$S exec box wc -c </etc/passwd", { status: 0 }],
    ["$S exec box cat <&-", { status: 0, stdout: "" }],
    ["$S exec box cat </dev/null", { status: 0, stdout: "" }],
    ["$S exec box cat </", { status: 255, stderr: expect.stringContaining("[LOCAL_IO]") }],
    ["(read -r first; $S exec box cat) < <(printf 'one\\ntwo\\n')", { stdout: "two\n" }],
    ["$S exec box head -c 3000000 /dev/zero | sha256sum", { status: 0 }],
    ["$S exec box 'echo x; exit 3' >&-", { status: 3 }],
    ["$S exec box 'echo x; echo y >&2' 2>&-", { status: 0, stdout: "x\n" }],
    ["set -o pipefail; $S exec box 'echo x; sleep 0.2; echo y; sleep 5' | head -1; echo $?", { stdout: "x\n141\n" }],
    ["$S exec box 'echo x' >/dev/full", { status: 255, stderr: expect.stringContaining("[LOCAL_IO]") }],
    ["$S exec box \"echo $'\\xff'\"; $S exec box $'\\xff'", { status: 2, stderr: expect.stringContaining("UTF-8") }],
    ["$S exec 'a b' true", { status: 2 }],
  ])("%s", async (line, expected) => {
    await ends(line, expected);
  });

  test.each<[keyof Places, object]>([
    ["unsupported", { status: 255, stderr: expect.stringContaining("[UNSUPPORTED]") }],
    ["unknown", { status: 255, stderr: expect.stringContaining("[HOST_KEY_UNKNOWN]") }],
    ["changed", { status: 255, stderr: expect.stringContaining("[HOST_KEY_CHANGED]") }],
    ["password", { status: 255, stderr: expect.stringContaining("[AUTH_REQUIRED]") }],
    ["denied", { status: 255 }],
    ["closed", { status: 255, stderr: expect.stringContaining("[CONNECT_REFUSED]") }],
    ["http", { status: 255, stderr: expect.stringContaining("[PROTOCOL_ERROR]") }],
    ["noStatus", { status: 255, stderr: expect.stringContaining("[OUTCOME_UNKNOWN]") }],
    ["dies", { status: 255, stderr: expect.stringContaining("[OUTCOME_UNKNOWN]") }],
    ["refusesCommands", { status: 255 }],
    ["refusesChannels", { status: 255, stderr: expect.stringContaining("[CHANNEL_REFUSED]") }],
    ["talks", { status: 0 }],
  ])("at a server that %s", async (place, expected) => {
    await ends(`$S exec ${places[place]} whatever`, expected);
  });

  test("signals that were ignored stay so, and the others end it", async () => {
    const line = (words: string, name: string) =>
      `${words} $S exec box 'echo begun; sleep 1; echo over' & sleep 0.5; kill -${name} $!; wait $!; echo $?`;
    await ends(line("nohup", "HUP"), { stdout: "begun\nover\n0\n" });
    await ends(line("", "TERM"), { stdout: "begun\n143\n" });
    await ends(line("", "HUP"), { stdout: "begun\n129\n" });
  });

  test("a question comes to the terminal, also while standard input is something else", async () => {
    const user = await makeUser({ shell: "/bin/sh" });
    const [, address = ""] = places.password.split("@");
    for (const words of [[], ["-n"]]) {
      // The one without an option is the fast path's; with `-n`, the command gets none of the input.
      const shown = startProgramInTerminal(
        [
          "bash",
          "-c",
          `echo in | ${buildOnce()} exec ${words.join(" ")} ${user.name}@${address} 'echo out; cat'; echo $?`,
        ],
        { home },
      );
      await shown.waitFor("password");
      shown.type(`${user.password}\r`);
      await shown.waitFor(words.length === 0 ? "out\nin\n0\n" : "out\n0\n");
      await shown.exit();
      expect((await run(["close", "--all"], { home })).status).toBe(0);
    }
  });

  test("a request that a stopped broker did not take in time is not run when it goes on", async () => {
    const broker = brokerOf(home);
    const ran = (words: string[]) => run([...words, "exec", "box", `echo ${words.length} >>ran`], { home });
    process.kill(broker, "SIGSTOP");
    const outcomes = await Promise.all([ran([]), ran(["--batch"])]);
    process.kill(broker, "SIGCONT");
    const [fast, full] = outcomes;
    expect(fast).toEqual(full);
    expect(fast).toMatchObject({ status: 255, stderr: expect.stringContaining("[BROKER_UNAVAILABLE]\n  try: ") });
    // What comes after them is.
    expect((await ran(["--batch", "--batch"])).status).toBe(0);
    expect((await run(["exec", "box", "cat ran"], { home })).stdout).toBe("2\n");
  });

  test("nobody is asked where nobody can answer", async () => {
    const shown = startProgramInTerminal(["bash", "-c", `CI=1 ${buildOnce()} exec ${places.password} true; echo $?`], {
      home,
    });
    await shown.waitFor("[AUTH_REQUIRED]");
    await shown.waitFor("255\n");
    await shown.exit();
  });
});

describe("with a broker that is played", () => {
  const newStage = (accept: (peer: RawPeer, number: number) => void) => {
    const home = tempDir("home");
    const place = brokerPlace({ HOME: home });
    makeBrokerPlace(place);
    const firsts: string[][] = [];
    let count = 0;
    const listening: ListeningSocket = listenOnSocket(place.socket, (transport) => {
      const number = ++count;
      const peer = new RawPeer(transport);
      const receive = transport.onData;
      let first = true;
      transport.onData = (bytes) => {
        if (first) firsts.push(kindsIn(bytes));
        first = false;
        receive(bytes);
      };
      accept(peer, number);
    });
    onCleanup(() => listening.stop());
    return { home, firsts, connections: () => count };
  };

  const kindsIn = (bytes: Uint8Array): string[] => {
    const kinds: string[] = [];
    new FrameReader().push(bytes, ({ payload }) => kinds.push((decodeJson(payload) as { kind: string }).kind));
    return kinds;
  };
  const result = {
    ...{ target: "web", stdout: null, stderr: null, exitCode: 9, signal: null, outcome: "exited", reason: null },
    ...{ durationMs: 1, stdoutBytes: 0, stderrBytes: 0, truncated: false, stopped: null },
  };
  const answer = async (peer: RawPeer): Promise<void> => {
    await peer.message(1, "request");
    peer.control(0, { kind: "welcome", protocol: 1, release: "0.0.0", pid: 1 });
    peer.control(1, { kind: "accepted" });
    peer.control(1, { kind: "notice", message: "the disk is full\nssh-mcp: not" });
    peer.control(1, { kind: "result", value: result, chunked: false });
  };

  test("hello and request come in one piece, notices are shown, and nothing else is asked of it", async () => {
    const { home, firsts, connections } = newStage((peer) => void answer(peer));
    const outcome = await run(["exec", "web", "true"], { home });
    expect(outcome).toMatchObject({ status: 9, stdout: "", stderr: "ssh-mcp: the disk is full\n  ssh-mcp: not\n" });
    expect(firsts).toEqual([["hello", "request"]]);
    expect(connections()).toBe(1);
    // The same with an option, for the message.
    expect((await run(["--batch", "exec", "web", "true"], { home })).stderr).toBe(outcome.stderr);
  });

  test("one that goes before it accepts leaves all of it, and all of the input, to the full command line", async () => {
    let input = "";
    const { home, connections } = newStage((peer, number) => {
      if (number === 1) void peer.message(1, "request").then(() => peer.close());
      else {
        void peer.message(1, "request").then(async () => {
          peer.control(1, { kind: "accepted" });
          peer.bytes(Buffer.from([0, 0, 0, 10, 6, 0, 0, 0, 1, 2, 0, 0, 255, 255]));
          await waitFor(() => peer.frames.some(({ type }) => type === 5), { what: "the end of the input" });
          for (const { type, payload } of peer.frames) if (type === 2) input += Buffer.from(payload).toString();
          peer.control(1, { kind: "result", value: result, chunked: false });
        });
      }
    });
    expect(await run(["exec", "web", "cat"], { home, stdin: "all of it" })).toMatchObject({ status: 9, stderr: "" });
    expect(input).toBe("all of it");
    expect(connections()).toBe(2);
  });

  test("one that goes once it has accepted leaves an unknown outcome", async () => {
    const { home, connections } = newStage((peer) => {
      void peer.message(1, "request").then(() => {
        peer.control(1, { kind: "accepted" });
        peer.close();
      });
    });
    const outcome = await run(["exec", "web", "true"], { home });
    expect(outcome).toMatchObject({ status: 255, stderr: expect.stringContaining("[OUTCOME_UNKNOWN]") });
    expect(connections()).toBe(1);
  });

  test("Ctrl-C at one that has not accepted is the end within two seconds, and nothing is tried again", async () => {
    const { home, connections } = newStage(() => undefined);
    const program = startProgram([buildOnce(), "exec", "web", "true"], { home });
    await waitFor(() => connections() === 1, { what: "the connection" });
    // Its handlers come right after its request.
    await Bun.sleep(200);
    program.signal("SIGINT");
    expect(await program.exit(2500)).toMatchObject({ status: 130 });
    expect(connections()).toBe(1);
  });
});
