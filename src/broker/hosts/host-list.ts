/** The hosts that ssh_config names, with what else is known of each. */

import { groupMembers, groupNames, hostSettings } from "../../config/host-settings.ts";
import { entriesOf, linesOf } from "../../config/own-config/own-file.ts";
import type { Settings } from "../../config/settings.ts";
import { describeOrigin, type Origin } from "../../config/ssh-config/origin.ts";
import { typedHost } from "../../core/destination.ts";
import { SshMcpError } from "../../core/errors.ts";
import { shown } from "../../core/escape.ts";
import { matchGlob } from "../../core/glob.ts";
import type { HostEntry } from "../../core/hosts.ts";
import type { SessionInfo } from "../../core/session.ts";
import { suggest } from "../../core/suggest.ts";

/** A name, and the line that gives it. */
export interface Alias {
  name: string;
  origin: Origin;
}

/** What a list is made from. */
export interface HostSources {
  /** In the order of the files. */
  aliases: readonly Alias[];
  settings: Settings;
  /** Those that the caller may see. */
  sessions: readonly SessionInfo[];
  /** Our own file, and its text. */
  own: { path: string; text: string };
}

/** Each name once, the first line that has it, and then what is proposed. @throws SshMcpError CONFIG_INVALID */
export const listHosts = ({ aliases, settings, sessions, own }: HostSources): HostEntry[] => {
  const first = new Map<string, Origin>();
  for (const { name, origin } of aliases) if (!first.has(name)) first.set(name, origin);
  const about = (name: string) => {
    const { label, groups } = hostSettings(settings, name);
    return { label, groups };
  };
  const known = [...first].map(([name, origin]): HostEntry => {
    const live = sessions.filter((session) => session.state === "live" && typedHost(session.destination) === name);
    const names = live.map((session) => session.name);
    return { name, origin: describeOrigin(origin), ...about(name), sessions: names, enabled: true, proposedBy: null };
  });
  const proposals = entriesOf(linesOf(own.text), own.path).flatMap(({ names, start, proposedBy }): HostEntry[] => {
    const [name] = names;
    if (proposedBy === null || name === undefined) return [];
    return [{ name, origin: `${own.path}:${start + 1}`, ...about(name), sessions: [], enabled: false, proposedBy }];
  });
  return [...known, ...proposals];
};

/**
 * Those that one of the filters means; all without any.
 * @param filter names, globs, and groups with their `@`
 * @throws SshMcpError NOT_FOUND for a group that there is not
 */
export const filtered = (hosts: readonly HostEntry[], filter: readonly string[], settings: Settings): HostEntry[] => {
  const groups = filter.filter((word) => word.startsWith("@")).flatMap((word) => membersOf(settings, word.slice(1)));
  const globs = filter.filter((word) => !word.startsWith("@"));
  if (filter.length === 0) return [...hosts];
  return hosts.filter(({ name }) => groups.includes(name) || globs.some((glob) => matchGlob(name, glob)));
};

/** Hosts of a group, whether ssh_config names them or not. @throws SshMcpError NOT_FOUND naming the groups that there are */
export const membersOf = (settings: Settings, group: string): string[] => {
  const members = groupMembers(settings, group);
  if (members !== null) return members;
  const names = groupNames(settings);
  const near = suggest(group, names);
  const there = names.length === 0 ? "there are none" : `there are ${names.map((name) => `@${name}`).join(", ")}`;
  throw new SshMcpError("NOT_FOUND", `there is no group ${shown(`@${group}`)}: ${there}`, {
    hint: near === null ? "ssh-mcp hosts set NAME --group GROUP" : `ssh-mcp hosts ls @${near}`,
  });
};

/** Sessions to hosts of a group, by what they were opened as. */
export const sessionsOf = (members: readonly string[], sessions: readonly SessionInfo[]): string[] =>
  sessions
    .filter(({ destination }) => members.includes(destination) || members.includes(typedHost(destination)))
    .map(({ name }) => name);
