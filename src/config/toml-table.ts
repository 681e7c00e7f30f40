/** Reading the values of a parsed TOML table, with errors that name the file and the key. */
import { SshMcpError } from "../core/errors.ts";
import { shown } from "../core/escape.ts";
import { quoteWord } from "../core/quote.ts";

/** A table, and where it stands. */
export interface TomlTable {
  /** Of the file. */
  path: string;
  /** What its keys begin with: `limits.`, or empty for the file itself. */
  prefix: string;
  values: Readonly<Record<string, unknown>>;
}

/** @throws SshMcpError CONFIG_INVALID when the file is no TOML */
export const parseToml = (path: string, text: string): TomlTable => {
  try {
    return { path, prefix: "", values: Bun.TOML.parse(text) as Readonly<Record<string, unknown>> };
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message.replace(/^TOML Parse error: /, "") : String(cause);
    throw invalidSettings(path, `is not TOML: ${shown(reason)}`, cause);
  }
};

/** @returns an empty table when there is none. @throws SshMcpError CONFIG_INVALID for what is no table */
export const tableIn = (table: TomlTable, key: string): TomlTable => {
  const name = table.prefix + key;
  const value = ownValue(table, key) ?? {};
  if (typeof value !== "object" || Array.isArray(value) || value instanceof Date) {
    throw invalidSettings(table.path, `has a ${escapedKey(name)} that is no table: write [${escapedKey(name)}]`);
  }
  return { path: table.path, prefix: `${name}.`, values: value as TomlTable["values"] };
};

/** @throws SshMcpError CONFIG_INVALID for a key that is none of these */
export const refuseUnknown = ({ path, prefix, values }: TomlTable, known: readonly string[]): void => {
  const unknown = Object.keys(values).find((key) => !known.includes(key));
  if (unknown === undefined) return;
  const may = known.map((key) => escapedKey(prefix + key)).join(", ");
  throw invalidSettings(path, `has an unknown key ${shown(prefix + unknown)}: ${may}`);
};

/** @throws SshMcpError CONFIG_INVALID */
export const wholeNumber = (
  table: TomlTable,
  key: string,
  { least, most, otherwise }: { least: number; most: number; otherwise: number },
): number => {
  const value = ownValue(table, key) ?? otherwise;
  if (typeof value === "number" && Number.isInteger(value) && value >= least && value <= most) return value;
  throw wrong(table, key, `no whole number from ${least} to ${most}`);
};

/** @throws SshMcpError CONFIG_INVALID */
export const flagIn = (table: TomlTable, key: string): boolean | null => {
  const value = ownValue(table, key) ?? null;
  if (value === null || typeof value === "boolean") return value;
  throw wrong(table, key, "neither true nor false");
};

/** One line of text. @throws SshMcpError CONFIG_INVALID */
export const lineIn = (table: TomlTable, key: string, longest: number): string | null => {
  const value = ownValue(table, key) ?? null;
  if (value === null) return null;
  if (typeof value === "string" && value !== "" && value.length <= longest && !/\p{Cc}/u.test(value)) return value;
  throw wrong(table, key, `no text of one line, of 1 to ${longest} characters`);
};

/** @param isName what each must be. @throws SshMcpError CONFIG_INVALID */
export const namesIn = (table: TomlTable, key: string, isName: (text: string) => boolean): string[] => {
  const value = ownValue(table, key) ?? [];
  if (!Array.isArray(value)) throw wrong(table, key, 'no list of names, as ["web", "db"]');
  const names = value as unknown[];
  for (const name of names) {
    if (typeof name !== "string" || !isName(name)) {
      throw wrong(table, key, `no list of names: ${shown(typeof name === "string" ? name : String(name))} is none`);
    }
  }
  return [...new Set(names as string[])];
};

/** A problem of a settings file. */
export const invalidSettings = (path: string, what: string, cause?: unknown): SshMcpError =>
  new SshMcpError("CONFIG_INVALID", `${path} ${what}`, { hint: `vi ${quoteWord(path)}`, cause });

/** The value of a key of the table's own. */
const ownValue = ({ values }: TomlTable, key: string): unknown =>
  Object.hasOwn(values, key) ? values[key] : undefined;

const wrong = ({ path, prefix }: TomlTable, key: string, what: string): SshMcpError =>
  invalidSettings(path, `has a ${escapedKey(prefix + key)} that is ${what}`);

const escapedKey = (key: string): string => shown(key).slice(1, -1);
