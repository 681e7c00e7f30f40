/** The parsed files of a configuration, in the order in which they are read. They are kept, and read again when they have changed. */

import { absolute } from "./expand.ts";
import { missingConfigFile } from "./file.ts";
import { type ConfigFile, type ConfigScope, parseConfigFile, parseConfigText } from "./parser.ts";
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
  /** Told of whatever decides what ssh_config says. */
  seen?: Seen | undefined;
}

/**
 * @param configFile `-F`: this file instead of all others; `none` reads none
 * @throws SshMcpError CONFIG_INVALID
 */
export const configFiles = (configFile: string | null, place: ConfigPlace): ConfigFile[] => {
  const { home, cwd, seen } = place;
  const systemFile = place.systemFile ?? "/etc/ssh/ssh_config";
  const scope = { home, systemFile };
  if (configFile !== null) {
    if (configFile.toLowerCase() === "none") return [];
    const given = place.given?.get(configFile);
    if (given !== undefined) return [parseConfigText(configFile, textOf(given), { owner: "user", ...scope, seen })];
    const path = absolute(configFile, cwd);
    const file = parsed(path, "named", { owner: "user", ...scope }, seen);
    if (file === null) throw missingConfigFile(path);
    return [file];
  }
  const own = place.ownFile ?? null;
  return [
    parsed(absolute(".ssh/config", home), "default", { owner: "user", ...scope }, seen),
    own === null ? null : parsed(own, "default", { owner: "user", ...scope }, seen),
    parsed(systemFile, "named", { owner: "system", ...scope }, seen),
  ].filter((file) => file !== null);
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

const parsed = (
  path: string,
  check: "default" | "named",
  scope: Omit<ConfigScope, "seen">,
  seen: Seen | undefined,
): ConfigFile | null => {
  const key = JSON.stringify([path, check, scope.owner, scope.home, scope.systemFile]);
  let entry = kept.get(key);
  kept.delete(key);
  if (entry === undefined || !entry.seen.areSame) {
    const fresh = new SeenFiles();
    entry = { readAt: Date.now(), file: parseConfigFile(path, check, { ...scope, seen: fresh }), seen: fresh };
  }
  for (const one of entry.seen.paths) seen?.note(one);
  // What was changed just before it was read may change once more without a trace.
  if (entry.seen.lastChangeMs < entry.readAt - clockGrainMs) kept.set(key, entry);
  for (const [oldest] of kept) if (kept.size > mostKept) kept.delete(oldest);
  return entry.file;
};
