/** `[host.NAME]` and `[group.NAME]` of `config.toml`. */

import { shown } from "../core/escape.ts";
import type { Settings } from "./settings.ts";
import { flagIn, invalidSettings, lineIn, namesIn, refuseUnknown, type TomlTable, tableIn } from "./toml-table.ts";

/** What `config.toml` says of one host, in `[host.NAME]` and the `[group.NAME]`s it is in. */
export interface HostSettings {
  /** What it is, shown in lists; null when nobody said. */
  label: string | null;
  /** Names of its groups, without `@`. */
  groups: readonly string[];
  /** Whether algorithms are offered that nobody should need any more: SHA-1 key exchange, CBC, ssh-rsa. */
  legacy: boolean;
  /** A line for the person's shell that prints the password, as `pass show db1`; null for none. */
  passwordCommand: string | null;
  /** Whether agents' sudo and su get the login's password, the keychain's and passwordCommand's: else only what a person gave for the session. */
  sudo: boolean;
}

/** What a table says of how to reach a host; null where it does not. */
interface Reach {
  label: string | null;
  legacy: boolean | null;
  passwordCommand: string | null;
  sudo: boolean | null;
}

export interface HostTable extends Reach {
  groups: readonly string[];
}

export interface GroupTable extends Reach {
  /** Names of hosts, beside those whose own table names the group. */
  hosts: readonly string[];
}

/** Characters of the longest label. */
export const longestLabel = 200;
const longestCommand = 4096;

const groupGrammar = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;

/** What may stand after `@`. */
export const isGroupName = (text: string): boolean => groupGrammar.test(text);

/** What a host may be called here: the word that is typed for it, and never a pattern. */
const isHostName = (text: string): boolean =>
  text.length > 0 && text.length <= 255 && !/^[-@#!]/.test(text) && !/[\s\p{C}*?"'`$\\]/u.test(text);

/** @param tables the whole file. @throws SshMcpError CONFIG_INVALID */
export const readHosts = (tables: TomlTable): ReadonlyMap<string, HostTable> =>
  named(tables, "host", isHostName, (table) => {
    refuseUnknown(table, ["label", "groups", "legacy", "passwordCommand", "sudo"]);
    return { ...reach(table), groups: namesIn(table, "groups", isGroupName) };
  });

/** @param tables the whole file. @throws SshMcpError CONFIG_INVALID */
export const readGroups = (tables: TomlTable): ReadonlyMap<string, GroupTable> =>
  named(tables, "group", isGroupName, (table) => {
    refuseUnknown(table, ["label", "hosts", "legacy", "passwordCommand", "sudo"]);
    return { ...reach(table), hosts: namesIn(table, "hosts", isHostName) };
  });

const named = <T>(
  tables: TomlTable,
  kind: string,
  isName: (text: string) => boolean,
  read: (table: TomlTable) => T,
): ReadonlyMap<string, T> => {
  const all = tableIn(tables, kind);
  const entries = Object.keys(all.values).map((name): [string, T] => {
    if (!isName(name))
      throw invalidSettings(all.path, `has a [${kind}.…] for ${shown(name)}, which is no name of a ${kind}`);
    return [name, read(tableIn(all, name))];
  });
  return new Map(entries);
};

const reach = (table: TomlTable): Reach => ({
  label: lineIn(table, "label", longestLabel),
  legacy: flagIn(table, "legacy"),
  passwordCommand: lineIn(table, "passwordCommand", longestCommand),
  sudo: flagIn(table, "sudo"),
});

/**
 * What holds for a host: its own table before those of its groups, and these in the order in which it names them, then in the order of the file.
 * @param name as typed
 */
export const hostSettings = ({ hosts, groups }: Settings, name: string): HostSettings => {
  const own = hosts.get(name);
  const listing = [...groups].filter(([, group]) => group.hosts.includes(name)).map(([group]) => group);
  const names = [...new Set([...(own?.groups ?? []), ...listing])];
  const tables: Reach[] = [own, ...names.map((group) => groups.get(group))].filter((table) => table !== undefined);
  const first = <T>(value: (table: Reach) => T | null): T | null =>
    tables.map(value).find((found) => found !== null) ?? null;
  return {
    label: own?.label ?? null,
    groups: names,
    legacy: first(({ legacy }) => legacy) ?? false,
    passwordCommand: first(({ passwordCommand }) => passwordCommand),
    sudo: first(({ sudo }) => sudo) ?? false,
  };
};

/** Every group, by its own table or by a host's. */
export const groupNames = ({ hosts, groups }: Settings): string[] => [
  ...new Set([...groups.keys(), ...[...hosts.values()].flatMap((host) => host.groups)]),
];

/** The hosts of a group, each once: those its table lists, then those that name it. Null when there is no such group. */
export const groupMembers = (settings: Settings, group: string): string[] | null => {
  if (!groupNames(settings).includes(group)) return null;
  const naming = [...settings.hosts].filter(([, host]) => host.groups.includes(group)).map(([name]) => name);
  return [...new Set([...(settings.groups.get(group)?.hosts ?? []), ...naming])];
};
