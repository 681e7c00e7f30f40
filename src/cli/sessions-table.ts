/** `ls` for people: a table, or only the names. */
import { formatDuration } from "../core/duration.ts";
import { escapeLine } from "../core/escape.ts";
import type { SessionInfo } from "../core/session.ts";

export const sessionNames = (sessions: readonly SessionInfo[]): string =>
  sessions.map(({ name }) => `${escapeLine(name)}\n`).join("");

/** Columns are as wide as their longest cell; nothing is cut. */
export const sessionsTable = (sessions: readonly SessionInfo[]): string => {
  const rows = [head, ...sessions.map(cells)];
  const widths = head.map((_, column) => Math.max(...rows.map((row) => width(row[column] ?? ""))));
  return rows
    .map(
      (row) =>
        `${row
          .map((cell, column) => padded(cell, widths[column] ?? 0))
          .join("  ")
          .trimEnd()}\n`,
    )
    .join("");
};

const head = ["NAME", "SERVER", "STATE", "RUNNING", "AGE", "IDLE", "DISCONNECTS", "OPENED BY", "FOR", "TITLE"];

const cells = (session: SessionInfo): string[] =>
  [
    session.name,
    `${session.user}@${session.host}:${session.port}`,
    session.needsPerson ? `${session.state} (person)` : session.state,
    `${session.running}`,
    formatDuration(session.ageMs),
    formatDuration(session.idleMs),
    disconnectsOf(session),
    `${session.openedBy.face} ${session.openedBy.client}`,
    session.lent ? "agents" : "you",
    session.title ?? "",
  ].map(escapeLine);

/** When the connection ends unless used; the session stays in the list. */
const disconnectsOf = ({ state, expiresInMs }: SessionInfo): string => {
  if (expiresInMs !== null) return formatDuration(expiresInMs);
  return state === "live" ? "never" : "-";
};

const padded = (cell: string, to: number): string => cell + " ".repeat(Math.max(0, to - width(cell)));

/** Wide characters take two columns. */
const width = (cell: string): number => Bun.stringWidth(cell);
