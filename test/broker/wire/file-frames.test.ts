import { describe, expect, test } from "bun:test";
import {
  decodeFileCredit,
  decodeFilePart,
  encodeFileCredit,
  encodeFilePart,
  filePart,
  filePieceLimit,
} from "../../../src/broker/wire/file-frames.ts";
import { type Frame, FrameReader, frameType } from "../../../src/broker/wire/frame.ts";

const only = (bytes: Uint8Array): Frame => {
  const frames: Frame[] = [];
  new FrameReader().push(bytes, (frame) => frames.push(frame));
  const [frame, ...more] = frames;
  if (frame === undefined || more.length > 0) throw new Error(`${frames.length} frames`);
  return frame;
};

describe("a file frame", () => {
  test.each([0, 1, filePieceLimit])("survives the wire with %d bytes", (length) => {
    const bytes = new Uint8Array(length).fill(7);
    const frame = only(encodeFilePart(9, 0xffff_fffe, filePart.data, bytes));
    expect(frame).toMatchObject({ type: frameType.file, call: 9 });
    expect(decodeFilePart(frame.payload)).toEqual({ file: 0xffff_fffe, part: filePart.data, bytes });
  });

  test("carries credit", () => {
    const { bytes, ...rest } = decodeFilePart(only(encodeFileCredit(1, 3, 0xffff_ffff)).payload);
    expect(rest).toEqual({ file: 3, part: filePart.credit });
    expect(decodeFileCredit(bytes)).toBe(0xffff_ffff);
  });

  test("with a byte more than its limit is refused by the other side", () => {
    const tooLong = encodeFilePart(1, 1, filePart.data, new Uint8Array(filePieceLimit + 1));
    expect(() => only(tooLong)).toThrow(/a frame of \d+ bytes/);
  });

  test.each([0, 4])("of %d bytes has no head, and is refused", (length) => {
    expect(() => decodeFilePart(new Uint8Array(length))).toThrow("too short");
  });

  test.each([0, 3, 5])("with credit of %d bytes is refused", (length) => {
    expect(() => decodeFileCredit(new Uint8Array(length))).toThrow("wrong length");
  });
});
