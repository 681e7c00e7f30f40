import { readdirSync, readFileSync } from "node:fs";

/** Threads of a process that derive a key: the only Workers there are. */
export const deriving = (pid: number): number =>
  readdirSync(`/proc/${pid}/task`).filter((id) => threadName(pid, id).startsWith("Worker")).length;

const threadName = (pid: number, id: string): string => {
  try {
    return readFileSync(`/proc/${pid}/task/${id}/comm`, "latin1");
  } catch {
    // It ended meanwhile.
    return "";
  }
};
