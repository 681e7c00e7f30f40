/**
 * The first command on a connection that nobody used for a while. The connections are opened before anything else is measured, and
 * wait meanwhile.
 */
import { signal } from "../../test/support/processes.ts";
import { type Broker, startBroker } from "../broker.ts";
import { roundTrips } from "../figure.ts";
import type { Fixture, Master } from "../fixture.ts";
import { inTurn, side } from "../measure.ts";
import { timeProcess } from "../process.ts";
import { compare, type Group } from "../row.ts";
import { trip } from "../trip.ts";

/** A peer that was silent for 20 s is asked first whether it is still there. */
const idleMs = 21_000;

interface Waiting {
  broker: Broker;
  /** Each has a connection of its own, as each master has: a connection is idle only once. */
  sessions: string[];
  masters: Master[];
  since: number;
}

const idleGroup = (what: string, connections: number, asleep: boolean): Group => {
  let waiting: Waiting | null = null;
  return {
    what,
    async prepare(fixture) {
      waiting = await open(fixture, connections);
      if (asleep) signalAll(waiting, "SIGSTOP");
    },
    async measure({ binary, env, far }) {
      if (waiting === null) throw new Error("no connection was prepared");
      const { sessions, masters, since } = waiting;
      await using broker = waiting.broker;
      await Bun.sleep(Math.max(0, since + idleMs - performance.now()));
      if (asleep) signalAll(waiting, "SIGCONT");
      const ours = side(() => {
        const argv = [binary, "exec", sessions.shift() ?? "", "true"];
        return trip(far.oursIdle, () => timeProcess(argv, broker.env));
      });
      const other = side(async () => {
        await using master = masters.shift();
        return await trip(far.otherIdle, () => timeProcess(master?.argv("true") ?? [], env));
      });
      await inTurn(connections, [ours, other], 0);
      return [compare({ what, ours, beside: "`ssh` over a ControlMaster", other, show: roundTrips })];
    },
  };
};

export const afterIdle = idleGroup("round trips: `ssh-mcp exec T true` after 20 s without a command", 5, false);

/** Stopped processes notice what a machine that slept does: the clock went on, and nobody was heard. */
export const afterSleep = idleGroup("round trips: the same after 20 s of sleep (SIGSTOP)", 1, true);

const open = async (fixture: Fixture, connections: number): Promise<Waiting> => {
  const { oursIdle, otherIdle } = fixture.far;
  const broker = await startBroker(fixture);
  const sessions: string[] = [];
  const masters: Master[] = [];
  for (let index = 1; index <= connections; index++) {
    const name = `idle-${index}`;
    await broker.command("connect", "--new", "--name", name, oursIdle.alias);
    sessions.push(name);
    masters.push(await fixture.startMaster(otherIdle.alias));
  }
  return { broker, sessions, masters, since: performance.now() };
};

const signalAll = ({ broker, masters }: Waiting, name: NodeJS.Signals): void => {
  for (const { pid } of [broker, ...masters]) signal(pid, name);
};
