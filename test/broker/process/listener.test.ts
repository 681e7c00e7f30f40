import { afterAll, describe, expect, test } from "bun:test";
import {
  chmodSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  symlinkSync,
  unlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { type Listener, listenAt } from "../../../src/broker/process/listener.ts";
import type { Transport } from "../../../src/broker/wire/protocol.ts";
import { connectSocket, listenOnSocket } from "../../../src/broker/wire/socket-transport.ts";
import { cleanup, onCleanup } from "../../support/cleanup.ts";
import { mustRun } from "../../support/command.ts";
import { startProgram } from "../../support/program.ts";
import { tempDir } from "../../support/temp.ts";
import { waitFor } from "../../support/wait.ts";

afterAll(cleanup);

const place = (name = "broker.sock") => {
  const directory = tempDir("listen");
  return { directory, path: join(directory, name) };
};

const listen = (path: string) => {
  const state: { accepted: Transport[]; strangers: number[]; lost: number } = { accepted: [], strangers: [], lost: 0 };
  const listener: Listener = listenAt({
    path,
    accept: (transport) => void state.accepted.push(transport),
    strange: (uid) => void state.strangers.push(uid),
    lost: () => {
      state.lost++;
    },
  });
  onCleanup(() => listener.close());
  return { listener, state };
};

const reaches = async (path: string, state: { accepted: Transport[] }): Promise<void> => {
  const before = state.accepted.length;
  const transport = await connectSocket(path);
  await waitFor(() => state.accepted.length > before, { what: "the connection", interval: 1 });
  transport.close();
};

const inode = (path: string): bigint => lstatSync(path, { bigint: true }).ino;

const errorOf = (act: () => unknown): unknown => {
  try {
    act();
    return null;
  } catch (thrown) {
    return thrown;
  }
};

describe("the socket", () => {
  test("is ours alone, the only thing there, and leads to the broker", async () => {
    const { directory, path } = place();
    const { state } = listen(path);
    expect(readdirSync(directory)).toEqual(["broker.sock"]);
    expect(lstatSync(path).isSocket()).toBe(true);
    expect(lstatSync(path).mode & 0o777).toBe(0o600);
    await reaches(path, state);
  });

  test("of a place that others can enter serves nobody but its user", async () => {
    const { directory, path } = place();
    const { state } = listen(path);
    for (const open of [directory, path]) chmodSync(open, 0o777);
    const talk = "use Socket; socket(S, AF_UNIX, SOCK_STREAM, 0); connect(S, pack_sockaddr_un($ARGV[0])) or die; <S>";
    await mustRun(["setpriv", "--reuid=65534", "--clear-groups", "perl", "-e", talk, path]);
    expect(state).toMatchObject({ accepted: [], strangers: [65534] });
    await reaches(path, state);
  });

  test("may have the longest path there is", async () => {
    const { directory } = place();
    const inner = join(directory, "x".repeat(103 - directory.length - 1 - "/broker.sock".length));
    mkdirSync(inner);
    const path = join(inner, "broker.sock");
    expect(path.length).toBe(103);
    await reaches(path, listen(path).state);
  });

  test("takes the place of one that a killed process left", async () => {
    const { path } = place();
    const peer = startProgram([process.execPath, join(import.meta.dir, "../socket-peer.ts"), path, "0"]);
    await peer.waitForStdout("listening");
    peer.signal("SIGKILL");
    await peer.stop();
    expect(lstatSync(path).isSocket()).toBe(true);
    await reaches(path, listen(path).state);
  });

  test("takes the place of a file and of a link, and follows none", async () => {
    const { directory, path } = place();
    const target = join(directory, "target");
    writeFileSync(target, "precious");
    symlinkSync(target, path);
    const { listener, state } = listen(path);
    await reaches(path, state);
    listener.close();
    expect(readFileSync(target, "utf8")).toBe("precious");
    writeFileSync(path, "");
    await reaches(path, listen(path).state);
  });

  test("cannot take the place of a directory: the error says what to type, and nothing is left behind", () => {
    const { directory, path } = place();
    mkdirSync(join(path, "inside"), { recursive: true });
    expect(errorOf(() => listen(path))).toMatchObject({
      code: "BROKER_UNAVAILABLE",
      message: `the broker's socket ${path} cannot be made: a directory is in its place`,
      hint: `mv ${path} ${path}.old`,
      retryable: false,
    });
    expect(readdirSync(directory)).toEqual(["broker.sock"]);
  });

  test("cannot be where no directory is", () => {
    const { directory } = place();
    const path = join(directory, "gone", "broker.sock");
    expect(errorOf(() => listen(path))).toMatchObject({ code: "LOCAL_IO", hint: `ls -ld ${join(directory, "gone")}` });
  });

  test("that a killed process had not named yet is removed, unless it is from just now", () => {
    const { directory, path } = place();
    for (const name of [".n0123abcd", ".nabcd0123", ".nothing"]) writeFileSync(join(directory, name), "");
    utimesSync(join(directory, ".n0123abcd"), 1, 1);
    utimesSync(join(directory, ".nothing"), 1, 1);
    listen(path);
    expect(readdirSync(directory).sort()).toEqual([".nabcd0123", ".nothing", "broker.sock"]);
  });
});

describe("giving up", () => {
  test("removes the socket; who is connected stays connected", async () => {
    const { directory, path } = place();
    const { listener, state } = listen(path);
    const client = await connectSocket(path);
    await waitFor(() => state.accepted.length > 0, { what: "the connection", interval: 1 });
    listener.close();
    listener.close();
    expect(readdirSync(directory)).toEqual([]);
    const got = Promise.withResolvers<number>();
    client.onData = (bytes) => got.resolve(bytes.length);
    state.accepted[0]?.write(new Uint8Array(3));
    expect(await got.promise).toBe(3);
    client.close();
  });

  test("leaves a successor's socket alone", async () => {
    const { directory, path } = place();
    const first = listen(path);
    const second = listen(path);
    const theirs = inode(path);
    first.listener.close();
    expect(inode(path)).toBe(theirs);
    expect(readdirSync(directory)).toEqual(["broker.sock"]);
    await reaches(path, second.state);
  });
});

describe("losing the place", () => {
  test.each<[string, (path: string) => void]>([
    ["the socket was removed", (path) => unlinkSync(path)],
    [
      "another socket is there",
      (path) => {
        const other = listenOnSocket(`${path}2`, () => undefined);
        onCleanup(() => other.stop());
        renameSync(`${path}2`, path);
      },
    ],
    [
      "the whole directory is another",
      (path) => {
        renameSync(join(path, ".."), join(path, "../../moved"));
        mkdirSync(join(path, ".."));
      },
    ],
  ])("is noticed once: %s", async (_what, lose) => {
    const directory = join(tempDir("listen"), "run");
    mkdirSync(directory);
    const path = join(directory, "broker.sock");
    const { state } = listen(path);
    lose(path);
    expect(state.lost).toBe(0);
    await waitFor(() => state.lost > 0, { what: "the notice" });
    expect(state.lost).toBe(1);
  });
});
