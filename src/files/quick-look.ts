/**
 * The warm path's look at the place of the broker, before it sends anything. It knows a place that is as it should be; everything else is for
 * those who look carefully, and say what is wrong (`broker-place.ts`, `machine.ts`).
 */
import { tidyPath } from "./path-text.ts";
import type { Environment } from "./paths.ts";
import { longestSocket, namespaces, runDirectory, socketIn } from "./place-names.ts";
import { quickFiles } from "./quick-files.ts";

export interface QuickLook {
  /** As in `BrokerPlace`; it and the directories around it have passed what `checkBrokerPlace` asks. */
  socket: string;
  /** As `machinePlace` says it. */
  place: string;
}

/** @returns null when anything is not as usual, among others when no broker is there */
export const quickLook = (env: Environment): QuickLook | null => {
  const { look, read, linkAt, hostName } = quickFiles();
  const base = baseOf(env);
  const machineId = read("/etc/machine-id")?.trim() || hostName();
  if (base === null || machineId === "") return null;
  const run = runDirectory(base, machineId);
  const socket = socketIn(run);
  if (Buffer.byteLength(socket) > longestSocket || look(socket)?.kind !== "socket") return null;
  const uid = process.getuid?.();
  for (const path of [base, `${base}/run`, run]) {
    const found = look(path);
    if (found?.kind !== "directory" || found.uid !== uid || (found.permissions & 0o077) !== 0) return null;
  }
  let place = machineId;
  for (const name of namespaces) {
    const link = linkAt(`/proc/self/ns/${name}`);
    if (link !== null) place += ` ${link}`;
  }
  return { socket, place };
};

const baseOf = ({ SSH_MCP_DIR = "", HOME = "" }: Environment): string | null => {
  const base = tidyPath(SSH_MCP_DIR || `${HOME}/.ssh-mcp`);
  return (SSH_MCP_DIR || HOME).startsWith("/") && base !== "/" ? base : null;
};
