/** UpdateHostKeys of ssh_config(5): a server that is known tells its other keys; clientloop.c client_input_hostkeys of OpenSSH 9.2. */
import { existsSync } from "node:fs";
import { keyType, wholeKeyType } from "../public-key.ts";
import type { AnnouncedKeys } from "../transport/host-keys-request.ts";
import { type HostAndPort, knownHostName, piecesOf } from "./known-hosts.ts";
import { decodeKey, fields, parseKnownHostsLine } from "./known-hosts-line.ts";
import { replaceKnownHosts } from "./known-hosts-replace.ts";

export interface UpdatePolicy {
  at: HostAndPort;
  /** UserKnownHostsFile: no other file is looked at. */
  userFiles: readonly string[];
  /** Types of keys, `ssh-rsa` for all of RSA, of which a server's word is taken: those of HostKeyAlgorithms. */
  types: ReadonlySet<string>;
  hash: boolean;
  /** Whether the keys are to be changed so; asked when everything is proved. */
  confirm: (change: HostKeyChange) => Promise<boolean>;
}

/** In wire form. */
export interface HostKeyChange {
  added: readonly Uint8Array[];
  removed: readonly Uint8Array[];
}

/**
 * Adds the host's other keys that the server has, and removes those that it has no more. Nothing is changed where it could mean something else:
 * lines with markers, wildcards or more than two names, and keys that other names have too.
 * @returns what was changed, or null
 * @throws whatever a file that cannot be read or written throws
 */
export const updateHostKeys = async (policy: UpdatePolicy, announced: AnnouncedKeys): Promise<HostKeyChange | null> => {
  const { at, types, userFiles, hash } = policy;
  const keys = announced.keys.filter((key) => types.has(wholeKeyType(key) ?? ""));
  if (keys.length === 0 || new Set(keys.map(textOf)).size < keys.length) return null;
  const entries = await readEntries(userFiles, knownHostName(at));
  const own = entries.filter((entry) => entry.isHost);
  const others = new Set(entries.filter((entry) => !entry.isHost).map(({ encoded }) => encoded));
  const isOwn = (key: Uint8Array): boolean => own.some(({ encoded }) => encoded === textOf(key));
  const isAnnounced = (encoded: string): boolean => keys.some((key) => textOf(key) === encoded);
  const added = keys.filter((key) => !isOwn(key));
  // A key of a type that is not listened to may well be there: the server was not asked.
  const removed = own
    .filter(({ type, encoded }) => types.has(type) && !isAnnounced(encoded))
    .map(({ encoded }) => Buffer.from(encoded, "base64"));
  if (added.length + removed.length === 0 || own.some(({ isComplex }) => isComplex)) return null;
  if ([...keys, ...removed].some((key) => others.has(textOf(key)))) return null;
  if (added.length > 0 && !(await announced.prove(added))) return null;
  const change = { added, removed };
  if (!(await policy.confirm(change))) return null;
  const gone = new Set(removed.map(textOf));
  for (const [index, file] of userFiles.entries()) {
    if (!existsSync(file)) continue;
    await replaceKnownHosts(file, { at, keys, adds: index === 0, removes: (key) => gone.has(textOf(key)), hash });
  }
  return change;
};

interface Entry {
  /** Whether the line is about the host. */
  isHost: boolean;
  /** Whether changing it could change more than this host's keys. */
  isComplex: boolean;
  type: string;
  /** The key in base64. */
  encoded: string;
}

const textOf = (key: Uint8Array): string => Buffer.from(key).toString("base64");

const readEntries = async (files: readonly string[], name: string): Promise<Entry[]> => {
  const entries: Entry[] = [];
  for (const file of files) {
    for (const lines of piecesOf(file, [])) {
      for (const line of lines) {
        const entry = entryOf(line, name);
        if (entry !== null) entries.push(entry);
      }
      await new Promise(setImmediate);
    }
  }
  return entries;
};

const entryOf = (line: string, name: string): Entry | null => {
  const parsed = parseKnownHostsLine(line, [name]);
  const [, marker = "", hosts = "", type = "", encoded = ""] = fields.exec(line) ?? [];
  if (typeof parsed === "string" || hosts === "" || hosts.startsWith("#")) return null;
  if (parsed !== null) {
    const isComplex = parsed.marker !== "none" || /[*?]|,.*,/.test(hosts);
    return { isHost: true, isComplex, type: keyType(parsed.key), encoded: textOf(parsed.key) };
  }
  const other = decodeKey(type, encoded.replace(/[\r\f\v]/g, ""));
  return other === null
    ? null
    : { isHost: false, isComplex: marker !== "", type: other.type, encoded: textOf(other.key) };
};
