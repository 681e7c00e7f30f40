import { pathBytes } from "../../core/files/path-text.ts";
import { blockLength, nameLimit, padding, tarType, writeHeader } from "./tar-header.ts";

/** A regular file, whole. */
export interface TarFile {
  path: string;
  mode: number;
  /** Whole seconds since the epoch. */
  mtime: number;
  content: Uint8Array;
}

/** What ends an archive: two blocks of zeros. */
export const tarEnd = (): Uint8Array => new Uint8Array(2 * blockLength);

/**
 * Members of an archive, in one piece. A name that is too long for a header stands before it as GNU tar has it: every tar reads that, and
 * its bytes are any bytes, where pax wants UTF-8.
 */
export const encodeTar = (files: readonly TarFile[]): Uint8Array => {
  const named = files.map((file) => ({ ...file, name: pathBytes(file.path) }));
  const piece = new Uint8Array(named.reduce((sum, { name, content }) => sum + memberLength(name, content), 0));
  let at = 0;
  for (const { name, mode, mtime, content } of named) {
    if (name.length > nameLimit) {
      const size = name.length + 1;
      writeHeader(piece.subarray(at, at + blockLength), {
        name: longName,
        type: tarType.longName,
        mode: 0,
        size,
        mtime: 0,
      });
      piece.set(name, at + blockLength);
      at += blockLength + size + padding(size);
    }
    writeHeader(piece.subarray(at, at + blockLength), { name, type: tarType.file, mode, size: content.length, mtime });
    piece.set(content, at + blockLength);
    at += blockLength + content.length + padding(content.length);
  }
  return piece;
};

const longName = new TextEncoder().encode("././@LongLink");

const memberLength = (name: Uint8Array, content: Uint8Array): number => {
  const own = blockLength + content.length + padding(content.length);
  if (name.length <= nameLimit) return own;
  return own + blockLength + name.length + 1 + padding(name.length + 1);
};
