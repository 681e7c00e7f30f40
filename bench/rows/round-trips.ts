/** Round trips through a delay, counted at the proxy; the opening of the TCP connection is neither delayed nor counted. */
import { startBroker } from "../broker.ts";
import { roundTrips } from "../figure.ts";
import type { FarEnd } from "../fixture.ts";
import { execTrue, startServe } from "../mcp.ts";
import { inTurn, side } from "../measure.ts";
import { timeProcess } from "../process.ts";
import { atMost, compare, type Group } from "../row.ts";
import { trip } from "../trip.ts";

export const warmRoundTrips: Group = {
  what: "round trips: 2nd to 20th warm `ssh-mcp exec T true`",
  async measure(fixture) {
    const { binary, env, far } = fixture;
    await using broker = await startBroker(fixture, far.ours.alias);
    await using master = await fixture.startMaster(far.other.alias);
    const ours = side(() => trip(far.ours, () => timeProcess([binary, "exec", far.ours.alias, "true"], broker.env)));
    const other = side(() => trip(far.other, () => timeProcess(master.argv("true"), env)));
    await inTurn(19, [ours, other]);
    const beside = "`ssh` over a ControlMaster";
    return [compare({ what: this.what, ours, beside, other, show: roundTrips, budget: atMost(1.1) })];
  },
};

/** As tool calls: eight processes of ours that start at once would take their turns on a machine of two cores. */
export const roundTripsAtOnce: Group = {
  what: "round trips: 8 `ssh_exec` at once",
  async measure(fixture) {
    const { env, far, quick } = fixture;
    await using broker = await startBroker(fixture, far.ours.alias);
    await using session = await startServe(fixture, broker);
    await using master = await fixture.startMaster(far.other.alias);
    const eight = Array.from({ length: 8 });
    const atOnce = (end: FarEnd, command: () => Promise<unknown>) => () =>
      trip(end, () => Promise.all(eight.map(command)));
    const ours = side(atOnce(far.ours, () => execTrue(session, far.ours.alias)));
    const other = side(atOnce(far.other, () => timeProcess(master.argv("true"), env)));
    await inTurn(quick ? 3 : 10, [ours, other]);
    const beside = "8 `ssh` over a ControlMaster";
    return [compare({ what: this.what, ours, beside, other, show: roundTrips, budget: atMost(2.2) })];
  },
};

export const coldRoundTrips: Group = {
  what: "round trips: cold `ssh-mcp exec T true`",
  async measure(fixture) {
    const { binary, env, far, quick, ssh } = fixture;
    await using broker = await startBroker(fixture);
    const ours = side(async () => {
      const taken = await trip(far.ours, () => timeProcess([binary, "exec", far.ours.alias, "true"], broker.env));
      await broker.command("close", far.ours.alias);
      return taken;
    });
    const other = side(() => trip(far.other, () => timeProcess(ssh(far.other.alias, "true"), env)));
    await inTurn(quick ? 3 : 10, [ours, other], 0);
    const beside = "`ssh T true` without ControlMaster";
    return [compare({ what: this.what, ours, beside, other, show: roundTrips, budget: atMost(7) })];
  },
};
