/** The parsed files of a configuration, in the order in which they are read. They are kept, and read again when they have changed. */

import { absolute } from "../expand.ts";
import { missingConfigFile } from "./file.ts";
import { type ConfigFile, finished, parseConfigFile, parseConfigText, type Steps } from "./parser.ts";
import { type Seen, SeenFiles } from "./seen-files.ts";

/** Where a configuration is read from. */
export interface ConfigPlace {
  home: string;
  cwd: string;
  /** Default /etc/ssh/ssh_config. */
  systemFile?: string;
  /** `~/.ssh-mcp/ssh_config`: read after the user's file; null, or left out, is none. */
  ownFile?: string | null;
  /** What the caller's own process read for `configFile`, by path; other files are read from the disk. */
  given?: ReadonlyMap<string, Uint8Array>;
  /** What was read of it before, for the same caller: it is not looked at again. */
  ahead?: ReadAhead;
  /** Told of whatever decides what ssh_config says. */
  seen?: Seen | undefined;
}

/** Files that were read before they are needed, see `readAhead`. */
export type ReadAhead = ReadonlyMap<string, ConfigFile | null>;

/**
 * @param configFile `-F`: this file instead of all others; `none` reads none
 * @throws SshMcpError CONFIG_INVALID
 */
export const configFiles = (configFile: string | null, place: ConfigPlace): ConfigFile[] =>
  sourcesOf(configFile, place).flatMap((source) => {
    const ahead = place.ahead?.get(source.key);
    const file = ahead === undefined ? finished(parsed(source, place.seen)) : ahead;
    if (file === null && source.must) throw missingConfigFile(source.path);
    return file === null ? [] : [file];
  });

/** Longer than this, others have their turn. */
const turnMs = 5;

/**
 * Reads what `configFiles` will want, with everybody else's turn now and then: a configuration may take long. What cannot be read is left for
 * `configFiles` to find.
 * @returns for the place's `ahead`
 */
export const readAhead = async (configFile: string | null, place: ConfigPlace): Promise<ReadAhead> => {
  const read = new Map<string, ConfigFile | null>();
  for (const source of sourcesOf(configFile, place)) {
    try {
      read.set(source.key, await finishedInTurns(parsed(source, place.seen)));
    } catch {
      // It fails again, and in its place.
    }
  }
  return read;
};

const finishedInTurns = async <T>(steps: Steps<T>): Promise<T> => {
  for (let began = performance.now(); ; ) {
    const { done, value } = steps.next();
    if (done === true) return value;
    if (performance.now() - began < turnMs) continue;
    await new Promise(setImmediate);
    began = performance.now();
  }
};

/** One file to be read. */
interface Source {
  key: string;
  path: string;
  /** Null for a file that is not there. */
  read: (seen: Seen) => Steps<ConfigFile | null>;
  /** Whether it has to be there. */
  must: boolean;
  /** Whether what was read is good for the next one, too. */
  isKept: boolean;
}

const sourcesOf = (configFile: string | null, place: ConfigPlace): Source[] => {
  const { home, cwd, ownFile = null, systemFile = "/etc/ssh/ssh_config" } = place;
  const source = (path: string, check: "default" | "named", owner: "user" | "system", must = false): Source => ({
    // Only its own includes lie beside the system's file.
    key: JSON.stringify([path, check, owner, home, owner === "system" ? systemFile : null]),
    ...{ path, must, isKept: true },
    read: (seen) => parseConfigFile(path, check, { owner, home, systemFile, seen }),
  });
  if (configFile === null) {
    return [
      source(absolute(".ssh/config", home), "default", "user"),
      ...(ownFile === null ? [] : [source(ownFile, "default", "user")]),
      source(systemFile, "named", "system"),
    ];
  }
  if (configFile.toLowerCase() === "none") return [];
  const given = place.given?.get(configFile);
  if (given === undefined) return [source(absolute(configFile, cwd), "named", "user", true)];
  return [
    {
      ...{ key: configFile, path: configFile, must: true, isKept: false },
      read: (seen) => parseConfigText(configFile, textOf(given), { owner: "user", home, systemFile, seen }),
    },
  ];
};

/** As a file is read: nothing at its begin is taken away. */
const textOf = (bytes: Uint8Array): string => new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes);

interface Kept {
  file: ConfigFile | null;
  seen: SeenFiles;
  /** Milliseconds since 1970. */
  readAt: number;
}

/** The one that was wanted longest ago comes first. */
const kept = new Map<string, Kept>();
const mostKept = 16;
/** A file system tells changes apart that are further from each other than this. */
const clockGrainMs = 2000;

function* parsed({ key, read, isKept }: Source, seen: Seen | undefined): Steps<ConfigFile | null> {
  let entry = isKept ? kept.get(key) : undefined;
  if (entry === undefined || !entry.seen.areSame) {
    const fresh = new SeenFiles();
    // Others may read it meanwhile; what each has seen is told as it was before it was read.
    const noting: Seen = {
      note: (path) => {
        seen?.note(path);
        fresh.note(path);
      },
    };
    const readAt = Date.now();
    entry = { readAt, file: yield* read(noting), seen: fresh };
  } else {
    for (const path of entry.seen.paths) seen?.note(path);
  }
  kept.delete(key);
  // What was changed just before it was read may change once more without a trace.
  if (isKept && entry.seen.lastChangeMs < entry.readAt - clockGrainMs) kept.set(key, entry);
  for (const [oldest] of kept) if (kept.size > mostKept) kept.delete(oldest);
  return entry.file;
}
