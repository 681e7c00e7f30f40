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
  for (const piece of ["len", "gth", "payload", "mac"]) client.write(Buffer.from(piece));
  await waitFor(() => text() === "lengthpayloadmac", { what: "the packet", interval: 1 });
  expect(got.length).toBe(1);
});

test("those of later turns go out in their own, in order", async () => {
  const { client, text } = await pair();
  let expected = "";
  for (let n = 0; n < 200; n++) {
    client.write(Buffer.from(`${n},`));
    // What is no array of bytes goes its own way, in its turn.
    client.write(";");
    expected += `${n},;`;
    if (n % 3 === 0) await new Promise((resolve) => setImmediate(resolve));
    if (n % 5 === 0) await Promise.resolve();
  }
  await waitFor(() => text() === expected, { what: "all of it", interval: 1 });
});

test("the last ones reach a server although the end comes in the same turn", async () => {
  const { client, text, over } = await pair();
  client.write(Buffer.from("good"));
  client.write(Buffer.from("bye"));
  client.end();
  await waitFor(over, { what: "the end", interval: 1 });
  expect(text()).toBe("goodbye");
});

test("the last ones reach a server although the connection is given up in the same turn", async () => {
  const { client, text, over } = await pair();
  client.write(Buffer.from("good"));
  client.write(Buffer.from("bye"));
  client.destroy();
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
  stream.write(Buffer.from("a"));
  stream.write(Buffer.from("b"));
  expect(pieces).toEqual([]);
  await new Promise((resolve) => setImmediate(resolve));
  expect(pieces).toEqual(["ab"]);
});

test("whoever passes the bytes on may keep them, though the socket has called back", async () => {
  const kept: Buffer[] = [];
  const stream = new Duplex({
    read: () => undefined,
    write: (chunk, _, done) => {
      kept.push(chunk);
      done();
    },
  });
  gatherWrites(stream);
  for (const letter of "abcdef") {
    stream.write(Buffer.alloc(200_000, letter));
    await new Promise((resolve) => setImmediate(resolve));
  }
  const expected = [..."abcdef"].map((letter) => letter.repeat(200_000)).join("");
  expect(Buffer.concat(kept).toString() === expected).toBe(true);
});

test("what was written may be changed at once, and nothing of many blocks is lost while the server does not read", async () => {
  const { client, served, got } = await pair();
  served.pause();
  const hash = new Bun.CryptoHasher("sha256");
  const piece = Buffer.alloc(100_003);
  let written = 0;
  for (let n = 0; n < 200; n++) {
    piece.fill(n);
    hash.update(piece);
    client.write(piece);
    written += piece.length;
    if (n % 7 === 0) await new Promise((resolve) => setImmediate(resolve));
  }
  piece.fill(0xff);
  served.resume();
  await waitFor(() => got.reduce((sum, { length }) => sum + length, 0) === written, { what: "all of it", interval: 1 });
  expect(Bun.SHA256.hash(Buffer.concat(got), "hex")).toBe(hash.digest("hex"));
});
