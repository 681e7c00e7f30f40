/** Round trips through a delay, counted at the proxy; the opening of the TCP connection is neither delayed nor counted. */
import type { FarEnd } from "../fixture.ts";
import { execTrue, startServe } from "../mcp.ts";
import { interleave, type Pairs, summarize, timed } from "../measure.ts";
import { timeProcess } from "../process.ts";
import { type Figure, type Group, type MeasuredRow, roundTrips } from "../row.ts";

/** One command, or several at once. */
interface Trip {
  count: number;
  elapsed: number;
}

export const warmRoundTrips: Group = {
  what: "round trips: 2nd to 20th warm `ssh_exec`",
  async measure(fixture) {
    const { far, env } = fixture;
    await using session = await startServe(fixture);
    await using master = await fixture.startMaster(far.other.alias);
    const pairs = await interleave(
      19,
      () => trip(far.ours, () => execTrue(session, far.ours.alias)),
      () => trip(far.other, () => timeProcess(master.argv("true"), env)),
    );
    return [row(this.what, pairs, "`ssh` over a ControlMaster", 1.1, "19 commands")];
  },
};

export const roundTripsAtOnce: Group = {
  what: "round trips: 8 `ssh_exec` at once",
  async measure(fixture) {
    const { far, env, quick } = fixture;
    await using session = await startServe(fixture);
    await using master = await fixture.startMaster(far.other.alias);
    const eight = Array.from({ length: 8 });
    const pairs = await interleave(
      quick ? 3 : 10,
      () => trip(far.ours, () => Promise.all(eight.map(() => execTrue(session, far.ours.alias)))),
      () => trip(far.other, () => Promise.all(eight.map(() => timeProcess(master.argv("true"), env)))),
    );
    return [row(this.what, pairs, "8 `ssh` over a ControlMaster", 2.2, `${pairs.ours.length} times 8`)];
  },
};

export const coldRoundTrips: Group = {
  what: "round trips: cold `ssh-mcp exec T true`",
  async measure({ binary, env, far, quick, ssh }) {
    const pairs = await interleave(
      quick ? 3 : 10,
      () => trip(far.ours, () => timeProcess([binary, "exec", far.ours.alias, "true"], env)),
      () => trip(far.other, () => timeProcess(ssh(far.other.alias, "true"), env)),
      0,
    );
    return [row(this.what, pairs, "`ssh T true` without ControlMaster", 7, `${pairs.ours.length}`)];
  },
};

const trip = async ({ proxy }: FarEnd, work: () => Promise<unknown>): Promise<Trip> => {
  proxy.resetCount();
  const elapsed = await timed(work);
  return { count: proxy.roundTrips(), elapsed };
};

const row = (what: string, pairs: Pairs<Trip>, beside: string, max: number, runs: string): MeasuredRow => ({
  what,
  ours: figure(pairs.ours),
  beside,
  other: figure(pairs.other),
  budget: { of: "value", max, text: `<= ${max}` },
  runs,
});

const figure = (trips: readonly Trip[]): Figure =>
  roundTrips(summarize(trips.map(({ count }) => count)), summarize(trips.map(({ elapsed }) => elapsed)));
