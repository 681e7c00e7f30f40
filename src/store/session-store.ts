/** The session cache on disk: one file a session, `NAME.json`. One process writes: the broker that holds the lock. */
import { lstatSync, readdirSync, renameSync, unlinkSync } from "node:fs";
import { unlink } from "node:fs/promises";
import { posix } from "node:path";
import { errorCode } from "../core/error-code.ts";
import { SshMcpError } from "../core/errors.ts";
import { escapeLine } from "../core/escape.ts";
import { quoteWord } from "../core/quote.ts";
import { isSessionName } from "../core/target.ts";
import { isUnfinished, writeAtomically } from "../files/atomic-write.ts";
import { checkPrivateDirectory, makePrivateDirectory } from "../files/private-directory.ts";
import { readRecordFile } from "./record-file.ts";
import { parseRecord, recordLimit, type SessionRecord } from "./session-record.ts";

/** A session that nobody used for so long is forgotten. By the wall clock: it has to outlast reboots. */
export const keptUnusedMs = 30 * 86_400_000;
/** Whoever was to finish a file of this age has ended. */
const abandonedMs = 60_000;

export interface LoadedRecords {
  /** By name. */
  records: SessionRecord[];
  /**
   * What could not be used, for a person to read: the file's name, escaped, or nothing for the directory itself, and what it is and what
   * became of it.
   */
  problems: { file: string; what: string }[];
  /** Names of files that are not ours to touch, as a later release's records, links and other users' files: no session may take one. */
  reserved: string[];
}

export class SessionStore {
  readonly #directory: string;
  readonly #reserved = new Set<string>();
  /** The end of each name's queue. */
  readonly #turns = new Map<string, Promise<unknown>>();

  /** @param directory `sessions` in the base directory */
  constructor(directory: string) {
    this.#directory = directory;
  }

  /**
   * Reads every record, and makes the directory. What is ours and corrupt, or cannot be read, is set aside as `NAME.json.corrupt-TIME`; what was not used
   * for 30 days is removed, and what a killed process had not finished; what is not ours, and a later release's record, stays as it is. Never throws:
   * each failure is a problem.
   * @param mayChange false changes nothing on disk
   */
  loadAll({ mayChange = true } = {}): LoadedRecords {
    const loaded: LoadedRecords = { records: [], problems: [], reserved: [] };
    for (const file of this.#list(loaded, mayChange)) {
      try {
        const problem = this.#load(file, loaded, mayChange);
        if (problem !== null) report(loaded, file, problem);
      } catch (failure) {
        report(loaded, file, `cannot be set aside or removed (${errorCode(failure)})`);
      }
    }
    for (const name of loaded.reserved) this.#reserved.add(name);
    return loaded;
  }

  /**
   * Writes the session's record as it is now. Writes of one name happen one after another, the last one last.
   * @throws SshMcpError ALREADY_EXISTS for a reserved name, TOO_LARGE, INTERNAL for a record that could not be read again; what
   *   `makePrivateDirectory` throws; LOCAL_IO, as on a full disk. The old record is as it was then
   */
  async write(record: SessionRecord): Promise<void> {
    const { name } = record;
    const text = `${JSON.stringify(record, null, 2)}\n`;
    this.#refuseReserved(name);
    if (Buffer.byteLength(text) > recordLimit) {
      throw new SshMcpError("TOO_LARGE", `the session ${name} is not saved: what it was opened with is over 64 KiB`, {
        hint: `ssh-mcp close ${name}`,
      });
    }
    const parsed = parseRecord(text, name);
    if (parsed.kind !== "record") {
      const reason = parsed.kind === "corrupt" ? parsed.reason : "it is of another version";
      throw new SshMcpError("INTERNAL", `the session ${name} is not saved: ${reason}`);
    }
    await this.#inTurn(name, async () => {
      makePrivateDirectory(this.#directory);
      await writeAtomically(this.#pathOf(name), text, 0o600);
    });
  }

  /**
   * Removes the session's record, if there is one.
   * @throws SshMcpError ALREADY_EXISTS for a reserved name, LOCAL_IO
   */
  async remove(name: string): Promise<void> {
    this.#refuseReserved(name);
    await this.#inTurn(name, async () => {
      try {
        await unlink(this.#pathOf(name));
      } catch (cause) {
        if (errorCode(cause) === "ENOENT") return;
        throw new SshMcpError("LOCAL_IO", `${this.#pathOf(name)} cannot be removed (${errorCode(cause)})`, {
          hint: `ls -ld ${quoteWord(this.#directory)}`,
          cause,
        });
      }
    });
  }

  #list(loaded: LoadedRecords, mayChange: boolean): string[] {
    try {
      if (mayChange) makePrivateDirectory(this.#directory);
      return checkPrivateDirectory(this.#directory) === "absent" ? [] : readdirSync(this.#directory).sort();
    } catch (failure) {
      const what = failure instanceof SshMcpError ? failure.message : `cannot be read (${errorCode(failure)})`;
      report(loaded, "", what.replace(`${this.#directory} `, ""));
      return [];
    }
  }

  /** @returns what is wrong with the file; null for nothing, and for one that is no record at all */
  #load(file: string, loaded: LoadedRecords, mayChange: boolean): string | null {
    const path = posix.join(this.#directory, file);
    if (isUnfinished(file)) {
      if (mayChange) removeAbandoned(path);
      return null;
    }
    if (!file.endsWith(".json")) return null;
    const name = file.slice(0, -".json".length);
    const content = readRecordFile(path);
    if ("foreign" in content) {
      if (isSessionName(name)) loaded.reserved.push(name);
      return content.foreign;
    }
    if ("broken" in content) return mayChange ? `${content.broken}; ${this.#setAside(file)}` : content.broken;
    const parsed = parseRecord(content.text, name);
    if (parsed.kind === "newer") {
      if (isSessionName(name)) loaded.reserved.push(name);
      return "was written by a later release of ssh-mcp, and is left as it is";
    }
    if (parsed.kind === "record") {
      if (Date.now() - Date.parse(parsed.record.lastUsedAt) <= keptUnusedMs) loaded.records.push(parsed.record);
      else if (mayChange) unlinkSync(path);
      return null;
    }
    if (!mayChange) return `is corrupt: ${parsed.reason}`;
    return `was corrupt: ${parsed.reason}; ${this.#setAside(file)}`;
  }

  /** @returns what became of it */
  #setAside(file: string): string {
    const aside = `${file}.corrupt-${new Date().toISOString().replaceAll(/[-:]/g, "")}`;
    renameSync(posix.join(this.#directory, file), posix.join(this.#directory, aside));
    return `it is now ${escapeLine(aside)}`;
  }

  #pathOf(name: string): string {
    return posix.join(this.#directory, `${name}.json`);
  }

  #refuseReserved(name: string): void {
    if (!this.#reserved.has(name)) return;
    throw new SshMcpError("ALREADY_EXISTS", `${this.#pathOf(name)} is not this release's, and is left alone`, {
      hint: "ssh-mcp connect --name NAME DESTINATION",
    });
  }

  async #inTurn(name: string, work: () => Promise<void>): Promise<void> {
    const turn = (this.#turns.get(name) ?? Promise.resolve()).then(work);
    const settled = turn.catch(() => {});
    this.#turns.set(name, settled);
    try {
      await turn;
    } finally {
      if (this.#turns.get(name) === settled) this.#turns.delete(name);
    }
  }
}

const report = (loaded: LoadedRecords, file: string, what: string): void => {
  loaded.problems.push({ file: escapeLine(file), what });
};

/** A name that nobody could guess is of use to nobody, save to whoever is writing it right now. */
const removeAbandoned = (path: string): void => {
  if (Date.now() - lstatSync(path).mtimeMs > abandonedMs) unlinkSync(path);
};
