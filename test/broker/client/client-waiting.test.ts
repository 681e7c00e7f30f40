/** What a client does about a broker that is late, silent, or about to leave its place to another. */
import { describe, expect, test } from "bun:test";
import { NotAccepted, NotAnswering } from "../../../src/broker/client/call-errors.ts";
import { BrokerClient, type CallOptions } from "../../../src/broker/client/client.ts";
import { createPair } from "../../../src/broker/wire/pair.ts";
import { type BrokerStatus, protocolVersion } from "../../../src/broker/wire/protocol.ts";
import { waitFor } from "../../support/wait.ts";
import { caller, RawPeer } from "../process/raw-peer.ts";

const connect = (patienceMs = 100): { client: BrokerClient; broker: RawPeer } => {
  const [near, far] = createPair();
  const broker = new RawPeer(far);
  return { client: new BrokerClient(near, { patienceMs }), broker };
};

const options = (changes: Partial<CallOptions> = {}): CallOptions => ({
  operation: "exec",
  input: {},
  caller,
  capture: null,
  ...changes,
});

const result = { kind: "result", value: { ok: true }, chunked: false };
const refusal = {
  kind: "failure",
  error: { code: "BROKER_UNAVAILABLE", message: "taken", hint: null, retryable: true },
};
const outcomeOf = (call: Promise<unknown>): Promise<unknown> => call.catch((thrown: unknown) => thrown);
const kinds = (broker: RawPeer): unknown[] => broker.messages(1).map(({ kind }) => kind);

describe("a broker that says nothing", () => {
  test("is told to cancel, and then given up: nothing was begun", async () => {
    const { client, broker } = connect();
    expect(await outcomeOf(client.call(options()))).toBeInstanceOf(NotAnswering);
    expect(kinds(broker)).toEqual(["request", "cancel"]);
    // Another call may have more luck.
    expect(client.usable).toBe(true);
  });

  test("has not read the request of a person who does not want to wait either", async () => {
    const { client, broker } = connect(60_000);
    const stop = new AbortController();
    const outcome = outcomeOf(client.call(options({ signal: stop.signal })));
    await broker.message(1, "request");
    stop.abort();
    expect(await outcome).toBeInstanceOf(NotAnswering);
    expect(kinds(broker)).toEqual(["request", "cancel"]);
  });

  test("and accepts after all, has what it says of the cancel believed", async () => {
    const { client, broker } = connect();
    const outcome = outcomeOf(client.call(options()));
    await broker.message(1, "cancel");
    broker.control(1, { kind: "accepted" });
    await Bun.sleep(1200);
    broker.control(1, result);
    expect(await outcome).toEqual({ ok: true });
  });

  test("after it has accepted, is waited for", async () => {
    const { client, broker } = connect();
    const outcome = outcomeOf(client.call(options()));
    await broker.message(1, "request");
    broker.control(1, { kind: "accepted" });
    await Bun.sleep(300);
    expect(kinds(broker)).toEqual(["request"]);
    broker.control(1, result);
    expect(await outcome).toEqual({ ok: true });
  });
});

describe("a broker that leaves its place", () => {
  test("ends what runs, and is not used for more", async () => {
    const { client, broker } = connect();
    const outcome = client.call(options());
    await broker.message(1, "request");
    broker.control(1, { kind: "accepted" });
    broker.control(0, { kind: "leaving" });
    await waitFor(() => !client.usable, { what: "the client to know" });
    broker.control(1, result);
    expect(await outcome).toEqual({ ok: true });
  });

  test("has not begun what it refuses without accepting it", async () => {
    const { client, broker } = connect();
    const [first, second] = [client.call(options()), outcomeOf(client.call(options()))];
    await broker.message(2, "request");
    broker.control(1, { kind: "accepted" });
    broker.control(0, { kind: "leaving" });
    broker.control(2, refusal);
    expect(await second).toBeInstanceOf(NotAccepted);
    broker.control(1, result);
    await first;
  });

  test("has begun what it accepted: its failure is that of the operation", async () => {
    const { client, broker } = connect();
    const outcome = outcomeOf(client.call(options()));
    await broker.message(1, "request");
    broker.control(1, { kind: "accepted" });
    broker.control(0, { kind: "leaving" });
    broker.control(1, refusal);
    const error = await outcome;
    expect(error).toMatchObject({ code: "BROKER_UNAVAILABLE", message: "taken" });
    expect(error).not.toBeInstanceOf(NotAccepted);
  });
});

test("a request may be sent again when the connection ended before it was accepted, and only then", async () => {
  const endings: [string, (broker: RawPeer) => void, boolean][] = [
    ["closed", (broker) => broker.close(), true],
    ["refused as a whole", (broker) => broker.control(0, refusal), false],
    ["speaks otherwise", (broker) => broker.control(0, { kind: "welcome", protocol: 9, release: "9", pid: 1 }), false],
    ["is garbage", (broker) => broker.bytes(new Uint8Array(20)), false],
    [
      "closed once it was accepted",
      (broker) => {
        broker.control(1, { kind: "accepted" });
        broker.close();
      },
      false,
    ],
  ];
  for (const [what, end, again] of endings) {
    const { client, broker } = connect();
    const outcome = outcomeOf(client.call(options()));
    await broker.message(1, "request");
    end(broker);
    expect({ what, again: (await outcome) instanceof NotAccepted }).toEqual({ what, again });
    await waitFor(() => !client.usable, { what: "the client to know" });
    // What is asked of a connection that is over was certainly not sent.
    expect({ what, again: (await outcomeOf(client.call(options()))) instanceof NotAccepted }).toEqual({
      what,
      again: what.startsWith("closed"),
    });
  }
});

test("the variables that a broker asks for are sent, those that are set and no others", async () => {
  const { client, broker } = connect();
  const environment = { HOME: "/home/ann", EMPTY: "", UNSET: undefined };
  const outcome = client.call(options({ environment }));
  await broker.message(1, "request");
  broker.control(1, { kind: "accepted" });
  broker.frame(9, 1, JSON.stringify({ request: 3, names: ["HOME", "EMPTY", "UNSET", "toString"] }));
  expect(await broker.message(1, "variables")).toEqual({
    kind: "variables",
    request: 3,
    values: { HOME: "/home/ann", EMPTY: "" },
  });
  broker.control(1, result);
  await outcome;
});

test("notices are handed on", async () => {
  const { client, broker } = connect();
  const notices: string[] = [];
  const outcome = client.call(options({ notice: (message) => notices.push(message) }));
  await broker.message(1, "request");
  broker.control(1, { kind: "accepted" });
  broker.control(1, { kind: "notice", message: "the disk is full" });
  broker.control(1, result);
  await outcome;
  expect(notices).toEqual(["the disk is full"]);
});

describe("status", () => {
  const status: BrokerStatus = {
    pid: 1,
    version: "9.9.9",
    protocol: protocolVersion,
    socket: "/s",
    uptimeMs: 5,
    sessions: 1,
    connections: 2,
    clients: 3,
    calls: 4,
  };
  const ask = async (value: unknown): Promise<unknown> => {
    const { client, broker } = connect();
    const outcome = outcomeOf(client.status());
    await broker.message(1, "status");
    broker.control(1, { kind: "result", value, chunked: false });
    return await outcome;
  };

  test("is what the broker says, without what only a newer one says", async () => {
    expect(await ask({ ...status, mood: "good" })).toEqual(status);
  });

  test.each<[string, unknown]>([
    ["nothing", null],
    ["a number that is none", { ...status, calls: "4" }],
    ["a missing field", { ...status, version: undefined }],
  ])("%s is none", async (_what, value) => {
    expect(await ask(value)).toMatchObject({ code: "PROTOCOL_ERROR" });
  });

  test("of a broker that says nothing is not waited for without end", async () => {
    expect(await outcomeOf(connect().client.status())).toBeInstanceOf(NotAnswering);
  });
});
