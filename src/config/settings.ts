/** `config.toml` in the base directory: the person's own settings of ssh-mcp. */
import { closeSync, fstatSync, readFileSync } from "node:fs";
import { posix } from "node:path";
import { errorCode } from "../core/error-code.ts";
import { SshMcpError } from "../core/errors.ts";
import { quoteWord } from "../core/quote.ts";
import { type GroupTable, type HostTable, readGroups, readHosts } from "./host-settings.ts";
import { openIfThere } from "./open-config.ts";
import { onlyOwnerWrites } from "./ssh-config/files/file.ts";
import {
  invalidSettings as invalid,
  parseToml,
  refuseUnknown,
  type TomlTable,
  tableIn,
  wholeNumber,
} from "./toml-table.ts";

export interface Settings {
  limits: {
    /** Live sessions at once: `sessions` in `[limits]`, 1 to 1000, 64 by default. */
    sessions: number;
  };
  /** `[host.NAME]`, by name. */
  hosts: ReadonlyMap<string, HostTable>;
  /** `[group.NAME]`, by name. */
  groups: ReadonlyMap<string, GroupTable>;
}

/** Where the settings are. @param base the base directory */
export const settingsFile = (base: string): string => posix.join(base, "config.toml");

/**
 * @param base the base directory; without a `config.toml` there, everything has its default
 * @throws SshMcpError CONFIG_INVALID naming the file, and the key where it is one: a file that cannot be read, is another
 *   user's or no TOML, a key or a table that is not known, a value out of its range
 */
export const readSettings = (base: string): Settings => {
  const path = settingsFile(base);
  return settingsIn(path, readSettingsText(path) ?? "");
};

/** The same for the text of the file, wherever it was read. @throws SshMcpError CONFIG_INVALID */
export const settingsIn = (path: string, text: string): Settings => settingsOf(parseToml(path, text));

/** The same for the tables of the file. @throws SshMcpError CONFIG_INVALID */
export const settingsOf = (tables: TomlTable): Settings => {
  refuseUnknown(tables, ["limits", "host", "group"]);
  const limits = tableIn(tables, "limits");
  refuseUnknown(limits, ["sessions"]);
  return {
    limits: { sessions: wholeNumber(limits, "sessions", { least: 1, most: 1000, otherwise: 64 }) },
    hosts: readHosts(tables),
    groups: readGroups(tables),
  };
};

/** Far over what anybody writes by hand. */
const sizeLimit = 256 * 1024;

/** @returns null when there is none. @throws SshMcpError CONFIG_INVALID */
export const readSettingsText = (path: string): string | null => {
  let file: number | null;
  try {
    // A link is fine: nobody else can have put it there.
    file = openIfThere(path);
  } catch (cause) {
    throw invalid(path, `cannot be read (${errorCode(cause)})`, cause);
  }
  if (file === null) return null;
  try {
    const stats = fstatSync(file);
    if (!stats.isFile()) throw invalid(path, "is not a file");
    if (stats.uid !== process.getuid?.() && stats.uid !== 0)
      throw invalid(path, `belongs to another user (uid ${stats.uid})`);
    // A command for passwords may stand in it.
    if (!onlyOwnerWrites(stats, undefined)) {
      throw new SshMcpError("CONFIG_INVALID", `${path} may be written by others`, {
        hint: `chmod go-w ${quoteWord(path)}`,
      });
    }
    if (stats.size > sizeLimit) throw invalid(path, "is over 256 KiB");
    return readFileSync(file, "utf8");
  } finally {
    closeSync(file);
  }
};
