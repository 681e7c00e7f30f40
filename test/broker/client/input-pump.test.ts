import { describe, expect, test } from "bun:test";
import { InputPump } from "../../../src/broker/client/input-pump.ts";
import { type Frame, FrameReader, frameType } from "../../../src/broker/wire/frame.ts";
import { streamWindow } from "../../../src/broker/wire/protocol.ts";
import { waitFor } from "../../support/wait.ts";

/** A pump of one chunk, the types of the frames it sent, and what happened to its source. */
const create = () => {
  const sent: number[] = [];
  const source: string[] = [];
  const reader = new FrameReader();
  const stdin: AsyncIterable<Uint8Array> = {
    [Symbol.asyncIterator]: () => {
      source.push("begun");
      const chunks = [Uint8Array.of(1, 2, 3)];
      return {
        next: async () => {
          const value = chunks.shift();
          source.push(value === undefined ? "ended" : "read");
          return value === undefined ? { done: true, value } : { done: false, value };
        },
        return: async () => {
          source.push("returned");
          return { done: true, value: undefined };
        },
      };
    },
  };
  const pump = new InputPump(1, stdin, (bytes) => reader.push(bytes, ({ type }: Frame) => sent.push(type)));
  return { pump, sent, source };
};

describe("InputPump", () => {
  test("begins with its source when there is credit, and sends all of it and its end", async () => {
    const { pump, sent, source } = create();
    const running = pump.run();
    await Promise.resolve();
    expect(source).toEqual([]);
    pump.grant(streamWindow.stdin);
    await running;
    expect(source).toEqual(["begun", "read", "ended"]);
    expect(sent).toEqual([frameType.stdin, frameType.eof]);
  });

  test.each<[string, (pump: InputPump) => void]>([
    ["before there is credit", () => undefined],
    ["in the moment credit comes", (pump) => pump.grant(streamWindow.stdin)],
  ])("ended %s, it has not touched its source and says nothing", async (_when, before) => {
    const { pump, sent, source } = create();
    const running = pump.run();
    before(pump);
    pump.end();
    await running;
    expect({ source, sent }).toEqual({ source: [], sent: [] });
  });

  test("ended while it sends, it returns its source and sends no end", async () => {
    const { pump, sent, source } = create();
    const running = pump.run();
    pump.grant(1);
    await waitFor(() => source.includes("read"), { what: "the first chunk", interval: 1 });
    pump.end();
    await running;
    expect(source).toEqual(["begun", "read", "returned"]);
    expect(sent).not.toContain(frameType.eof);
  });

  test("without a source it sends the end at once: that takes no credit", async () => {
    const sent: Uint8Array[] = [];
    await new InputPump(7, undefined, (bytes) => sent.push(bytes)).run();
    expect(sent.length).toBe(1);
    expect(sent[0]?.[4]).toBe(frameType.eof);
  });
});
