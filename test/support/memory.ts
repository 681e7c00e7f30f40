/** What processes hold in memory of their own, watched while something goes on. */
import { readFileSync } from "node:fs";

export const mebibyte = 1024 * 1024;

export interface MemoryWatch {
  /** Bytes by which each process grew at most since the watch began, by name; those that are gone count until then. */
  end(): Record<string, number>;
}

/** Looks every 20 ms at the anonymous pages (RssAnon, proc(5)) of processes. */
export const watchMemory = (processes: Readonly<Record<string, number>>): MemoryWatch => {
  const names = Object.keys(processes);
  const before = new Map(names.map((name) => [name, anonymous(processes[name] ?? 0) ?? 0]));
  const most = new Map(before);
  const look = () => {
    for (const name of names) {
      const now = anonymous(processes[name] ?? 0);
      if (now !== null && now > (most.get(name) ?? 0)) most.set(name, now);
    }
  };
  const timer = setInterval(look, 20);
  return {
    end: () => {
      clearInterval(timer);
      return Object.fromEntries(names.map((name) => [name, (most.get(name) ?? 0) - (before.get(name) ?? 0)]));
    },
  };
};

/** Bytes; null when the process is gone. */
const anonymous = (pid: number): number | null => {
  try {
    const kibibytes = /^RssAnon:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "latin1"))?.[1];
    return kibibytes === undefined ? null : Number(kibibytes) * 1024;
  } catch {
    return null;
  }
};
