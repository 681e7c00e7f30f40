/** Results as text for a person: the operation's own words, or a table where people expect one. */
import type { Operation } from "../core/operation.ts";
import type { SessionInfo } from "../core/session.ts";
import { callsTable, type ListedCall } from "./calls-table.ts";
import type { FaceOptions } from "./flag.ts";
import { sessionNames, sessionsTable } from "./sessions-table.ts";
import type { World } from "./world.ts";

/** @returns whole lines, or nothing */
export const textOf = async (
  operation: Operation,
  result: unknown,
  { quiet }: FaceOptions,
  world: Pick<World, "columns">,
): Promise<string> => {
  if (operation.name === "sessions") return await listing(result as Listing, quiet, world);
  return `${operation.render(result as Parameters<Operation["render"]>[0])}\n`;
};

interface Listing {
  sessions: readonly SessionInfo[];
  /** Null unless asked for. */
  calls: readonly ListedCall[] | null;
}

const listing = async (
  { sessions, calls }: Listing,
  quiet: boolean,
  world: Pick<World, "columns">,
): Promise<string> => {
  if (quiet) return sessionNames(sessions);
  if (calls !== null) {
    return calls.length === 0 ? "nothing runs\n" : callsTable(calls, await world.columns(), Date.now());
  }
  return sessions.length === 0 ? "no sessions\n" : sessionsTable(sessions, await world.columns());
};
