/** Results as text for a person: the operation's own words, or a table where people expect one. */
import type { HostEntry } from "../core/hosts.ts";
import type { Operation } from "../core/operation.ts";
import type { SessionInfo } from "../core/session.ts";
import { callsTable, type ListedCall } from "./calls-table.ts";
import { fileNames, filesTable, type ListedFile } from "./files-listing.ts";
import type { FaceOptions } from "./flag.ts";
import { hostNames, hostsTable } from "./hosts-table.ts";
import { pendingLines, sessionNames, sessionsTable, type WaitingLogin } from "./sessions-table.ts";
import type { World } from "./world.ts";

/** @returns whole lines, or nothing */
export const textOf = async (
  operation: Operation,
  result: unknown,
  { quiet, long }: FaceOptions,
  world: Pick<World, "columns">,
): Promise<string> => {
  if (operation.name === "sessions") return await listing(result as Listing, quiet, world);
  if (operation.name === "list-directory") {
    const { entries } = result as { entries: readonly ListedFile[] };
    return long ? filesTable(entries) : fileNames(entries, await world.columns());
  }
  if (operation.name === "hosts") {
    const { hosts, resolved } = result as { hosts: readonly HostEntry[]; resolved: unknown };
    if (resolved === null) return await hostsListing(hosts, quiet, world);
  }
  return `${operation.render(result as Parameters<Operation["render"]>[0])}\n`;
};

const hostsListing = async (
  hosts: readonly HostEntry[],
  quiet: boolean,
  world: Pick<World, "columns">,
): Promise<string> => {
  if (quiet) return hostNames(hosts);
  return hosts.length === 0 ? "no hosts\n" : hostsTable(hosts, await world.columns());
};

interface Listing {
  sessions: readonly SessionInfo[];
  pending: readonly WaitingLogin[];
  /** Null unless asked for. */
  calls: readonly ListedCall[] | null;
}

const listing = async (
  { sessions, pending, calls }: Listing,
  quiet: boolean,
  world: Pick<World, "columns">,
): Promise<string> => {
  if (quiet) return sessionNames(sessions);
  if (calls !== null) {
    return calls.length === 0 ? "nothing runs\n" : callsTable(calls, await world.columns(), Date.now());
  }
  const rows = sessions.length === 0 ? "no sessions\n" : sessionsTable(sessions, await world.columns());
  return `${rows}${pendingLines(pending)}`;
};
