/** What the broker costs while nobody uses it. */
import { type Broker, startBroker } from "../broker.ts";
import { kilobytes, megabytes } from "../figure.ts";
import { type Fixture, near } from "../fixture.ts";
import { anonymousMemory, timeProcess } from "../process.ts";
import { atMost, type Budget, type Group } from "../row.ts";

/** Sessions at rest beside the first, each with a connection of its own that ran a command. */
const steps = [10, 100] as const;

export const idleMemory: Group = {
  what: "memory of the broker, idle",
  async measure(fixture) {
    const { empty, one, of } = await readBroker(fixture);
    const masters = await readMasters(fixture, 5);
    const beside = "one ControlMaster";
    const runs = `1; ${masters.length} of ssh`;
    const other = megabytes(masters);
    const total = (what: string, bytes: number, budget: Budget | null) => ({
      what: `memory of the broker, ${what}`,
      ours: megabytes([bytes]),
      beside,
      other,
      budget,
      runs,
    });
    return [
      total("without a session", empty, atMost(20, " MB")),
      total("with 1 session", one, null),
      ...steps.map((count) => {
        const all = of.get(count) ?? Number.NaN;
        const each = kilobytes([(all - one) / (count - 1)]);
        return {
          what: `memory of the broker per connection, with ${count} sessions`,
          ours: { ...each, text: `${each.text} (${megabytes([all]).text} in all)` },
          beside,
          other: kilobytes(masters),
          budget: atMost(250, " KB"),
          runs,
        };
      }),
    ];
  },
};

/** Bytes. */
interface Reading {
  empty: number;
  one: number;
  /** By the number of sessions. */
  of: Map<number, number>;
}

const readBroker = async (fixture: Fixture): Promise<Reading> => {
  await using broker = await startBroker(fixture);
  const empty = await settled(broker, fixture);
  let open = 0;
  const openUntil = async (count: number): Promise<number> => {
    while (open < count) {
      const name = `session-${++open}`;
      await broker.command("connect", "--new", "--name", name, near);
      await broker.command("exec", name, "true");
    }
    return await settled(broker, fixture);
  };
  const one = await openUntil(1);
  const of = new Map<number, number>();
  for (const count of steps) of.set(count, await openUntil(count));
  return { empty, one, of };
};

const readMasters = async (fixture: Fixture, count: number): Promise<number[]> => {
  const readings: number[] = [];
  for (let index = 0; index < count; index++) {
    await using master = await fixture.startMaster(near);
    await timeProcess(master.argv("true"), fixture.env);
    readings.push(anonymousMemory(master.pid) ?? Number.NaN);
  }
  return readings;
};

/** Idle is a matter of time, not of an event: the collector runs, and pages go back, some time after the last call. */
const settled = async ({ pid }: Broker, { quick }: Fixture): Promise<number> => {
  await Bun.sleep(quick ? 2000 : 10_000);
  const bytes = anonymousMemory(pid);
  if (bytes === null) throw new Error("the broker has gone");
  return bytes;
};
