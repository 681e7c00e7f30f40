/** What ssh2 unpacks, as patches/ has it: whoever takes a payload may give its memory up, as an SFTP channel does. */
import { expect, test } from "bun:test";
import { randomBytes } from "node:crypto";

interface ZlibHalf {
  ZlibPacketReader: new () => { read(packet: Uint8Array): Buffer; cleanup(): void };
  ZlibPacketWriter: new (protocol: object) => { finalize(payload: Uint8Array): Buffer; cleanup(): void };
}

const { ZlibPacketReader, ZlibPacketWriter }: ZlibHalf = require("ssh2/lib/protocol/zlib.js");

test.each([9000, 16_000, 16_384, 30_000, 100_000])(
  "a payload of %i bytes lies in memory of its own, which may go before the next one comes",
  (size) => {
    const reader = new ZlibPacketReader();
    // Its packets have five bytes in front, for their length and padding.
    const allocPacket = (bytes: number): Buffer => Buffer.alloc(5 + bytes);
    const writer = new ZlibPacketWriter({ _kexinit: undefined, _cipher: { allocPacket } });
    for (let packet = 0; packet < 20; packet++) {
      const payload = randomBytes(size);
      const read = reader.read(writer.finalize(payload).subarray(5));
      expect([packet, read.equals(payload)]).toEqual([packet, true]);
      const memory = read.buffer as ArrayBuffer;
      expect(memory.byteLength).toBe(size);
      memory.transfer(0);
    }
    reader.cleanup();
    writer.cleanup();
  },
);
