/** `ls --running` for people: what runs now. */

import type { RunningCall } from "../core/command.ts";
import { formatDuration } from "../core/duration.ts";
import { escapeLine } from "../core/escape.ts";
import { whoOf } from "./sessions-table.ts";
import { type Column, table } from "./table.ts";

/** A call as it comes out of the operation: the time in words, and the command for whoever may read it. */
export type ListedCall = Omit<RunningCall, "startedAt" | "command"> & { startedAt: string; command: string | null };

/**
 * @param room columns of the terminal; null cuts nothing
 * @param now milliseconds since the epoch
 */
export const callsTable = (calls: readonly ListedCall[], room: number | null, now: number): string =>
  table(
    columns,
    calls.map((call) => cells(call, now)),
    room,
  );

const columns: readonly Column[] = [
  { head: "ID", cut: "never" },
  { head: "SESSION", cut: "last" },
  { head: "AGE", cut: "never" },
  { head: "BY", cut: "first" },
  { head: "COMMAND", cut: "first" },
];

const cells = ({ id, session, startedAt, by, command }: ListedCall, now: number): string[] =>
  [id, session, formatDuration(now - Date.parse(startedAt)), whoOf(by), command ?? ""].map(escapeLine);
