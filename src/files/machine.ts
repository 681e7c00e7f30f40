/**
 * Where this process runs, as far as files and the network depend on it. On the client's warm path: a few small reads, no package.
 */
import { readFileSync, readlinkSync } from "node:fs";
import { namespaces } from "./place-names.ts";

/** The machine's own id, machine-id(5); the host name where there is none. */
export const machineId = (): string => {
  try {
    const id = readFileSync("/etc/machine-id", "latin1").trim();
    if (id !== "") return id;
  } catch {
    // macOS, and containers without one.
  }
  // Only here: it takes a third of a millisecond to load.
  const { hostname }: typeof import("node:os") = require("node:os");
  return hostname();
};

/**
 * The machine and, on Linux, the namespaces: `ID mnt:[1] net:[2] user:[3]`. Two processes with the same text see the same files and hosts.
 */
export const machinePlace = (): string => [machineId(), ...namespaces.flatMap(namespaceOf)].join(" ");

const namespaceOf = (name: string): string[] => {
  try {
    return [readlinkSync(`/proc/self/ns/${name}`)];
  } catch {
    return [];
  }
};
