import { describe, expect, test } from "bun:test";
import { OutgoingStream, pieceLimit } from "../../../src/broker/wire/outgoing-stream.ts";
import { SharedWay } from "../../../src/broker/wire/shared-way.ts";
import { SshMcpError } from "../../../src/core/errors.ts";

const mebibyte = 1024 * 1024;
const piecesOfMebibyte = mebibyte / pieceLimit;

/** A transport that takes nothing until it is told to. */
const create = () => {
  const transport = { pending: 0 };
  const way = new SharedWay(transport);
  const sent: string[] = [];
  const stream = (name: string): OutgoingStream =>
    new OutgoingStream({
      window: 64 * mebibyte,
      way,
      send: (piece) => {
        transport.pending += piece.length;
        sent.push(name);
      },
    });
  const drain = (): void => {
    transport.pending = 0;
    way.drained();
  };
  return { transport, stream, sent, drain };
};

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe("the way to one client", () => {
  test("takes about a megabyte, whatever credit there is, and more when that was taken", async () => {
    const { transport, stream, drain } = create();
    let written = false;
    const writing = stream("a").write(new Uint8Array(10 * mebibyte));
    void writing.then(() => {
      written = true;
    });
    for (let round = 0; round < 10; round++) {
      expect(transport.pending).toBe(mebibyte);
      await turn();
      expect(written).toBe(round === 9);
      drain();
    }
    await writing;
    expect(transport.pending).toBe(0);
  });

  test("lets streams go in turn: none waits while another goes twice", async () => {
    const { stream, sent, drain } = create();
    const writes = ["a", "b", "c"].map((name) => stream(name).write(new Uint8Array(3 * mebibyte)));
    for (let round = 0; round < 9; round++) drain();
    await Promise.all(writes);
    const order = sent.filter((_, n) => n % piecesOfMebibyte === 0).join("");
    // The first megabyte was nobody's turn: the way was free.
    expect(order).toBe(`a${"abc".repeat(2)}bc`);
    expect(sent.length).toBe(9 * piecesOfMebibyte);
  });

  test("a stream that fails while it waits holds up nobody", async () => {
    const { stream, sent, drain } = create();
    const first = stream("a");
    const waiting = [first.write(new Uint8Array(2 * mebibyte)), stream("b").write(new Uint8Array(10))];
    first.fail(new SshMcpError("CANCELED", "gone"));
    drain();
    const outcomes = await Promise.allSettled(waiting);
    expect(outcomes.map(({ status }) => status)).toEqual(["rejected", "fulfilled"]);
    expect(sent.at(-1)).toBe("b");
  });
});
