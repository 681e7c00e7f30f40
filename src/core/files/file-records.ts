/**
 * Entries, small files and paths in bytes, many in a stream: `u32 length | body`, big endian. A body is a path, or
 * `u8 type | u8 flags | f64 size | u32 mode? | u32 uid? | u32 gid? | f64 mtime? | u32 form mode? | f64 form mtime? | u32 length | path | rest`,
 * where a flag says of each that may be missing whether it is there; the rest is what a link says, or the content of a file.
 */
import { SshMcpError } from "../errors.ts";
import { type FileFacts, fileTypes } from "./file-facts.ts";
import { pathBytes, pathText } from "./path-text.ts";
import { type FileForm, type SmallFile, smallFileLimit, type TreeEntry } from "./transfer-side.ts";

const flag = { mode: 1, uid: 2, gid: 4, mtime: 8, link: 16, formMode: 32, formMtime: 64, masked: 128 } as const;

/** Bytes of the longest body: a whole small file, and paths longer than any system takes. */
export const recordLimit = smallFileLimit + 128 * 1024;

/** A file on its way to where it is to be written. */
export interface FormedFile extends SmallFile {
  form: FileForm;
}

const noBytes = new Uint8Array(0);
const noForm: FileForm = { mode: null, masked: false, mtime: null };

/** @throws SshMcpError TOO_LARGE for what no record holds */
export const encodePaths = (paths: readonly string[]): Uint8Array => {
  const named = paths.map(pathBytes);
  const records = new Records(named.reduce((sum, { length }) => sum + 4 + length, 0));
  for (const path of named) {
    records.begin(path.length);
    records.bytes(path);
  }
  return records.all;
};

export const encodeEntries = (entries: readonly TreeEntry[]): Uint8Array =>
  joined(
    entries.map(({ path, facts, linkTarget }) => ({
      ...{ path: pathBytes(path), facts, form: noForm },
      rest: linkTarget === null ? noBytes : pathBytes(linkTarget),
      flags: linkTarget === null ? 0 : flag.link,
    })),
  );

/** @param form absent for files that are read */
export const encodeFiles = (files: readonly SmallFile[], form?: (file: SmallFile) => FileForm): Uint8Array =>
  joined(
    files.map((file) => ({
      path: pathBytes(file.path),
      facts: file.facts,
      rest: file.content,
      form: form?.(file) ?? noForm,
      flags: 0,
    })),
  );

interface Parts {
  path: Uint8Array;
  facts: FileFacts;
  form: FileForm;
  rest: Uint8Array;
  flags: number;
}

const joined = (all: readonly Parts[]): Uint8Array => {
  const lengths = all.map(lengthOf);
  const records = new Records(lengths.reduce((sum, length) => sum + 4 + length, 0));
  all.forEach((parts, index) => {
    records.begin(lengths[index] ?? 0);
    records.add(parts);
  });
  return records.all;
};

const given = (value: number | null, bytes: number): number => (value === null ? 0 : bytes);

const lengthOf = ({ path, facts, form, rest }: Parts): number =>
  14 +
  given(facts.mode, 4) +
  given(facts.uid, 4) +
  given(facts.gid, 4) +
  given(facts.mtime, 8) +
  given(form.mode, 4) +
  given(form.mtime, 8) +
  path.length +
  rest.length;

/** Writes records, one behind the other, into one piece: there are thousands, and none is put together by itself. */
class Records {
  readonly all: Uint8Array;
  readonly #view: DataView;
  #at = 0;
  #flags = 0;

  constructor(length: number) {
    this.all = new Uint8Array(length);
    this.#view = new DataView(this.all.buffer);
  }

  /** @throws SshMcpError TOO_LARGE */
  begin(body: number): void {
    if (body > recordLimit) throw new SshMcpError("TOO_LARGE", `${body} bytes are too many for one record of a stream`);
    this.#view.setUint32(this.#at, body);
    this.#at += 4;
  }

  bytes(bytes: Uint8Array): void {
    this.all.set(bytes, this.#at);
    this.#at += bytes.length;
  }

  add({ path, facts, form, rest, flags }: Parts): void {
    const began = this.#at;
    this.#flags = flags | (form.masked ? flag.masked : 0);
    this.#view.setUint8(began, fileTypes.indexOf(facts.type));
    this.#view.setFloat64(began + 2, facts.size);
    this.#at += 10;
    this.#word(facts.mode, flag.mode);
    this.#word(facts.uid, flag.uid);
    this.#word(facts.gid, flag.gid);
    this.#double(facts.mtime, flag.mtime);
    this.#word(form.mode, flag.formMode);
    this.#double(form.mtime, flag.formMtime);
    this.#view.setUint8(began + 1, this.#flags);
    this.#view.setUint32(this.#at, path.length);
    this.#at += 4;
    this.bytes(path);
    this.bytes(rest);
  }

  #word(value: number | null, which: number): void {
    if (value === null) return;
    this.#flags |= which;
    this.#view.setUint32(this.#at, value);
    this.#at += 4;
  }

  #double(value: number | null, which: number): void {
    if (value === null) return;
    this.#flags |= which;
    this.#view.setFloat64(this.#at, value);
    this.#at += 8;
  }
}

/** @throws SshMcpError PROTOCOL_ERROR */
export const decodeEntry = (body: Uint8Array): TreeEntry => {
  const { path, facts, flags, rest } = parsed(body);
  return { path, facts, linkTarget: (flags & flag.link) === 0 ? null : pathText(rest) };
};

/** The content is a view. @throws SshMcpError PROTOCOL_ERROR */
export const decodeFile = (body: Uint8Array): FormedFile => {
  const { path, facts, form, rest } = parsed(body);
  return { path, facts, content: rest, form };
};

const parsed = (body: Uint8Array) => {
  const view = new DataView(body.buffer, body.byteOffset, body.byteLength);
  try {
    const type = fileTypes[view.getUint8(0)];
    const flags = view.getUint8(1);
    let at = 10;
    const skip = (bytes: number): number => {
      at += bytes;
      return at - bytes;
    };
    const word = (which: number): number | null => ((flags & which) === 0 ? null : view.getUint32(skip(4)));
    const double = (which: number): number | null => ((flags & which) === 0 ? null : view.getFloat64(skip(8)));
    const [mode, uid, gid] = [word(flag.mode), word(flag.uid), word(flag.gid)];
    const mtime = double(flag.mtime);
    const masked = (flags & flag.masked) !== 0;
    const form: FileForm = { mode: word(flag.formMode), masked, mtime: double(flag.formMtime) };
    const length = view.getUint32(at);
    if (type === undefined || length > body.length - at - 4) throw wrong();
    const path = pathText(body.subarray(at + 4, at + 4 + length));
    const facts: FileFacts = { type, size: view.getFloat64(2), mode, uid, gid, mtime };
    return { path, facts, flags, form, rest: body.subarray(at + 4 + length) };
  } catch {
    throw wrong();
  }
};

const wrong = (): SshMcpError =>
  new SshMcpError("PROTOCOL_ERROR", "the other side sent a record of a file that is none");

/** The bodies of a stream of records, as many at once as a chunk completes. @throws SshMcpError PROTOCOL_ERROR */
export async function* recordsOf(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array[], undefined> {
  let held = noBytes;
  let length = 0;
  for await (const chunk of chunks) {
    let rest = chunk;
    const whole: Uint8Array[] = [];
    while (rest.length > 0) {
      if (length === 0) {
        const size = sizeAt(rest);
        if (size !== null && rest.length >= size) {
          whole.push(rest.subarray(4, size));
          rest = rest.subarray(size);
          continue;
        }
        held = new Uint8Array(size ?? 4);
      }
      const taken = rest.subarray(0, held.length - length);
      held.set(taken, length);
      length += taken.length;
      rest = rest.subarray(taken.length);
      if (length < held.length) break;
      const size = sizeAt(held) ?? 0;
      if (size > length) {
        const larger = new Uint8Array(size);
        larger.set(held);
        held = larger;
        continue;
      }
      whole.push(held.subarray(4));
      length = 0;
    }
    if (whole.length > 0) yield whole;
  }
  if (length > 0) throw wrong();
}

/** Of the record that begins here, with its length; null when that is not there yet. */
const sizeAt = (bytes: Uint8Array): number | null => {
  if (bytes.length < 4) return null;
  const length = new DataView(bytes.buffer, bytes.byteOffset).getUint32(0);
  if (length > recordLimit) throw wrong();
  return length + 4;
};
