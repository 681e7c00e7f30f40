import { readFileSync } from "node:fs";

/** O_CLOEXEC of Linux, in the octal flags of proc_pid_fdinfo(5). */
const closeOnExec = 0o2000000;

/**
 * Whether this process was started with the descriptor closed. The runtime opens /dev/null in its place, in a way that no descriptor has that came through
 * execve(2). Where there is no /proc it cannot be told, and is false.
 */
export const wasClosed = (fd: number): boolean => {
  try {
    const flags = /^flags:\s*([0-7]+)$/m.exec(readFileSync(`/proc/self/fdinfo/${fd}`, "latin1"))?.[1];
    return flags !== undefined && (Number.parseInt(flags, 8) & closeOnExec) !== 0;
  } catch {
    return false;
  }
};
