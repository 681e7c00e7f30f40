import { read } from "node:fs";
import { SshMcpError } from "../../core/errors.ts";
import { shown } from "../../core/escape.ts";
import { partName } from "../../core/files/transfer-side.ts";
import { atCalls } from "./at-calls.ts";
import { localError } from "./local-errors.ts";
import type { Place } from "./local-places.ts";
import { openRegular } from "./local-read.ts";

/** To hash so much takes well under a millisecond. */
const pieceSize = 512 * 1024;

/**
 * SHA-256 in hex of a file's first bytes.
 * @param length null for all of it
 * @throws SshMcpError LOCAL_IO when there are not as many
 */
export const hashFile = async (
  { tree, path }: Place,
  length: number | null,
  ofPart: boolean,
  signal?: AbortSignal,
): Promise<string> => {
  const from = ofPart ? partPath(path) : path;
  const where = tree.shownPath(from);
  const { file } = openRegular(tree, from, where);
  const hash = new Bun.CryptoHasher("sha256");
  const buffer = new Uint8Array(pieceSize);
  let left = length ?? Number.POSITIVE_INFINITY;
  try {
    while (left > 0) {
      if (signal?.aborted) throw new SshMcpError("CANCELED", `${shown(where)} is not hashed any further`);
      const taken = await readInto(file, buffer, Math.min(left, pieceSize));
      if (taken === 0) break;
      hash.update(buffer.subarray(0, taken));
      left -= taken;
    }
  } catch (cause) {
    throw localError(where, "read", cause);
  } finally {
    atCalls().close(file);
  }
  if (length !== null && left > 0) {
    throw new SshMcpError("LOCAL_IO", `${shown(where)} has only ${length - left} of the ${length} bytes to be hashed`);
  }
  return hash.digest("hex");
};

export const partPath = (path: string): string => {
  const at = path.lastIndexOf("/") + 1;
  return path.slice(0, at) + partName(path.slice(at));
};

const readInto = (file: number, buffer: Uint8Array, length: number): Promise<number> =>
  new Promise((resolve, reject) => {
    read(file, buffer, 0, length, null, (failure, taken) => (failure === null ? resolve(taken) : reject(failure)));
  });
