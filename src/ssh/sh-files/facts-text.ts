/**
 * How facts of files are asked for and read. stat(1) is in no standard: GNU's and busybox's take `-c`, the BSDs' `-f`, and where neither is there, ls(1)
 * tells, without the time in a form that can be read, for which date(1) is asked. A record is `FACTS /NAME` and a newline.
 */
import { SshMcpError } from "../../core/errors.ts";
import type { DirectoryEntry, FileFacts, FileType } from "../../core/files/file-facts.ts";
import { pathText } from "../../core/files/path-text.ts";

const gnu = "'c%f %s %u %g %Y %d.%i /%n'";
const bsd = "'f%p %z %u %g %m %d.%i /%N'";

/**
 * Defines `facts [-L] NAME…`. Links are not followed, unless `-L` is the first word. What is not there is said on stderr.
 * `$s` is 1 for `stat -c`, 2 for `stat -f`, 3 for ls.
 */
export const definesFacts = [
  "if stat -c %f / >/dev/null 2>&1;then s=1",
  `facts(){ stat -c ${gnu} "$@";}`,
  "elif stat -f %p / >/dev/null 2>&1;then s=2",
  `facts(){ stat -f ${bsd} "$@";}`,
  "else s=3",
  "facts(){ r=0;k=;case $1 in -L)k=L;shift;;esac",
  'for n do l=$(ls -ldn$k "$n")||{ r=1;continue;}',
  "set -f;set -- $l;set +f",
  't=-;case $1 in l*);;*)t=$(date -r "$n" +%s 2>/dev/null)||t=-;;esac',
  'printf "l%s %s %s %s %s - /%s\\n" "$1" "$5" "$3" "$4" "$t" "$n";done;return $r;}',
  "fi",
].join("\n");

/** Prints records of what is in the directory that the shell is in. */
export const listsHere = [
  "if [ $s != 3 ]&&find / -prune -exec true {} + >/dev/null 2>&1;then case $s in",
  `1)find . ! -name . -prune -exec stat -c ${gnu} {} +;;`,
  `2)find . ! -name . -prune -exec stat -f ${bsd} {} +;;`,
  "esac",
  "else",
  "c=0;set --",
  // A pattern that nothing matches stands for itself.
  'for f in ./* ./.[!.]* ./..?*;do [ -e "$f" ]||[ -L "$f" ]||continue',
  'set -- "$@" "$f";c=$((c+1));case $c in 200)facts "$@";c=0;set --;;esac;done',
  'case $c in 0);;*)facts "$@";;esac',
  "fi",
].join("\n");

export interface FoundFacts {
  facts: FileFacts;
  /** Device and inode; null where nobody says. */
  identity: string | null;
}

const record = /(?:c([0-9a-f]+)|f([0-7]+)|l(\S+)) (\S+) (\d+) (\d+) (-|-?\d+) (\S+) $/;

/** Of the text before the slash of a record, which may have something else before it. @returns null when it is none */
export const factsOf = (text: string): FoundFacts | null => {
  const [, hex, octal, letters, size, uid, gid, mtime, identity] = record.exec(text) ?? [];
  if (size === undefined) return null;
  const raw = hex !== undefined ? Number.parseInt(hex, 16) : octal !== undefined ? Number.parseInt(octal, 8) : null;
  const { type, mode } = raw === null ? fromLetters(letters ?? "") : { type: typeOf(raw), mode: raw & 0o7777 };
  return {
    facts: {
      type,
      // Of a device ls says the numbers instead.
      size: /^\d+$/.test(size) ? Number(size) : 0,
      mode,
      uid: Number(uid),
      gid: Number(gid),
      mtime: mtime === "-" ? null : Number(mtime),
    },
    identity: identity === undefined || identity === "-" ? null : identity,
  };
};

/** The first record of an answer. */
export const factsIn = (answer: Buffer): FoundFacts | null => {
  const text = answer.toString("latin1");
  const slash = text.indexOf(" /");
  return slash < 0 ? null : factsOf(text.slice(0, slash + 1));
};

/** More than a name and a record together can have. */
const longestEntry = 16 * 1024;

/**
 * Entries of a listing, whatever their names hold: a name has no slash, so `/./` is the beginning of the next one, and the last line before it are that one's
 * facts. Bytes are held as characters of the same number.
 */
export class EntryReader {
  #rest = "";
  #facts: FileFacts | null = null;

  push(chunk: Uint8Array): DirectoryEntry[] {
    const parts = (this.#rest + Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length).toString("latin1")).split(
      "/./",
    );
    this.#rest = parts.pop() ?? "";
    if (this.#rest.length > longestEntry) throw new SshMcpError("PROTOCOL_ERROR", "a directory's listing is none");
    const entries: DirectoryEntry[] = [];
    for (const part of parts) {
      const found = factsOf(part);
      if (this.#facts !== null) this.#take(part.slice(0, Math.max(0, part.lastIndexOf("\n"))), entries);
      this.#facts = found?.facts ?? null;
    }
    return entries;
  }

  /** What stood last. */
  end(): DirectoryEntry[] {
    const entries: DirectoryEntry[] = [];
    if (this.#facts !== null) this.#take(this.#rest.replace(/\n$/, ""), entries);
    return entries;
  }

  #take(name: string, entries: DirectoryEntry[]): void {
    if (this.#facts !== null && name !== "")
      entries.push({ name: pathText(Buffer.from(name, "latin1")), facts: this.#facts });
  }
}

const types: Readonly<Record<number, FileType>> = {
  1: "fifo",
  2: "character",
  4: "directory",
  6: "block",
  8: "file",
  10: "symlink",
  12: "socket",
};

const typeOf = (raw: number): FileType => types[(raw >> 12) & 0o17] ?? "unknown";

const letterTypes: Readonly<Record<string, FileType>> = {
  "-": "file",
  d: "directory",
  l: "symlink",
  p: "fifo",
  s: "socket",
  c: "character",
  b: "block",
};

/** `drwxr-sr-t`, and perhaps a sign for what else there is. */
const fromLetters = (letters: string): { type: FileType; mode: number | null } => {
  const type = letterTypes[letters[0] ?? ""] ?? "unknown";
  if (!/^.(?:[r-][w-][xsStT-]){3}/.test(letters)) return { type, mode: null };
  let mode = 0;
  for (let at = 1; at <= 9; at++) {
    const letter = letters[at] ?? "-";
    if (letter !== "-" && letter !== "S" && letter !== "T") mode |= 1 << (9 - at);
    if (/[sStT]/.test(letter)) mode |= at === 3 ? 0o4000 : at === 6 ? 0o2000 : 0o1000;
  }
  return { type, mode };
};
