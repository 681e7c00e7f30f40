/** Results as text for a person: the operation's own words, or a table where people expect one. */
import type { Operation } from "../core/operation.ts";
import type { SessionInfo } from "../core/session.ts";
import type { FaceOptions } from "./flag.ts";
import { sessionNames, sessionsTable } from "./sessions-table.ts";

/** @returns whole lines, or nothing */
export const textOf = (operation: Operation, result: unknown, { quiet }: FaceOptions): string => {
  const output = result as Parameters<Operation["render"]>[0];
  if (operation.name === "sessions") {
    const { sessions } = result as { sessions: readonly SessionInfo[] };
    if (quiet) return sessionNames(sessions);
    if (sessions.length > 0) return sessionsTable(sessions);
  }
  return `${operation.render(output)}\n`;
};
