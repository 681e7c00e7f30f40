/** How a broker process begins to end, and what its clients see of it. */
import { afterAll, describe, expect, test } from "bun:test";
import { existsSync, readFileSync, unlinkSync } from "node:fs";
import { join } from "node:path";
import { connectSocket } from "../../../src/broker/wire/socket-transport.ts";
import { tryLock } from "../../../src/files/lock.ts";
import { machinePlace } from "../../../src/files/machine.ts";
import { cleanup } from "../../support/cleanup.ts";
import { type RunningProgram, startProgram } from "../../support/program.ts";
import { tempDir } from "../../support/temp.ts";
import { waitFor } from "../../support/wait.ts";
import { RawPeer, request } from "../process/raw-peer.ts";

afterAll(cleanup);

interface Broker extends RunningProgram {
  socket: string;
  connect(): Promise<RawPeer>;
  /** Whether another broker could take the place. */
  isFree(): boolean;
  log(): string;
}

const start = async ({ idleMs = 60_000, directory = tempDir("broker") } = {}): Promise<Broker> => {
  const argv = [process.execPath, join(import.meta.dir, "../fake-broker.ts"), directory, String(idleMs)];
  const program = startProgram(argv);
  await program.waitForStdout("ready");
  const socket = join(directory, "broker.sock");
  return {
    ...program,
    socket,
    connect: async () => new RawPeer(await connectSocket(socket)),
    isFree: () => {
      const lock = tryLock(join(directory, "broker.lock"));
      lock?.release();
      return lock !== null;
    },
    log: () => readFileSync(join(directory, "broker.log"), "utf8"),
  };
};

const greeted = async (broker: Broker): Promise<RawPeer> => {
  const peer = await broker.connect();
  peer.hello();
  return peer;
};

/** A client on whose connection a call runs. */
const running = async (broker: Broker, operation: string): Promise<RawPeer> => {
  const peer = await greeted(broker);
  peer.control(1, request(operation));
  await peer.message(1, "accepted");
  return peer;
};

const hello = (changes: object): object => ({
  kind: "hello",
  protocol: 1,
  release: "0.0.1",
  place: machinePlace(),
  stop: false,
  ...changes,
});

const gone = async (broker: Broker, timeout?: number): Promise<void> => {
  expect(await broker.exit(timeout)).toMatchObject({ status: 0, stderr: "" });
  expect(existsSync(broker.socket)).toBe(false);
  expect(broker.isFree()).toBe(true);
};

const isClosed = (peer: RawPeer): Promise<unknown> => waitFor(() => peer.closed, { what: "the close", interval: 1 });

describe("a broker that nobody needs", () => {
  test("ends by itself", async () => {
    const broker = await start({ idleMs: 300 });
    await gone(broker);
    expect(broker.log()).toContain("nobody needs it");
  });

  test("stays for a client that does nothing, and for a call whose client has gone", async () => {
    const broker = await start({ idleMs: 200 });
    const idle = await greeted(broker);
    await idle.message(0, "welcome");
    // Longer than it stays without one.
    await Bun.sleep(600);
    const caller = await running(broker, "stubborn");
    caller.close();
    idle.close();
    await Bun.sleep(600);
    expect(existsSync(broker.socket)).toBe(true);
    broker.signal("SIGUSR2");
    await gone(broker);
  });
});

describe("a request to stop", () => {
  test("cancels what runs, delivers its result, and closes the connection of who asked last", async () => {
    const broker = await start();
    const [worker, idle, asking] = [await running(broker, "sleep"), await greeted(broker), await broker.connect()];
    const order: string[] = [];
    const closes = [
      isClosed(worker).then(() => order.push("worker")),
      isClosed(idle).then(() => order.push("idle")),
      isClosed(asking).then(() => order.push("asking")),
    ];
    asking.control(0, hello({ stop: true, protocol: 77, place: "elsewhere" }));
    expect(await worker.message(1, "result")).toMatchObject({ value: { text: "canceled" } });
    await Promise.all(closes);
    expect(order.at(-1)).toBe("asking");
    await asking.message(0, "welcome");
    await gone(broker);
  });

  test("frees the place at once, also when a call does not end", async () => {
    const broker = await start();
    const [worker, asking] = [await running(broker, "stubborn"), await broker.connect()];
    asking.control(0, hello({ stop: true }));
    await waitFor(() => !existsSync(broker.socket) && broker.isFree(), { what: "the place to be free" });
    expect([worker.closed, asking.closed]).toEqual([false, false]);
    worker.control(2, request("both"));
    expect(await worker.message(2, "failure")).toMatchObject({ error: { code: "BROKER_UNAVAILABLE" } });
    expect(worker.messages(2).length).toBe(1);
    // The stop ladder has six seconds.
    await gone(broker, 15_000);
  }, 30_000);

  test.each(["SIGTERM", "SIGINT", "SIGHUP"] as const)("may be %s", async (signal) => {
    const broker = await start();
    const worker = await running(broker, "sleep");
    process.kill(broker.pid, signal);
    await worker.message(1, "result");
    await isClosed(worker);
    await gone(broker);
  });
});

describe("a broker that lost its socket", () => {
  test("finishes what runs for as long as it takes, while another one has its place", async () => {
    const directory = tempDir("broker");
    const first = await start({ directory });
    const [worker, idle] = [await running(first, "stubborn"), await greeted(first)];
    await idle.message(0, "welcome");
    unlinkSync(first.socket);
    await worker.message(0, "leaving");
    await isClosed(idle);
    await waitFor(() => first.isFree(), { what: "the lock to be free" });
    const second = await start({ directory });
    const client = await greeted(second);
    expect(await client.message(0, "welcome")).toMatchObject({ pid: second.pid });
    worker.control(2, request("both"));
    await worker.message(2, "failure");
    expect(worker.closed).toBe(false);
    first.signal("SIGUSR2");
    expect(await worker.message(1, "result")).toMatchObject({ value: { text: "let go" } });
    await isClosed(worker);
    expect(await first.exit()).toMatchObject({ status: 0 });
    expect(existsSync(second.socket)).toBe(true);
    client.control(1, request("both"));
    await client.message(1, "result");
  }, 30_000);

  test("and is asked to stop ends what it was finishing", async () => {
    const broker = await start();
    const worker = await running(broker, "sleep");
    unlinkSync(broker.socket);
    await worker.message(0, "leaving");
    broker.signal("SIGTERM");
    expect(await worker.message(1, "result")).toMatchObject({ value: { text: "canceled" } });
    await gone(broker);
  });
});

describe("a client of a newer release", () => {
  test("gets the place of an idle broker, without a word and without its request being accepted", async () => {
    const broker = await start();
    const [idle, newer] = [await greeted(broker), await broker.connect()];
    await idle.message(0, "welcome");
    newer.control(0, hello({ release: "99.0.0" }));
    newer.control(1, request("both"));
    await isClosed(newer);
    // By now the client starts a broker of its own.
    expect([existsSync(broker.socket), broker.isFree()]).toEqual([false, true]);
    expect(newer.frames).toEqual([]);
    await isClosed(idle);
    await gone(broker);
  });

  test.each<[string, string, string | null]>([
    ["while something runs", "99.0.0", "sleep"],
    ["that is older", "0.0.1", null],
    ["that is a beta of this one", "0.1.0-beta.1", null],
    ["with a release that is none", "newest", null],
  ])("%s is served", async (_what, release, operation) => {
    const broker = await start();
    if (operation !== null) await running(broker, operation);
    const peer = await broker.connect();
    peer.control(0, hello({ release }));
    peer.control(1, request("both"));
    await peer.message(1, "result");
  });
});

describe("an exception that nobody catches", () => {
  test("is a line in the log, and the broker goes on", async () => {
    const broker = await start();
    const other = await running(broker, "sleep");
    const peer = await running(broker, "stray");
    await peer.message(1, "result");
    await waitFor(() => broker.log().includes("a stray exception") && broker.log().includes("a stray rejection"), {
      what: "both in the log",
    });
    expect(
      broker
        .log()
        .split("\n")
        .filter((line) => line.includes("unexpected: TypeError")).length,
    ).toBe(2);
    peer.control(2, request("both"));
    await peer.message(2, "result");
    expect(other.closed).toBe(false);
    expect(broker.stderr()).toBe("");
  });
});
