/** Where the broker of this user and machine is found. On the client's warm path: one small read, no package. */
import { realpathSync } from "node:fs";
import { baseDirectory } from "./base-directory.ts";
import { machineId } from "./machine.ts";
import { parentOf, tidyPath } from "./path-text.ts";
import type { Environment } from "./paths.ts";
import { digest, longestSocket, runDirectory, socketIn } from "./place-names.ts";
import { checkPrivateDirectory, makePrivateDirectory } from "./private-directory.ts";

/** Absolute paths. */
export interface BrokerPlace {
  /** Records and configuration, which machines that share a home share as well. */
  base: string;
  /** Socket, locks and log of this machine's broker. */
  run: string;
  /** In `run`, or in `/tmp/ssh-mcp-UID` when that would be too long. */
  socket: string;
  brokerLock: string;
  spawnLock: string;
  log: string;
}

/**
 * The place that an environment says. Nothing is made or checked.
 * @throws SshMcpError INVALID_INPUT for an SSH_MCP_DIR that is no absolute path
 */
export const brokerPlace = (env: Environment = process.env): BrokerPlace => {
  const base = baseDirectory(env);
  const run = runDirectory(base, machineId());
  const socket = socketIn(run);
  return {
    base,
    run,
    socket: Buffer.byteLength(socket) <= longestSocket ? socket : shortSocket(run),
    brokerLock: `${run}/broker.lock`,
    spawnLock: `${run}/spawn.lock`,
    log: `${run}/broker.log`,
  };
};

/**
 * Looks whether everything on the way to the socket is ours alone: whoever can write there can answer in the broker's name.
 * @throws SshMcpError as `checkPrivateDirectory`
 */
export const checkBrokerPlace = (place: BrokerPlace): "fine" | "absent" =>
  directoriesOf(place).every((path) => checkPrivateDirectory(path) === "fine") ? "fine" : "absent";

/** @throws SshMcpError as `makePrivateDirectory` */
export const makeBrokerPlace = (place: BrokerPlace): void => directoriesOf(place).forEach(makePrivateDirectory);

const directoriesOf = ({ base, run, socket }: BrokerPlace): string[] => [
  ...new Set([base, parentOf(run), run, parentOf(socket)]),
];

/** By the real path, for the same directory can be named in several ways. */
const shortSocket = (run: string): string =>
  `/tmp/ssh-mcp-${process.getuid?.() ?? 0}/${digest(realPath(run)).slice(0, 16)}.sock`;

/** What does not exist yet keeps its name below what does: it will be no link when it is made. */
const realPath = (path: string): string => {
  try {
    return realpathSync(path);
  } catch {
    const parent = parentOf(path);
    return parent === path ? path : tidyPath(`${realPath(parent)}/${path.slice(parent.length)}`);
  }
};
