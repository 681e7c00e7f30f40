/** What a connection costs while nobody uses it. */
import { type Fixture, near } from "../fixture.ts";
import { callTool, execTrue, startServe } from "../mcp.ts";
import { summarize } from "../measure.ts";
import { anonymousMemory } from "../process.ts";
import { type Group, kilobytes, megabytes } from "../row.ts";

/** Connections that are measured, beside the first. */
const steps = [10, 50] as const;

export const idleMemory: Group = {
  what: "memory of `serve`, idle",
  async measure(fixture) {
    const serves: Reading[] = [];
    const masters: number[] = [];
    for (let run = 0; run < (fixture.quick ? 1 : 3); run++) {
      serves.push(await readServe(fixture));
      masters.push(...(await readMasters(fixture, fixture.quick ? 3 : 5)));
    }
    const runs = `${serves.length}; ${masters.length} of ssh`;
    return [
      {
        what: "memory of `serve`, idle after its first call",
        ours: megabytes(summarize(serves.map(({ first }) => first / 1e6))),
        beside: "one ControlMaster, idle",
        other: megabytes(summarize(masters.map((bytes) => bytes / 1e6))),
        budget: null,
        runs,
      },
      ...steps.map((count) => ({
        what: `memory of \`serve\` per connection, with ${count}`,
        ours: kilobytes(summarize(serves.map(({ each }) => (each.get(count) ?? Number.NaN) / 1e3))),
        beside: "one ControlMaster, idle",
        other: kilobytes(summarize(masters.map((bytes) => bytes / 1e3))),
        budget: { of: "value" as const, max: 250, text: "<= 250 KB" },
        runs,
      })),
    ];
  },
};

/** Bytes. */
interface Reading {
  first: number;
  /** What every connection beyond the first added, by the number of connections. */
  each: Map<number, number>;
}

const readServe = async (fixture: Fixture): Promise<Reading> => {
  await using session = await startServe(fixture);
  await execTrue(session, near);
  const first = await settled(session.pid, fixture);
  const each = new Map<number, number>();
  for (let open = 1; open < Math.max(...steps); ) {
    const name = `session-${++open}`;
    await callTool(session, "ssh_connect", { destination: near, name });
    await execTrue(session, name);
    if (steps.some((step) => step === open)) {
      each.set(open, ((await settled(session.pid, fixture)) - first) / (open - 1));
    }
  }
  return { first, each };
};

const readMasters = async (fixture: Fixture, count: number): Promise<number[]> => {
  const readings: number[] = [];
  for (let index = 0; index < count; index++) {
    await using master = await fixture.startMaster(near);
    const child = Bun.spawn(master.argv("true"), { stdin: "ignore", env: fixture.env });
    if ((await child.exited) !== 0) throw new Error("ssh over its ControlMaster failed");
    readings.push(anonymousMemory(master.pid) ?? Number.NaN);
  }
  return readings;
};

/** Idle is a matter of time, not of an event: the collector runs, and pages go back, some time after the last call. */
const settled = async (pid: number, { quick }: Fixture): Promise<number> => {
  await Bun.sleep(quick ? 1500 : 4000);
  const bytes = anonymousMemory(pid);
  if (bytes === null) throw new Error("serve has gone");
  return bytes;
};
