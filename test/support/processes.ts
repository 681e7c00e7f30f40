/** Finding and ending processes by pid, from /proc: never by a name or a pattern. */
import { readdirSync, readFileSync } from "node:fs";
import { waitFor } from "./wait.ts";

/** Whether the process exists and is no zombie. */
export const isAlive = (pid: number): boolean => {
  const stat = statOf(pid);
  return stat !== null && stat.state !== "Z" && stat.state !== "X";
};

/** All living descendants of a process, itself excluded. */
export const descendantsOf = (pid: number): number[] => {
  const children = new Map<number, number[]>();
  for (const each of pids()) {
    const parent = statOf(each)?.parent;
    if (parent !== undefined) children.set(parent, [...(children.get(parent) ?? []), each]);
  }
  const found: number[] = [];
  const queue = [pid];
  for (let next = queue.pop(); next !== undefined; next = queue.pop()) {
    const own = children.get(next) ?? [];
    found.push(...own);
    queue.push(...own);
  }
  return found.filter(isAlive);
};

/** Living processes whose environment holds a variable that the test accepts; those of other users only as root. */
export const withEnvironment = (accepts: (variable: string) => boolean): number[] =>
  pids().filter((pid) => isAlive(pid) && environmentOf(pid).some(accepts));

/** Living processes whose command line the test accepts. */
export const withCommandLine = (accepts: (words: readonly string[]) => boolean): number[] =>
  pids().filter((pid) => accepts(commandLineOf(pid)) && isAlive(pid));

/** Its words; none for a process that is gone. */
export const commandLineOf = (pid: number): string[] => read(`/proc/${pid}/cmdline`).split("\0").slice(0, -1);

/** `NAME=value` as it was started with; nothing for a process that is gone, or another user's. */
export const environmentOf = (pid: number): string[] => read(`/proc/${pid}/environ`).split("\0").slice(0, -1);

/** Living processes of one user id. */
export const ofUser = (uid: number): number[] =>
  pids().filter((pid) => isAlive(pid) && new RegExp(`^Uid:\\s+${uid}\\s`, "m").test(read(`/proc/${pid}/status`)));

/** TERM, then KILL after a second; resolves when all are gone. */
export const endProcesses = async (targets: readonly number[]): Promise<void> => {
  for (const pid of targets) signal(pid, "SIGTERM");
  const gone = () => !targets.some(isAlive);
  try {
    await waitFor(gone, { what: "processes to end on TERM", timeout: 1000 });
  } catch {
    // They had their chance to end by themselves.
    for (const pid of targets) signal(pid, "SIGKILL");
    await waitFor(gone, { what: `processes ${targets.filter(isAlive).join(", ")} to end`, timeout: 5000 });
  }
};

/** Sends a signal; a process that has gone meanwhile is no error. */
export const signal = (pid: number, name: NodeJS.Signals): void => {
  try {
    process.kill(pid, name);
  } catch (failure) {
    if ((failure as NodeJS.ErrnoException).code !== "ESRCH") throw failure;
  }
};

const pids = (): number[] =>
  readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map(Number);

const statOf = (pid: number): { state: string; parent: number } | null => {
  // The name in parentheses may hold spaces and parentheses itself: proc(5).
  const [state = "", parent = ""] = read(`/proc/${pid}/stat`).split(") ").at(-1)?.split(" ") ?? [];
  return parent === "" ? null : { state, parent: Number(parent) };
};

/** Processes come and go while we look: one that cannot be read is one that is not there. */
const read = (path: string): string => {
  try {
    return readFileSync(path, "latin1");
  } catch {
    return "";
  }
};
