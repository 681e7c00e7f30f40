/** Extensions of OpenSSH that we use: its file PROTOCOL, section 4. */
import { WireReader } from "../wire-reader.ts";
import { Malformed } from "./malformed.ts";
import { mostDataBytes, packetType, safeDataBytes, sftpVersion } from "./packet-types.ts";
import { type ReplyReader, readExtended } from "./replies.ts";

/** Each in the one version that we know. */
const known = {
  "posix-rename@openssh.com": "1",
  "statvfs@openssh.com": "2",
  "fstatvfs@openssh.com": "2",
  "fsync@openssh.com": "1",
  "limits@openssh.com": "1",
  "users-groups-by-id@openssh.com": "1",
} as const;

export type ExtensionName = keyof typeof known;

/** @throws Malformed for another version than ours: the server takes the lower of both */
export const readVersion = (packet: Buffer): ReadonlySet<ExtensionName> => {
  if (packet[0] !== packetType.version) throw new Malformed(`a packet of type ${packet[0]} where its version was due`);
  const reader = new WireReader(packet, 1);
  const version = reader.uint32();
  if (reader.isCut || version !== sftpVersion) throw new Malformed(`version ${version} where ${sftpVersion} is spoken`);
  const offered = new Set<ExtensionName>();
  while (reader.hasMore) {
    const name = reader.string().toString("latin1");
    const value = reader.string().toString("latin1");
    if (reader.isCut) throw new Malformed("extensions that end too early");
    if (Object.hasOwn(known, name) && known[name as ExtensionName] === value) offered.add(name as ExtensionName);
  }
  return offered;
};

/** Bytes of content in one packet. */
export interface Limits {
  read: number;
  write: number;
}

/** What can be asked of a server that says nothing. */
export const safeLimits: Limits = { read: safeDataBytes, write: safeDataBytes };

/** PROTOCOL, section 4.8; zero stands for no limit. */
export const readLimits: ReplyReader<Limits> = (packet) => {
  const reader = readExtended(packet);
  reader.uint64();
  const read = reader.uint64();
  const write = reader.uint64();
  if (reader.isCut) throw new Malformed("limits that end too early");
  const within = (limit: bigint): number =>
    limit === 0n || limit > BigInt(mostDataBytes) ? mostDataBytes : Math.max(Number(limit), 1024);
  return { read: within(read), write: within(write) };
};

/** The file system of a path: statvfs(3). */
export interface FileSystem {
  /** Bytes that the user may still write. */
  freeBytes: number;
  /** Files that it has room for, and how many more of them; none where it does not count them. */
  files: bigint;
  freeFiles: bigint;
  /** None: it is no real one, as /proc is. */
  blocks: bigint;
  id: bigint;
  isReadOnly: boolean;
}

/** PROTOCOL, section 4.4. */
export const readFileSystem: ReplyReader<FileSystem> = (packet) => {
  const reader = readExtended(packet);
  const [, fragment, blocks, , available, files, , freeFiles, id, flags] = Array.from({ length: 11 }, () =>
    reader.uint64(),
  );
  if (reader.isCut) throw new Malformed("a file system that ends too early");
  const free = (fragment ?? 0n) * (available ?? 0n);
  return {
    freeBytes: Number(free > BigInt(Number.MAX_SAFE_INTEGER) ? BigInt(Number.MAX_SAFE_INTEGER) : free),
    files: files ?? 0n,
    freeFiles: freeFiles ?? 0n,
    blocks: blocks ?? 0n,
    id: id ?? 0n,
    isReadOnly: ((flags ?? 0n) & 1n) === 1n,
  };
};
