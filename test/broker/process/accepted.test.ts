/** A client that did not get `accepted` sends its request again: until it gets it for certain, nothing runs. */
import { afterAll, expect, test } from "bun:test";
import { connect, type Socket } from "node:net";
import { join } from "node:path";
import type { Dispatch } from "../../../src/broker/process/dispatch.ts";
import { Load } from "../../../src/broker/process/load.ts";
import { type ServedConnection, serveConnection } from "../../../src/broker/process/server.ts";
import { decodeJson, FrameReader, frameType } from "../../../src/broker/wire/frame.ts";
import { encodeHello } from "../../../src/broker/wire/opening.ts";
import { encodeControl, type Transport } from "../../../src/broker/wire/protocol.ts";
import { listenOnSocket } from "../../../src/broker/wire/socket-transport.ts";
import { cleanup, onCleanup } from "../../support/cleanup.ts";
import { tempDir } from "../../support/temp.ts";
import { waitFor, within } from "../../support/wait.ts";
import { request } from "./raw-peer.ts";

afterAll(cleanup);

interface Stalled {
  client: Socket;
  transport: Transport;
  connection: ServedConnection;
  ran: string[];
  /** Starts to read, and gives what came for a call, by the kind of its messages. */
  read: () => (call: number) => unknown[];
}

/** A client that reads nothing, whose socket is full of a first answer, and whose second request has come. */
const stalled = async (): Promise<Stalled> => {
  const path = join(tempDir("accepted"), "s");
  const ran: string[] = [];
  const dispatch: Dispatch = async ({ operation }) => {
    ran.push(operation);
    return { text: operation === "large" ? "x".repeat(4 * 1024 * 1024) : "" };
  };
  const served = Promise.withResolvers<{ transport: Transport; connection: ServedConnection }>();
  const listening = listenOnSocket(path, (transport) => {
    const connection = serveConnection(transport, { dispatch, release: "1", load: new Load(), host: null });
    served.resolve({ transport, connection });
  });
  onCleanup(() => listening.stop());
  const client = connect(path);
  client.pause();
  client.on("error", () => undefined);
  onCleanup(() => client.destroy());
  client.write(encodeHello({ place: "", stop: false }));
  client.write(encodeControl(1, request("large")));
  const { transport, connection } = await served.promise;
  await waitFor(() => ran.length === 1 && connection.running === 0, { what: "the first answer", interval: 1 });
  client.write(encodeControl(2, request("run")));
  await waitFor(() => connection.running === 1 || ran.length > 1, { what: "the second request", interval: 1 });
  const read: Stalled["read"] = () => {
    const reader = new FrameReader();
    const messages = new Map<number, unknown[]>();
    client.on("data", (bytes) =>
      reader.push(new Uint8Array(bytes), ({ type, call, payload }) => {
        if (type !== frameType.control) return;
        messages.set(call, [...(messages.get(call) ?? []), decodeJson(payload)]);
      }),
    );
    client.resume();
    return (call) => messages.get(call) ?? [];
  };
  return { client, transport, connection, ran, read };
};

const turns = async (): Promise<void> => {
  for (let n = 0; n < 20; n++) await new Promise((resolve) => setImmediate(resolve));
};

test("an operation does not run before the kernel has taken its call's `accepted`", async () => {
  const { transport, connection, ran, read } = await stalled();
  await turns();
  expect(ran).toEqual(["large"]);
  expect(transport.pending).toBeGreaterThan(1024 * 1024);
  const messages = read();
  await waitFor(() => messages(2).length === 2, { what: "its answer", interval: 1 });
  expect(messages(2)).toMatchObject([{ kind: "accepted" }, { kind: "result" }]);
  expect(ran).toEqual(["large", "run"]);
  expect(connection.running).toBe(0);
});

test("one that is canceled until then never runs, and is answered", async () => {
  const { client, connection, ran, read } = await stalled();
  expect(connection.running).toBe(1);
  client.write(encodeControl(2, { kind: "cancel" }));
  await waitFor(() => connection.running === 0, { what: "its end", interval: 1 });
  const messages = read();
  await waitFor(() => messages(2).length === 2, { what: "its answer", interval: 1 });
  expect(messages(2)).toMatchObject([{ kind: "accepted" }, { kind: "failure", error: { code: "CANCELED" } }]);
  expect(ran).toEqual(["large"]);
});

test("one whose connection ends until then never runs", async () => {
  const lost = await stalled();
  lost.client.destroy();
  await within(lost.connection.ended, { what: "the end of a client that went" });
  expect(lost.ran).toEqual(["large"]);

  const dropped = await stalled();
  dropped.transport.abort();
  await within(dropped.connection.ended, { what: "the end of a client that was dropped" });
  await turns();
  expect(dropped.ran).toEqual(["large"]);
});
