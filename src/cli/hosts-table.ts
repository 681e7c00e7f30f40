/** `hosts ls` for people: a table, or only the names. */
import { escapeLine, quotedWords } from "../core/escape.ts";
import type { HostEntry } from "../core/hosts.ts";
import { type Column, table } from "./table.ts";

export const hostNames = (hosts: readonly HostEntry[]): string =>
  hosts
    .filter(({ enabled }) => enabled)
    .map(({ name }) => `${escapeLine(name)}\n`)
    .join("");

/** @param room columns of the terminal; null cuts nothing */
export const hostsTable = (hosts: readonly HostEntry[], room: number | null): string =>
  table(columns, hosts.map(cells), room);

/** Cells with spaces come last: the ones before are awk's `$1` to `$4`. */
const columns: readonly Column[] = [
  { head: "NAME", cut: "last" },
  { head: "SESSION", cut: "last" },
  { head: "GROUPS", cut: "first" },
  { head: "FROM", cut: "first" },
  { head: "LABEL", cut: "first" },
];

const cells = ({ name, sessions, groups, origin, label, enabled, proposedBy }: HostEntry): string[] =>
  [
    name,
    enabled ? sessions.join(",") || "-" : "disabled",
    groups.join(",") || "-",
    // A space would make it two cells.
    origin.replaceAll(" ", "\\ "),
    [...(label === null ? [] : [label]), ...(enabled ? [] : [`proposed by ${quotedWords(proposedBy ?? "", 40)}`])].join(
      "; ",
    ),
  ].map(escapeLine);
