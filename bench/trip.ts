import type { FarEnd } from "./fixture.ts";
import { timed } from "./measure.ts";

/** One command, or several at once. */
export interface Trip {
  /** Round trips, as `RoundTrips` defines them. */
  count: number;
  /** Milliseconds. */
  elapsed: number;
}

/** Counts what the work does at a far end that nobody else uses meanwhile. */
export const trip = async ({ proxy }: FarEnd, work: () => Promise<unknown>): Promise<Trip> => {
  proxy.resetCount();
  const elapsed = await timed(work);
  return { count: proxy.roundTrips(), elapsed };
};
