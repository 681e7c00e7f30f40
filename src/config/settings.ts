/** `config.toml` in the base directory: the person's own settings of ssh-mcp. */
import { closeSync, fstatSync, readFileSync } from "node:fs";
import { posix } from "node:path";
import { errorCode } from "../core/error-code.ts";
import { SshMcpError } from "../core/errors.ts";
import { shown } from "../core/escape.ts";
import { quoteWord } from "../core/quote.ts";
import { openIfThere } from "./open-config.ts";

export interface Settings {
  limits: {
    /** Live sessions at once: `sessions` in `[limits]`, 1 to 1000, 64 by default. */
    sessions: number;
  };
}

/**
 * @param base the base directory; without a `config.toml` there, everything has its default
 * @throws SshMcpError CONFIG_INVALID naming the file, and the key where it is one: a file that cannot be read, is another
 *   user's or no TOML, a key or a table that is not known, a value out of its range
 */
export const readSettings = (base: string): Settings => {
  const path = posix.join(base, "config.toml");
  const text = read(path);
  const tables = text === null ? {} : parse(path, text);
  refuseUnknown(path, "", tables, ["limits"]);
  const limits = tableOf(path, tables, "limits");
  refuseUnknown(path, "limits.", limits, ["sessions"]);
  return {
    limits: { sessions: wholeNumber(path, limits, "limits.sessions", { least: 1, most: 1000, otherwise: 64 }) },
  };
};

type Table = Readonly<Record<string, unknown>>;

/** Far over what anybody writes by hand. */
const sizeLimit = 256 * 1024;

const read = (path: string): string | null => {
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
    if (stats.size > sizeLimit) throw invalid(path, "is over 256 KiB");
    return readFileSync(file, "utf8");
  } finally {
    closeSync(file);
  }
};

const parse = (path: string, text: string): Table => {
  try {
    return Bun.TOML.parse(text) as Table;
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message.replace(/^TOML Parse error: /, "") : String(cause);
    throw invalid(path, `is not TOML: ${shown(reason)}`, cause);
  }
};

const isTable = (value: unknown): value is Table =>
  typeof value === "object" && value !== null && !Array.isArray(value);

const tableOf = (path: string, tables: Table, key: string): Table => {
  if (!Object.hasOwn(tables, key)) return {};
  const table = tables[key];
  if (!isTable(table)) throw invalid(path, `has a ${key} that is no table: write [${key}]`);
  return table;
};

const refuseUnknown = (path: string, prefix: string, table: Table, known: readonly string[]): void => {
  const unknown = Object.keys(table).find((key) => !known.includes(key));
  if (unknown === undefined) return;
  throw invalid(path, `has an unknown key ${shown(prefix + unknown)}: ${known.map((key) => prefix + key).join(", ")}`);
};

const wholeNumber = (
  path: string,
  table: Table,
  key: string,
  { least, most, otherwise }: { least: number; most: number; otherwise: number },
): number => {
  const name = key.slice(key.lastIndexOf(".") + 1);
  const value = Object.hasOwn(table, name) ? table[name] : otherwise;
  if (typeof value === "number" && Number.isInteger(value) && value >= least && value <= most) return value;
  throw invalid(path, `has a ${key} that is no whole number from ${least} to ${most}`);
};

const invalid = (path: string, what: string, cause?: unknown): SshMcpError =>
  new SshMcpError("CONFIG_INVALID", `${path} ${what}`, { hint: `vi ${quoteWord(path)}`, cause });
