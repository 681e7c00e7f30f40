import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { pathBytes, pathText } from "../../../src/core/files/path-text.ts";
import { readVersion } from "../../../src/ssh/sftp/extensions.ts";
import { readAttributes, writeAttributes } from "../../../src/ssh/sftp/file-attributes.ts";
import { Malformed } from "../../../src/ssh/sftp/malformed.ts";
import { PacketSplitter } from "../../../src/ssh/sftp/packet-splitter.ts";
import { packetType } from "../../../src/ssh/sftp/packet-types.ts";
import { PacketWriter } from "../../../src/ssh/sftp/packet-writer.ts";
import {
  readData,
  readEntries,
  readExtended,
  readFacts,
  readHandle,
  readName,
  readOk,
  StatusReply,
} from "../../../src/ssh/sftp/replies.ts";
import { WireReader } from "../../../src/ssh/wire-reader.ts";

const uint32 = fc.integer({ min: 0, max: 0xffff_ffff });
const bytes = fc.uint8Array({ maxLength: 300 });

/** Without the length in front, as replies are read. */
const packet = (writer: PacketWriter): Buffer => writer.packet().subarray(4);

describe("packets", () => {
  test("attributes come back as they were written", () => {
    const owner = fc.record({ uid: uint32, gid: uint32 });
    const attributes = fc
      .record(
        {
          size: fc.maxSafeNat(),
          mode: fc.integer({ min: 0, max: 0o7777 }),
          mtime: uint32,
          owner,
        },
        { requiredKeys: [] },
      )
      .map(({ owner: both, ...rest }) => ({ ...rest, ...both }));
    fc.assert(
      fc.property(attributes, (written) => {
        const data = packet(writeAttributes(new PacketWriter(1), written));
        const facts = readAttributes(new WireReader(data, 1));
        expect(facts).toEqual({
          type: "unknown",
          size: written.size ?? 0,
          mode: written.mode ?? null,
          uid: written.uid ?? null,
          gid: written.gid ?? null,
          mtime: written.mtime ?? null,
        });
      }),
    );
  });

  test.each([
    [0o100644, "file"],
    [0o40755, "directory"],
    [0o120777, "symlink"],
    [0o10600, "fifo"],
    [0o140755, "socket"],
    [0o20666, "character"],
    [0o60660, "block"],
    [0o644, "unknown"],
    [0xffff_ffff, "unknown"],
  ])("st_mode %o is a %s", (mode, type) => {
    const data = packet(new PacketWriter(1).uint32(4).uint32(mode));
    expect(readAttributes(new WireReader(data, 1))).toMatchObject({ type, mode: mode & 0o7777 });
  });

  test("names are bytes, and come back as such", () => {
    fc.assert(
      fc.property(fc.array(bytes, { maxLength: 20 }), (names) => {
        const writer = new PacketWriter(packetType.name).uint32(7).uint32(names.length);
        for (const name of names) writer.string(name).string(Buffer.from("-rw- x")).uint32(0);
        const read = [...(readEntries(packet(writer)) ?? [])].flat();
        expect(read.map(({ name }) => Buffer.from(pathBytes(name)))).toEqual(names.map((name) => Buffer.from(name)));
      }),
    );
  });

  test("a stream is split in the same packets, however it is cut", () => {
    const stream = fc.tuple(
      fc.array(fc.uint8Array({ minLength: 1, maxLength: 600 }), { maxLength: 20 }),
      fc.array(fc.integer({ min: 1, max: 700 }), { minLength: 1, maxLength: 40 }),
    );
    fc.assert(
      fc.property(stream, ([packets, cuts]) => {
        const whole = Buffer.concat(packets.map((each) => packetOf(each)));
        const found: Buffer[] = [];
        const splitter = new PacketSplitter((each) => found.push(each));
        for (let at = 0, cut = 0; at < whole.length; cut++) {
          const length = cuts[cut % cuts.length] ?? 1;
          const chunk = Uint8Array.from(whole.subarray(at, at + length));
          const before = found.length;
          expect(splitter.take(chunk)).toBeNull();
          expect(splitter.hasLent).toBe(found.slice(before).some(({ buffer }) => buffer === chunk.buffer));
          at += length;
        }
        expect(found).toEqual(packets.map((each) => Buffer.from(each)));
      }),
    );
  });

  test.each([
    ["one that lies in it as a whole", [6], [true]],
    ["one whose length came in pieces", [2, 4], [false, true]],
    ["none, where one is gathered", [5, 1], [false, false]],
    ["one behind the end of a gathered one", [5, 7], [false, true]],
    ["one before the beginning of a gathered one", [11, 1], [true, false]],
    ["none any more, when the next one is gathered", [6, 5, 1], [true, false, false]],
  ])("whoever has a chunk is told that packets lie in its memory: %s", (_what, cuts, expected) => {
    const whole = Buffer.concat([packetOf(Buffer.from("ab")), packetOf(Buffer.from("cd"))]);
    const splitter = new PacketSplitter(() => {});
    let at = 0;
    const told = cuts.map((length) => {
      splitter.take(Uint8Array.from(whole.subarray(at, at + length)));
      at += length;
      return splitter.hasLent;
    });
    expect(told).toEqual(expected);
  });

  test.each([0, 256 * 1024 + 1, 0x7fff_ffff, 0xffff_ffff])("no packet has %p bytes", (length) => {
    const head = Buffer.alloc(5);
    head.writeUInt32BE(length);
    expect(new PacketSplitter(() => {}).take(head)).toBe(length);
  });

  test("arbitrary replies are read, or refused as malformed", () => {
    const readers = [readOk, readHandle, readData(100), readFacts, readEntries, readName, readExtended, readVersion];
    const types = fc.constantFrom(...Object.values(packetType));
    fc.assert(
      fc.property(types, uint32, bytes, fc.constantFrom(...readers), (type, id, body, read) => {
        const data = Buffer.concat([packet(new PacketWriter(type).uint32(id)), body]);
        try {
          (read as (data: Buffer) => unknown)(data);
        } catch (thrown) {
          expect(thrown instanceof Malformed || thrown instanceof StatusReply).toBeTrue();
        }
      }),
      { numRuns: 3000 },
    );
  });

  test("the words of a status may be missing", () => {
    const status = packet(new PacketWriter(packetType.status).uint32(1).uint32(4));
    expect(() => readOk(status)).toThrow(StatusReply);
    expect(() => readOk(status.subarray(0, 7))).toThrow(Malformed);
  });

  test.each(["", "a/b", "..", "\0", "\udc80"])("a name %j is handed on as it is", (name) => {
    const writer = new PacketWriter(packetType.name).uint32(7).uint32(1).string(pathBytes(name));
    expect(readName(packet(writer.string(Buffer.alloc(0)).uint32(0)))).toBe(pathText(pathBytes(name)));
  });
});

const packetOf = (body: Uint8Array): Buffer => {
  const head = Buffer.alloc(4);
  head.writeUInt32BE(body.length);
  return Buffer.concat([head, body]);
};
