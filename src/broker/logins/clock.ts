import { bootTimeMs } from "../../files/boot-clock.ts";

/** Where sessions take the time from. */
export interface Clock {
  /** Milliseconds since some moment in the past, the machine's sleep included; nobody can set it. */
  boot(): number;
  /** Milliseconds since 1970, as the machine's owner has them. */
  wall(): number;
}

export const systemClock: Clock = { boot: bootTimeMs, wall: Date.now };
