import type { FileChanges, FileFacts, FileType } from "../../core/files/file-facts.ts";
import type { WireReader } from "../wire-reader.ts";
import { Malformed } from "./malformed.ts";
import { attributeFlag } from "./packet-types.ts";
import type { PacketWriter } from "./packet-writer.ts";

/** What can be set of a file: the size cuts it, or makes it longer. */
export interface Attributes extends FileChanges {
  size?: number;
}

/** The four bits of st_mode above the permissions: S_IFMT of inode(7), shifted. */
const types: Readonly<Record<number, FileType>> = {
  12: "socket",
  10: "symlink",
  8: "file",
  6: "block",
  4: "directory",
  2: "character",
  1: "fifo",
};

/** A number of bytes. @throws Malformed for more than a file can have */
export const readSize = (reader: WireReader): number => {
  const size = reader.uint64();
  if (size > BigInt(Number.MAX_SAFE_INTEGER)) throw new Malformed(`a size of ${size} bytes`);
  return Number(size);
};

/** Section 5 of draft-ietf-secsh-filexfer-02; whether something was missing is for the reader of the whole packet. */
export const readAttributes = (reader: WireReader): FileFacts => {
  const flags = reader.uint32();
  const size = flags & attributeFlag.size ? readSize(reader) : 0;
  const hasOwner = (flags & attributeFlag.owner) !== 0;
  const uid = hasOwner ? reader.uint32() : null;
  const gid = hasOwner ? reader.uint32() : null;
  const permissions = flags & attributeFlag.permissions ? reader.uint32() : null;
  let mtime: number | null = null;
  if (flags & attributeFlag.times) {
    reader.uint32();
    mtime = reader.uint32();
  }
  if (flags & attributeFlag.extended) {
    let pairs = reader.uint32();
    for (; pairs > 0 && !reader.isCut; pairs--) {
      reader.string();
      reader.string();
    }
  }
  return {
    type: permissions === null ? "unknown" : (types[permissions >>> 12] ?? "unknown"),
    size,
    mode: permissions === null ? null : permissions & 0o7777,
    uid,
    gid,
    mtime,
  };
};

/** User and group go together, or not at all. */
export const writeAttributes = (writer: PacketWriter, { size, uid, gid, mode, mtime }: Attributes): PacketWriter => {
  const hasOwner = uid !== undefined && gid !== undefined;
  writer.uint32(
    (size === undefined ? 0 : attributeFlag.size) |
      (hasOwner ? attributeFlag.owner : 0) |
      (mode === undefined ? 0 : attributeFlag.permissions) |
      (mtime === undefined ? 0 : attributeFlag.times),
  );
  if (size !== undefined) writer.uint64(size);
  if (hasOwner) writer.uint32(uid).uint32(gid);
  if (mode !== undefined) writer.uint32(mode & 0o7777);
  if (mtime !== undefined) writer.uint32(mtime).uint32(mtime);
  return writer;
};
