/** Writes of one turn leave together, and nothing of them is lost. */
import { afterAll, expect, test } from "bun:test";
import { connect, createServer, type Socket } from "node:net";
import { Duplex } from "node:stream";
import { gatherWrites } from "../../../src/ssh/transport/gathered-writes.ts";
import { cleanup, onCleanup } from "../../support/cleanup.ts";
import { waitFor } from "../../support/wait.ts";

afterAll(cleanup);

/** A client's socket whose writes are gathered, and what its server got: in all, and in how many pieces. */
const pair = async () => {
  const got: Buffer[] = [];
  const accepted = Promise.withResolvers<Socket>();
  let ended = false;
  const server = createServer((socket) => {
    socket.on("data", (bytes) => got.push(bytes));
    socket.on("end", () => {
      ended = true;
    });
    accepted.resolve(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  const client = connect({ host: "127.0.0.1", port, noDelay: true });
  await new Promise((resolve) => client.once("connect", resolve));
  onCleanup(() => {
    client.destroy();
    server.close();
  });
  gatherWrites(client);
  return { client, served: await accepted.promise, got, text: () => Buffer.concat(got).toString(), over: () => ended };
};

test("the pieces of a packet arrive as one", async () => {
  const { client, got, text } = await pair();
  for (const piece of ["len", "gth", "payload", "mac"]) client.write(piece);
  await waitFor(() => text() === "lengthpayloadmac", { what: "the packet", interval: 1 });
  expect(got.length).toBe(1);
});

test("those of later turns go out in their own, in order", async () => {
  const { client, text } = await pair();
  let expected = "";
  for (let n = 0; n < 200; n++) {
    client.write(`${n},`);
    client.write(";");
    expected += `${n},;`;
    if (n % 3 === 0) await new Promise((resolve) => setImmediate(resolve));
    if (n % 5 === 0) await Promise.resolve();
  }
  await waitFor(() => text() === expected, { what: "all of it", interval: 1 });
});

test("the last ones reach a server although the end comes in the same turn", async () => {
  const { client, text, over } = await pair();
  client.write("good");
  client.write("bye");
  client.end();
  await waitFor(over, { what: "the end", interval: 1 });
  expect(text()).toBe("goodbye");
});

test("who writes more than is taken is told to wait, and when to go on", async () => {
  const { client, served, got } = await pair();
  served.pause();
  const piece = Buffer.alloc(256 * 1024, 7);
  let written = 0;
  while (client.write(piece)) {
    written += piece.length;
    await new Promise((resolve) => setImmediate(resolve));
  }
  written += piece.length;
  const drained = new Promise((resolve) => client.once("drain", resolve));
  served.resume();
  await drained;
  await waitFor(() => got.reduce((sum, { length }) => sum + length, 0) === written, { what: "all of it", interval: 1 });
});

test("any stream will do: a ProxyCommand's is no socket", async () => {
  const pieces: string[] = [];
  const stream = new Duplex({
    read: () => undefined,
    write: (chunk, _, done) => {
      pieces.push(String(chunk));
      done();
    },
  });
  gatherWrites(stream);
  stream.write("a");
  stream.write("b");
  expect(pieces).toEqual([]);
  await new Promise((resolve) => setImmediate(resolve));
  expect(pieces).toEqual(["a", "b"]);
});
