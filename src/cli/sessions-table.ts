/** `ls` for people: a table, or only the names. */
import { formatDuration } from "../core/duration.ts";
import { escapeLine, quotedWords, shortened } from "../core/escape.ts";
import type { PendingLogin } from "../core/pending-login.ts";
import type { SessionInfo } from "../core/session.ts";
import { type Column, table } from "./table.ts";

export const sessionNames = (sessions: readonly SessionInfo[]): string =>
  sessions.map(({ name }) => `${escapeLine(name)}\n`).join("");

/** @param room columns of the terminal; null cuts nothing */
export const sessionsTable = (sessions: readonly SessionInfo[], room: number | null): string =>
  table(columns, sessions.map(cells), room);

/** One of `pending`, as far as it is shown. */
export interface WaitingLogin extends Pick<PendingLogin, "command" | "title"> {
  /** The program that asked. */
  by: string;
}

/** Two lines each: what a person types, and below it the words of whoever waits for it, which could say anything. */
export const pendingLines = (pending: readonly WaitingLogin[]): string =>
  pending
    .map(({ command, by, title }) => {
      const why = title === null ? "" : `, for ${quotedWords(title, longestTitle)}`;
      return `waits for you: ${escapeLine(command)}\n  asked by ${quotedWords(by, longestName)}${why}\n`;
    })
    .join("");

/** Characters shown of what an agent calls itself, and of what it says a session is for. */
const longestName = 40;
const longestTitle = 100;

/** Cells with spaces come last: the ones before are awk's `$1` to `$7`. */
const columns: readonly Column[] = [
  { head: "NAME", cut: "last" },
  { head: "DESTINATION", cut: "first" },
  { head: "STATE", cut: "never" },
  { head: "AGE", cut: "never" },
  { head: "IDLE", cut: "never" },
  { head: "LEFT", cut: "never" },
  { head: "LENT", cut: "never" },
  { head: "OPENED BY", cut: "first" },
  { head: "TITLE", cut: "first" },
];

const cells = (session: SessionInfo): string[] =>
  [
    session.name,
    session.destination,
    session.needsPerson ? `${session.state},person` : session.state,
    formatDuration(session.ageMs),
    session.running > 0 ? "busy" : formatDuration(session.idleMs),
    leftOf(session),
    session.lent ? "yes" : "no",
    whoOf(session.openedBy),
    shortened(session.title ?? "", 200),
  ].map(escapeLine);

/** Until the connection ends unless used; the session stays in the list. */
const leftOf = ({ state, expiresInMs }: SessionInfo): string => {
  if (expiresInMs !== null) return formatDuration(expiresInMs);
  return state === "live" ? "never" : "-";
};

/** The command line has one name; among agents, each says its own. */
export const whoOf = ({ face, client }: SessionInfo["openedBy"]): string =>
  face === "cli" ? face : `${face} ${shortened(client, longestName)}`;
