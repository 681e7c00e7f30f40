/** A broker that is there and does not answer: which process it is, and what a person can do about it. */
import { lstatSync, readFileSync } from "node:fs";
import { SshMcpError } from "../../core/errors.ts";
import type { BrokerPlace } from "../../files/broker-place.ts";
import { NotAnswering } from "./call-errors.ts";

/** The error with the command that ends the silence, where the process can be found. */
export const silence = (place: BrokerPlace, message: string): SshMcpError => {
  const pid = holderOf(place.brokerLock);
  if (pid === null) return new SshMcpError("BROKER_UNAVAILABLE", message, { hint: "ssh-mcp --no-broker …" });
  const stopped = isStoppedProcess(pid);
  return new SshMcpError("BROKER_UNAVAILABLE", `${message}: its process ${pid} ${stopped ? "is stopped" : "hangs"}`, {
    hint: `kill -${stopped ? "CONT" : "KILL"} ${pid}`,
  });
};

/** What went wrong with a broker; when it said nothing, with who it is that is silent. */
export const explained = (place: BrokerPlace, thrown: unknown): unknown =>
  thrown instanceof NotAnswering ? silence(place, thrown.message) : thrown;

/** Whether the broker of the place was stopped by a signal, as by a debugger: nothing comes from it until it is continued. */
export const isStopped = (place: BrokerPlace): boolean => {
  const pid = holderOf(place.brokerLock);
  return pid !== null && isStoppedProcess(pid);
};

/** The process that holds a flock(2): proc(5), /proc/locks. Null where the system does not say. */
export const holderOf = (path: string): number | null => {
  try {
    const { dev, ino } = lstatSync(path, { bigint: true });
    const hex = (part: bigint): string => part.toString(16).padStart(2, "0");
    // makedev(3) as Linux packs it.
    const major = ((dev >> 8n) & 0xfffn) | ((dev >> 32n) & ~0xfffn);
    const minor = (dev & 0xffn) | ((dev >> 12n) & ~0xffn);
    const file = `${hex(major)}:${hex(minor)}:${ino}`;
    for (const line of readFileSync("/proc/locks", "latin1").split("\n")) {
      const [, kind, , , pid, id] = line.split(/\s+/);
      if (kind === "FLOCK" && id === file && Number(pid) > 0) return Number(pid);
    }
  } catch {
    // Not Linux, or the lock is gone.
  }
  return null;
};

/** proc(5): one letter; empty for a process that is gone, and where there is no /proc. */
export const stateOf = (pid: number): string => {
  try {
    return readFileSync(`/proc/${pid}/stat`, "latin1").split(") ").at(-1)?.[0] ?? "";
  } catch {
    return "";
  }
};

/** Stopped by a signal. */
const isStoppedProcess = (pid: number): boolean => stateOf(pid) === "T";
