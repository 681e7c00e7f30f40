import type { Transport } from "../../src/broker/wire/protocol.ts";

const chunkSize = 256 * 1024;

/** Bytes that are the same every time, and nowhere the same as before. */
export const chunks = function* (total: number): Generator<Uint8Array> {
  for (let at = 0; at < total; at += chunkSize) {
    const chunk = new Uint32Array(chunkSize / 4).fill(at / chunkSize);
    chunk[0] = total;
    yield new Uint8Array(chunk.buffer, 0, Math.min(chunkSize, total - at));
  }
};

export const hashOf = (total: number): string => {
  const hash = new Bun.CryptoHasher("sha256");
  for (const chunk of chunks(total)) hash.update(chunk);
  return hash.digest("hex");
};

/** Writes so many bytes at the pace of the reader; resolves when all were taken. */
export const pour = async (transport: Transport, total: number): Promise<void> => {
  let drained = Promise.withResolvers<void>();
  transport.onDrain = () => {
    drained.resolve();
    drained = Promise.withResolvers();
  };
  for (const chunk of chunks(total)) {
    transport.write(chunk);
    if (transport.pending > 1024 * 1024) await drained.promise;
  }
  while (transport.pending > 0) await drained.promise;
};
