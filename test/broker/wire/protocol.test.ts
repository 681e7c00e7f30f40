import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import {
  controlLimit,
  dataLimit,
  decodeCredit,
  decodeJson,
  encodeCredit,
  encodeFrame,
  type Frame,
  FrameReader,
  type FrameType,
  frameType,
} from "../../../src/broker/wire/frame.ts";
import { encodeControl } from "../../../src/broker/wire/protocol.ts";
import { SshMcpError } from "../../../src/core/errors.ts";

const decodeAll = (chunks: readonly Uint8Array[]): Frame[] => {
  const frames: Frame[] = [];
  const reader = new FrameReader();
  for (const chunk of chunks) reader.push(chunk, (frame) => frames.push({ ...frame, payload: frame.payload.slice() }));
  return frames;
};

const cut = (bytes: Uint8Array, places: readonly number[]): Uint8Array[] => {
  const at = [0, ...places.map((place) => place % (bytes.length + 1)).sort((a, b) => a - b), bytes.length];
  return at.slice(1).map((end, index) => bytes.subarray(at[index], end));
};

const thrownBy = (run: () => unknown): unknown => {
  try {
    return run();
  } catch (thrown) {
    return thrown;
  }
};

const anyFrame = fc.record({
  type: fc.constantFrom<FrameType>(...Object.values(frameType)),
  call: fc.integer({ min: 0, max: 0xffff_ffff }),
  payload: fc.uint8Array({ maxLength: 64 }),
});

describe("FrameReader", () => {
  test("gives the same frames for every way the bytes are cut", () => {
    const frames = fc.array(anyFrame, { maxLength: 8 });
    fc.assert(
      fc.property(frames, fc.array(fc.nat(), { maxLength: 12 }), (sent, places) => {
        const bytes = Buffer.concat(sent.map(({ type, call, payload }) => encodeFrame(type, call, payload)));
        expect(decodeAll(cut(bytes, places))).toEqual(sent);
        expect(decodeAll(Array.from(bytes, (byte) => Uint8Array.of(byte)))).toEqual(sent);
      }),
      { numRuns: 200 },
    );
  });

  test("never throws anything but PROTOCOL_ERROR, whatever comes", () => {
    // Small lengths and real types, so that the noise gets beyond the header.
    const likely = fc.tuple(
      fc.constantFrom(0, 5, 6, 40),
      fc.integer({ min: 0, max: 10 }),
      fc.uint8Array({ maxLength: 40 }),
    );
    const noise = fc.oneof(
      fc.uint8Array({ maxLength: 200 }),
      fc
        .array(likely, { maxLength: 6 })
        .map((parts) => Uint8Array.from(parts.flatMap(([length, type, rest]) => [0, 0, 0, length, type, ...rest]))),
    );
    fc.assert(
      fc.property(noise, fc.array(fc.nat(), { maxLength: 5 }), (bytes, places) => {
        const thrown = thrownBy(() => decodeAll(cut(bytes, places)));
        if (!Array.isArray(thrown)) expect(thrown).toMatchObject({ code: "PROTOCOL_ERROR" });
      }),
      { numRuns: 500 },
    );
  });

  test("is linear in the bytes: the largest frame, byte by byte", () => {
    const payload = new Uint8Array(controlLimit).fill(7);
    const bytes = encodeFrame(frameType.control, 9, payload);
    const reader = new FrameReader();
    let got = 0;
    for (let at = 0; at < bytes.length; at++)
      reader.push(bytes.subarray(at, at + 1), (frame) => (got = frame.payload.length));
    expect(got).toBe(controlLimit);
  });

  test.each([
    ["an unknown type", Uint8Array.of(0, 0, 0, 5, 99, 0, 0, 0, 0)],
    ["type zero", Uint8Array.of(0, 0, 0, 5, 0, 0, 0, 0, 0)],
    ["a length shorter than the header", Uint8Array.of(0, 0, 0, 4, 1, 0, 0, 0, 0)],
    ["a control frame over its limit", header(controlLimit + 1, frameType.control)],
    ["a data frame over its limit", header(dataLimit + 1, frameType.stdin)],
    ["a gigabyte", header(1 << 30, frameType.value)],
  ])("refuses %s before its payload comes", (_what, bytes) => {
    expect(thrownBy(() => decodeAll([bytes]))).toMatchObject({ code: "PROTOCOL_ERROR" });
    expect(thrownBy(() => decodeAll(cut(bytes, [3, 6])))).toMatchObject({ code: "PROTOCOL_ERROR" });
  });

  test("takes frames of exactly the limits", () => {
    const frames = decodeAll([
      encodeFrame(frameType.control, 1, new Uint8Array(controlLimit)),
      encodeFrame(frameType.stdout, 1, new Uint8Array(dataLimit)),
    ]);
    expect(frames.map(({ payload }) => payload.length)).toEqual([controlLimit, dataLimit]);
  });
});

function header(payload: number, type: FrameType): Uint8Array {
  const bytes = new Uint8Array(9);
  new DataView(bytes.buffer).setUint32(0, payload + 5);
  bytes[4] = type;
  return bytes;
}

describe("payloads", () => {
  test("credit survives the wire", () => {
    const [frame] = decodeAll([encodeCredit(3, frameType.stderr, 0xffff_ffff)]);
    expect(frame?.call).toBe(3);
    expect(decodeCredit(frame?.payload ?? new Uint8Array(0))).toEqual({ stream: frameType.stderr, bytes: 0xffff_ffff });
  });

  test.each([0, 4, 6])("a credit payload of %d bytes is refused", (length) => {
    expect(thrownBy(() => decodeCredit(new Uint8Array(length)))).toMatchObject({ code: "PROTOCOL_ERROR" });
  });

  test.each([
    ["nothing", ""],
    ["half an object", "{"],
    ["half a word", "nul"],
    ["an open string", `"\ud800`],
    ["a deep nest", "[".repeat(100_000)],
  ])("JSON that is none is refused: %s", (_what, text) => {
    expect(thrownBy(() => decodeJson(new TextEncoder().encode(text)))).toBeInstanceOf(SshMcpError);
  });

  test("a message over the limit is refused before it is sent", () => {
    const message = { kind: "answer", prompt: 1, value: "x".repeat(controlLimit) } as const;
    expect(thrownBy(() => encodeControl(1, message))).toMatchObject({ code: "TOO_LARGE" });
  });
});
