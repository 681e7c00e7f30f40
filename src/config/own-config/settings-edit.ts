/**
 * A host's label and groups in the text of `config.toml`. Lines are put in and taken out; the rest stays byte for byte. The result is read
 * again and must say exactly what was meant: a file written in another style than these lines know is left to its owner.
 */
import { SshMcpError } from "../../core/errors.ts";
import { shown } from "../../core/escape.ts";
import { quoteWord } from "../../core/quote.ts";
import { isGroupName, longestLabel } from "../host-settings.ts";
import { settingsOf } from "../settings.ts";
import { parseToml } from "../toml-table.ts";
import { valueEnd } from "./toml-value.ts";

/** Undefined leaves it, null takes it out. */
export interface LabelChange {
  label?: string | null | undefined;
  groups?: readonly string[] | null | undefined;
}

/**
 * @param path for errors
 * @throws SshMcpError INVALID_INPUT for a label or a group that cannot be one; CONFIG_INVALID for a file that is none; PRECONDITION_FAILED for one that a person has to edit
 */
export const withLabels = (path: string, text: string, name: string, change: LabelChange): string => {
  const tables = parseToml(path, text);
  settingsOf(tables);
  const wanted = Object.entries(change).filter(([, value]) => value !== undefined);
  if (wanted.length === 0) return text;
  check(change);
  const edited = wanted.reduce((lines, [key, value]) => withKey(lines, name, key, value), text.split("\n"));
  const result = withoutEmptyTable(edited, name).join("\n");
  if (says(result, expected(tables.values, name, change))) return result;
  throw new SshMcpError("PRECONDITION_FAILED", `${path} says something of ${name} in a form that is not edited here`, {
    hint: `vi ${quoteWord(path)}`,
  });
};

/** @throws SshMcpError INVALID_INPUT: what a file may not say is refused before it is one */
const check = ({ label, groups }: LabelChange): void => {
  const wrongGroup = groups?.find((group) => !isGroupName(group));
  if (wrongGroup !== undefined)
    throw refused(`${shown(wrongGroup)} is no name of a group: letters, digits, . _ - alone`);
  if (label === null || label === undefined) return;
  if (label === "" || label.length > longestLabel || /\p{C}/u.test(label)) {
    throw refused(`the label ${shown(label)} is no line of 1 to ${longestLabel} characters`);
  }
};

const refused = (message: string): SshMcpError =>
  new SshMcpError("INVALID_INPUT", message, { hint: "ssh-mcp hosts set NAME --label LABEL --group GROUP" });

type Tree = Record<string, unknown>;

const parsed = (text: string): Tree => Bun.TOML.parse(text) as Tree;

const isTable = (value: unknown): value is Tree => typeof value === "object" && value !== null;

const expected = (values: Tree, name: string, change: LabelChange): Tree => {
  const tree = structuredClone(values);
  const hosts = isTable(tree["host"]) ? tree["host"] : {};
  const own = Object.hasOwn(hosts, name) ? hosts[name] : undefined;
  const table = isTable(own) ? own : {};
  for (const [key, value] of Object.entries(change)) {
    if (value === null) delete table[key];
    else if (value !== undefined) table[key] = value;
  }
  Object.defineProperty(hosts, name, { value: table, enumerable: true, configurable: true, writable: true });
  tree["host"] = hosts;
  return tree;
};

/** Tables that say nothing do not count. */
const says = (text: string, tree: Tree): boolean => {
  try {
    return Bun.deepEquals(withoutEmpty(parsed(text)), withoutEmpty(tree), true);
  } catch {
    return false;
  }
};

const withoutEmpty = (tree: Tree): Tree => {
  const hosts = isTable(tree["host"]) ? tree["host"] : {};
  const kept = Object.entries(hosts).filter(([, table]) => !isTable(table) || Object.keys(table).length > 0);
  const { host: _, ...rest } = tree;
  return kept.length === 0 ? { ...rest } : { ...rest, host: Object.fromEntries(kept) };
};

const withKey = (lines: readonly string[], name: string, key: string, value: unknown): string[] => {
  const text = value === null ? [] : [`${key} = ${written(value)}`];
  const section = sectionOf(lines, name);
  if (section === null) {
    if (text.length === 0) return [...lines];
    const kept = lines.at(-1) === "" ? lines.slice(0, -1) : lines;
    const gap = kept.length === 0 || kept.at(-1) === "" ? [] : [""];
    return [...kept, ...gap, `[host.${tomlKey(name)}]`, ...text, ""];
  }
  const { start, end } = section;
  const pattern = new RegExp(`^\\s*(?:${key}|"${key}"|'${key}')\\s*=`);
  const at = lines.findIndex((line, index) => index > start && index < end && pattern.test(line));
  if (at >= 0) return [...lines.slice(0, at), ...text, ...lines.slice(valueEnd(lines, at, end))];
  // The label before the groups, both where the table begins.
  const label = lines.findIndex((line, index) => index > start && index < end && /^\s*label\s*=/.test(line));
  const place = key === "groups" && label >= 0 ? valueEnd(lines, label, end) : start + 1;
  return [...lines.slice(0, place), ...text, ...lines.slice(place)];
};

const written = (value: unknown): string =>
  Array.isArray(value) ? `[${value.map((item) => JSON.stringify(item)).join(", ")}]` : JSON.stringify(value);

const tomlKey = (name: string): string => (/^[A-Za-z0-9_-]+$/.test(name) ? name : JSON.stringify(name));

/** The lines of `[host.NAME]`: its head, and the index after its last one. */
const sectionOf = (lines: readonly string[], name: string): { start: number; end: number } | null => {
  const start = lines.findIndex((line) => /^\s*\[[^[]/.test(line) && line.includes(name) && isHead(line, name));
  if (start < 0) return null;
  const next = lines.findIndex((line, index) => index > start && /^\s*\[/.test(line));
  return { start, end: next < 0 ? lines.length : next };
};

const isHead = (line: string, name: string): boolean => {
  try {
    return Bun.deepEquals(parsed(line), { host: { [name]: {} } });
  } catch {
    return false;
  }
};

/** The head alone, without a comment, says nothing. */
const withoutEmptyTable = (lines: readonly string[], name: string): string[] => {
  const section = sectionOf(lines, name);
  if (section === null) return [...lines];
  const { start, end } = section;
  if (lines.slice(start + 1, end).some((line) => line.trim() !== "")) return [...lines];
  return [...lines.slice(0, start), ...lines.slice(end === lines.length ? end - 1 : end)];
};
