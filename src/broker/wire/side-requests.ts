/**
 * What the broker asks of the client's process when it moves local files: `TransferSide`, one exchange for each call of a method. Arguments are JSON;
 * what is many or large flows as the exchange's data (file-records.ts). Checked by hand, as replies are.
 */

import { errorCodes } from "../../core/errors.ts";
import { type FileChanges, type FileFacts, type FileType, fileTypes } from "../../core/files/file-facts.ts";
import type { FileForm, Refusal } from "../../core/files/transfer-side.ts";
import { malformed } from "./frame.ts";

export type SideRequest =
  | { method: "look" | "free"; path: string }
  | { method: "walk" | "readMany" | "writeMany" | "checkMirror"; root: string }
  | { method: "read"; path: string; from: number; hands: boolean }
  | { method: "write"; root: string; path: string; from: number; form: FileForm; hands: boolean }
  | { method: "part" | "remove"; root: string; path: string }
  | { method: "hash"; path: string; length: number | null; ofPart: boolean }
  | { method: "makeDirectory"; root: string; path: string; mode: number | null }
  | { method: "symlink"; root: string; path: string; target: string }
  | { method: "change"; root: string; path: string; changes: FileChanges };

/** An open file of the client's process, for the broker to read or write in its place. */
export interface HandedFile {
  /** The descriptor's number there. */
  file: number;
  /** Decimal: what fstat(2) says. */
  device: string;
  inode: string;
}

/** What a client says while an exchange goes on. Where `hands` was asked for, it says first which file it hands over, or does what it does without. */
export type SideEvent = { refused: Refusal } | { files: number; bytes: number } | { handed: HandedFile | null };

/** What the broker says of a file that was handed over: whether it uses it, and when it does not any more, how far it came and what the system said. */
export type HandedWord = { taken: boolean } | { bytes: number; code: string | null };

type Fields = Record<string, unknown>;

const fieldsOf = (value: unknown): Fields => {
  if (typeof value !== "object" || value === null) throw wrong();
  return { ...value };
};
const wrong = () => malformed("a word about local files of the wrong shape");
const text = (value: unknown): string => {
  if (typeof value !== "string") throw wrong();
  return value;
};
const count = (value: unknown): number => {
  if (typeof value !== "number" || !Number.isSafeInteger(value) || value < 0) throw wrong();
  return value;
};
const time = (value: unknown): number => {
  if (typeof value !== "number" || !Number.isSafeInteger(value)) throw wrong();
  return value;
};
const orNull = <T>(value: unknown, parse: (value: unknown) => T): T | null => (value === null ? null : parse(value));

/** @throws SshMcpError PROTOCOL_ERROR */
export const parseSideRequest = (value: unknown): SideRequest => {
  const fields = fieldsOf(value);
  const { method } = fields;
  const both = () => ({ root: text(fields["root"]), path: text(fields["path"]) });
  switch (method) {
    case "look":
    case "free":
      return { method, path: text(fields["path"]) };
    case "walk":
    case "readMany":
    case "writeMany":
    case "checkMirror":
      return { method, root: text(fields["root"]) };
    case "read":
      return { method, path: text(fields["path"]), from: count(fields["from"]), hands: fields["hands"] === true };
    case "write":
      return {
        method,
        ...both(),
        from: count(fields["from"]),
        form: formOf(fields["form"]),
        hands: fields["hands"] === true,
      };
    case "part":
    case "remove":
      return { method, ...both() };
    case "hash":
      return {
        method,
        path: text(fields["path"]),
        length: orNull(fields["length"], count),
        ofPart: fields["ofPart"] === true,
      };
    case "makeDirectory":
      return { method, ...both(), mode: orNull(fields["mode"], count) };
    case "symlink":
      return { method, ...both(), target: text(fields["target"]) };
    case "change":
      return { method, ...both(), changes: changesOf(fields["changes"]) };
    default:
      throw wrong();
  }
};

const formOf = (value: unknown): FileForm => {
  const { mode, masked, mtime } = fieldsOf(value);
  return { mode: orNull(mode, count), masked: masked === true, mtime: orNull(mtime, time) };
};

const changesOf = (value: unknown): FileChanges => {
  const { mode, uid, gid, mtime } = fieldsOf(value);
  return {
    ...(mode === undefined ? {} : { mode: count(mode) }),
    ...(uid === undefined ? {} : { uid: count(uid) }),
    ...(gid === undefined ? {} : { gid: count(gid) }),
    ...(mtime === undefined ? {} : { mtime: time(mtime) }),
  };
};

/** @throws SshMcpError PROTOCOL_ERROR */
export const parseSideEvent = (value: unknown): SideEvent => {
  const { refused, files, bytes, handed } = fieldsOf(value);
  if (handed !== undefined) return { handed: orNull(handed, handedOf) };
  if (refused === undefined) return { files: count(files), bytes: count(bytes) };
  const { path, code, message } = fieldsOf(refused);
  const known = errorCodes.find((one) => one === code) ?? "INTERNAL";
  return { refused: { path: text(path), code: known, message: text(message) } };
};

const handedOf = (value: unknown): HandedFile => {
  const { file, device, inode } = fieldsOf(value);
  return { file: count(file), device: text(device), inode: text(inode) };
};

/** @throws SshMcpError PROTOCOL_ERROR */
export const parseHandedWord = (value: unknown): HandedWord => {
  const { taken, bytes, code } = fieldsOf(value);
  return typeof taken === "boolean" ? { taken } : { bytes: count(bytes), code: orNull(code, text) };
};

/** @throws SshMcpError PROTOCOL_ERROR */
export const parseFacts = (value: unknown): FileFacts | null =>
  orNull(value, (given) => {
    const { type, size, mode, uid, gid, mtime } = fieldsOf(given);
    const known = fileTypes.find((one): one is FileType => one === type) ?? "unknown";
    return {
      type: known,
      size: count(size),
      mode: orNull(mode, count),
      uid: orNull(uid, count),
      gid: orNull(gid, count),
      mtime: orNull(mtime, time),
    };
  });

/** @throws SshMcpError PROTOCOL_ERROR */
export const parseCount = (value: unknown): number | null => orNull(value, count);

/** @throws SshMcpError PROTOCOL_ERROR */
export const parseText = (value: unknown): string | null => orNull(value, text);
