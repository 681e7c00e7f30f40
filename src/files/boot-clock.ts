/** A clock for time limits: it counts while the machine sleeps, and nobody can set it. */
import { openSync, readSync } from "node:fs";

/**
 * Milliseconds since some moment in the past; only differences mean something. Never goes backwards.
 * On Linux the time since boot, suspend included, to 10 ms: /proc/uptime, proc(5). Elsewhere see `sleepCounting`.
 */
export const bootTimeMs = (): number => {
  source ??= uptime() ?? sleepCounting(() => performance.now(), Date.now);
  latest = Math.max(latest, source());
  return latest;
};

let latest = 0;
let source: (() => number) | null = null;

/**
 * A clock where the system's own stops while it sleeps: when the wall clock has gone on by over a second more, the machine
 * slept, or somebody set the clock ahead. Both count as time that passed, for a limit that ends too early keeps nothing open.
 * Setting it back changes nothing.
 * @param monotonic milliseconds that stop during sleep
 * @param wall milliseconds as the machine's owner sets them
 */
export const sleepCounting = (monotonic: () => number, wall: () => number): (() => number) => {
  let total = 0;
  let lastMonotonic = monotonic();
  let lastWall = wall();
  return () => {
    const nowMonotonic = monotonic();
    const nowWall = wall();
    const passed = nowMonotonic - lastMonotonic;
    const byWall = nowWall - lastWall;
    total += byWall > passed + 1000 ? byWall : passed;
    lastMonotonic = nowMonotonic;
    lastWall = nowWall;
    return total;
  };
};

/** The file stays open: a broker that has run out of descriptors must still be able to tell the time. */
const uptime = (): (() => number) | null => {
  const buffer = Buffer.alloc(64);
  try {
    const file = openSync("/proc/uptime", "r");
    const read = () =>
      Math.round(Number.parseFloat(buffer.toString("latin1", 0, readSync(file, buffer, 0, 64, 0))) * 1000);
    return Number.isFinite(read()) ? read : null;
  } catch {
    return null;
  }
};
