/** A clock for time limits: it counts while the machine sleeps, and nobody can set it. */
import { openLibc } from "./libc.ts";

/**
 * Milliseconds since some moment in the past; only differences mean something. Never goes backwards.
 * On Linux the time since boot, suspend included: CLOCK_BOOTTIME, clock_gettime(2). Elsewhere see `sleepCounting`.
 */
export const bootTimeMs = (): number => {
  source ??= boottime() ?? sleepCounting(() => performance.now(), Date.now);
  const now = source();
  // Not a number, when the system would not say.
  if (now > latest) latest = now;
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

/** CLOCK_BOOTTIME, the same on every Linux. */
const sinceBoot = 7;

/** Asked for many times in every call: it opens no file, and reads none. */
const boottime = (): (() => number) | null => {
  if (process.platform !== "linux") return null;
  try {
    const libc = openLibc({ clock_gettime: { args: ["int", "ptr"], returns: "int" } });
    const time = new BigInt64Array(2);
    const read = () => (libc.clock_gettime(sinceBoot, time) === 0 ? millisecondsOf(time) : Number.NaN);
    return Number.isFinite(read()) ? read : null;
  } catch {
    return null;
  }
};

/** @param time struct timespec, of a machine of 64 bits */
const millisecondsOf = ([seconds = 0n, nanoseconds = 0n]: BigInt64Array): number =>
  Number(seconds) * 1000 + Math.floor(Number(nanoseconds) / 1e6);
