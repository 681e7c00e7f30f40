/**
 * What known_hosts files say about a host, decided as OpenSSH 9.2 decides (hostfile.c check_hostkeys_by_key_or_type,
 * sshconnect.c check_host_key). @cert-authority lines vouch for no plain key; for certificates see `judge-host-key.ts`.
 */
import { closeSync, constants, fstatSync, openSync, readSync } from "node:fs";
import { lowerCase } from "../../config/ssh-config/match-pattern.ts";
import { errorCode } from "../../core/error-code.ts";
import { keyType } from "../public-key.ts";
import { type KnownHostsEntry, parseKnownHostsLine } from "./known-hosts-line.ts";

export interface HostAndPort {
  /** Name or address as resolved, without brackets. */
  host: string;
  port: number;
  /** HostKeyAlias: the name in the files, whatever the port; null or absent for none. */
  alias?: string | null;
}

/** A key that a line gives for the host. */
export interface KnownKey {
  type: string;
  /** In wire form. */
  key: Uint8Array;
  file: string;
  /** From 1. */
  line: number;
}

/** A line that cannot be used, or, with line null, a file that cannot be read. */
export interface KnownHostsProblem {
  file: string;
  line: number | null;
  message: string;
}

export interface KnownHost {
  /** What the host is called in the files: its name in lower case, or `[name]:port` for a port other than 22. */
  name: string;
  keys: readonly KnownKey[];
  /**
   * Keys under the name without the port, where `name` has one: enough for a match, as in ssh, and no reason to refuse.
   */
  keysWithoutPort: readonly KnownKey[];
  /** Keys marked @revoked, under either name. */
  revoked: readonly KnownKey[];
  /** Keys marked @cert-authority; the others as with `keysWithoutPort`. */
  certAuthorities: readonly KnownKey[];
  certAuthoritiesWithoutPort: readonly KnownKey[];
  /**
   * Types of `keys`, in the order of the files. Offer their algorithms first, so that the server shows a key that can
   * be compared (sshconnect2.c order_hostkeyalgs).
   */
  keyTypes: readonly string[];
  problems: readonly KnownHostsProblem[];
}

/**
 * `changed`: keys are known for the host, and this is none of them. ssh 9.2 says so for a key of another type too.
 * `unknown`: no key is known.
 */
export type HostKeyVerdict =
  | { status: "match"; by: KnownKey }
  | { status: "unknown" }
  | { status: "changed"; known: readonly KnownKey[] }
  | { status: "revoked"; by: KnownKey };

/**
 * Reads the files for one host, with everybody else's turn after each piece of a file. A missing file is an empty one; whatever else cannot be
 * used is skipped, as ssh does, and is among `problems`.
 * @param files in the order to search: the user's, then the system's
 */
export const readKnownHosts = async (files: readonly string[], at: HostAndPort): Promise<KnownHost> => {
  const reading = readInPieces(files, at);
  for (;;) {
    const { done, value } = reading.next();
    if (done === true) return value;
    await new Promise(setImmediate);
  }
};

function* readInPieces(files: readonly string[], at: HostAndPort): Generator<void, KnownHost> {
  const name = knownHostName(at);
  // Under an alias there is no port to leave out.
  const names = at.alias == null ? [...new Set([name, lowerCase(at.host)])] : [name];
  const problems: KnownHostsProblem[] = [];
  const sorted: Record<List, KnownKey[]> = {
    ...{ keys: [], keysWithoutPort: [], revoked: [], certAuthorities: [], certAuthoritiesWithoutPort: [] },
  };
  for (const file of files) {
    let line = 0;
    for (const lines of piecesOf(file, problems)) {
      for (const text of lines) {
        line++;
        const entry = parseKnownHostsLine(text, names);
        if (entry === null) continue;
        if (typeof entry === "string") problems.push({ file, line, message: entry });
        else sorted[listOf(entry.marker, entry.name === name)].push({ type: entry.type, key: entry.key, file, line });
      }
      yield;
    }
  }
  return { name, ...sorted, keyTypes: [...new Set(sorted.keys.map((one) => one.type))], problems };
}

type List = "keys" | "keysWithoutPort" | "revoked" | "certAuthorities" | "certAuthoritiesWithoutPort";

/**
 * A key that is revoked under the name without the port counts as revoked: ssh would ask about it, which is no gain.
 */
const listOf = (marker: KnownHostsEntry["marker"], named: boolean): List => {
  if (marker === "@revoked") return "revoked";
  if (marker === "@cert-authority") return named ? "certAuthorities" : "certAuthoritiesWithoutPort";
  return named ? "keys" : "keysWithoutPort";
};

/**
 * What the files say about the key a server showed. With StrictHostKeyChecking other than `no`, only `match` may go on
 * without a question, and `changed` and `revoked` not at all.
 * @param key in wire form
 * @throws SshMcpError PROTOCOL_ERROR when it is no public key
 */
export const checkHostKey = (known: KnownHost, key: Uint8Array): HostKeyVerdict => {
  keyType(key);
  const same = (one: KnownKey): boolean => Buffer.compare(one.key, key) === 0;
  const revoked = known.revoked.find(same);
  if (revoked !== undefined) return { status: "revoked", by: revoked };
  const match = known.keys.find(same);
  if (match !== undefined) return { status: "match", by: match };
  if (known.keys.length > 0) return { status: "changed", known: known.keys };
  const withoutPort = known.keysWithoutPort.find(same);
  return withoutPort === undefined ? { status: "unknown" } : { status: "match", by: withoutPort };
};

/** What a host is called in known_hosts: its alias; else its name in lower case, as `[name]:port` unless the port is 22. */
export const knownHostName = (at: HostAndPort): string => {
  if (at.alias != null) return lowerCase(at.alias);
  const host = lowerCase(at.host);
  return at.port === 22 ? host : `[${host}]:${at.port}`;
};

/** Bytes; a device would never end. */
const largestFile = 64 * 1024 * 1024;
/** Bytes that are read and looked through at once: some two hundred hashed lines, which take three milliseconds. */
const pieceLength = 32 * 1024;

/** The lines of a file, piece by piece; none of a file that cannot be read, which is among `problems` then. */
export function* piecesOf(file: string, problems: KnownHostsProblem[]): Generator<string[], void> {
  let open: number | null = null;
  try {
    // Without O_NONBLOCK, opening a FIFO would wait for a writer.
    open = openSync(file, constants.O_RDONLY | constants.O_NONBLOCK);
    const facts = fstatSync(open);
    if (!facts.isFile() || facts.size > largestFile) {
      const message = facts.isFile() ? `is too large (${facts.size} bytes)` : "is no regular file";
      // The usual way to have none.
      if (file !== "/dev/null") problems.push({ file, line: null, message });
      return;
    }
    // A byte order mark is a part of the line, as in ssh.
    const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
    const piece = new Uint8Array(pieceLength);
    let begun = "";
    for (let length = readSync(open, piece); length > 0; length = readSync(open, piece)) {
      const [first = "", ...more] = decoder.decode(piece.subarray(0, length), { stream: true }).split("\n");
      begun += first;
      const last = more.pop();
      if (last === undefined) continue;
      yield [begun, ...more];
      begun = last;
    }
    yield [begun + decoder.decode()];
  } catch (error) {
    const code = errorCode(error);
    if (code !== "ENOENT" && code !== "ENOTDIR")
      problems.push({ file, line: null, message: `cannot be read (${code})` });
  } finally {
    if (open !== null) closeSync(open);
  }
}
