/** Gives a host other keys in a known_hosts file: hostfile_replace_entries of OpenSSH 9.2. */
import { constants } from "node:fs";
import { open } from "node:fs/promises";
import { writeAtomically } from "../../files/atomic-write.ts";
import { type HostAndPort, knownHostName } from "./known-hosts.ts";
import { knownHostsLine } from "./known-hosts-append.ts";
import { parseKnownHostsLine } from "./known-hosts-line.ts";
import { withKnownHostsLock } from "./known-hosts-lock.ts";

export interface Replacement {
  at: HostAndPort;
  /** In wire form: what the host keeps, and gets where it does not have it. */
  keys: readonly Uint8Array[];
  /** Whether missing ones are added: to the first file alone. */
  adds: boolean;
  /** Whether a key is taken away, of those that are not among `keys`. */
  removes: (key: Uint8Array) => boolean;
  /** HashKnownHosts. */
  hash: boolean;
}

/** Bytes. */
const largestFile = 64 * 1024 * 1024;
/** Lines that are looked at before everybody else has a turn: some milliseconds. */
const linesAtOnce = 200;

/**
 * Writes the file anew, at once: beside it, then in its place; a symbolic link stays one, and so does the mode. Every other line stays as it is,
 * byte for byte. Nothing is written when nothing changes, or when somebody else holds the file.
 * @throws SshMcpError LOCAL_IO; what the system says of a file that cannot be read
 */
export const replaceKnownHosts = (path: string, replacement: Replacement): Promise<void> =>
  withKnownHostsLock(path, async (file, locked) => {
    if (!locked) return;
    const { content, mode } = await read(file);
    const changed = await replaced(content, replacement);
    if (changed !== null) await writeAtomically(file, changed, mode);
  });

const read = async (file: string): Promise<{ content: Buffer; mode: number }> => {
  const opened = await open(file, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    const facts = await opened.stat();
    if (!facts.isFile() || facts.size > largestFile) throw new Error("is no file to rewrite");
    return { content: await opened.readFile(), mode: facts.mode & 0o777 };
  } finally {
    await opened.close();
  }
};

/** @returns null when it stays as it is */
const replaced = async (content: Buffer, replacement: Replacement): Promise<Buffer | null> => {
  const { at, keys, adds, removes, hash } = replacement;
  const name = knownHostName(at);
  const missing = new Set(keys);
  const kept: Buffer[] = [];
  let changed = false;
  let looked = 0;
  for (const line of linesOf(content)) {
    if (++looked % linesAtOnce === 0) await new Promise(setImmediate);
    const entry = parseKnownHostsLine(line.toString("utf8").replace(/\n$/, ""), [name]);
    if (entry !== null && typeof entry === "object" && entry.marker === "none") {
      const same = keys.find((key) => Buffer.compare(key, entry.key) === 0);
      if (same !== undefined) missing.delete(same);
      else if (removes(entry.key)) {
        changed = true;
        continue;
      }
    }
    kept.push(line);
  }
  if (adds && missing.size > 0) {
    changed = true;
    if (kept.length > 0 && kept.at(-1)?.at(-1) !== newline) kept.push(Buffer.from("\n"));
    for (const key of missing) kept.push(Buffer.from(`${knownHostsLine(at, key, hash)}\n`));
  }
  return changed ? Buffer.concat(kept) : null;
};

const newline = 0x0a;

/** With what ends them; the last one may lack that. */
function* linesOf(content: Buffer): Generator<Buffer, void> {
  for (let at = 0; at < content.length; ) {
    const end = content.indexOf(newline, at);
    const next = end < 0 ? content.length : end + 1;
    yield content.subarray(at, next);
    at = next;
  }
}
