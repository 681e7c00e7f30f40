/** Commands whose input or output is longer than memory should ever be. */
import { startBroker } from "../broker.ts";
import { megabytes, megabytesPerSecond } from "../figure.ts";
import { near } from "../fixture.ts";
import { type Direction, type Flow, flow } from "../flow.ts";
import { inTurn, side } from "../measure.ts";
import { atMost, compare, type Group } from "../row.ts";

const streamGroup = (direction: Direction, way: string): Group => ({
  what: `\`exec\` with ${way}`,
  async measure(fixture) {
    const { binary, env, quick, ssh } = fixture;
    const bytes = quick ? 256 * 2 ** 20 : 2 ** 30;
    const amount = `${quick ? "256 MiB" : "1 GiB"} of ${way}`;
    await using broker = await startBroker(fixture, near);
    await using master = await fixture.startMaster(near);
    const common = { direction, bytes };
    const ours = side(() =>
      flow({
        ...common,
        argv: (command) => [binary, "exec", near, command],
        env: broker.env,
        broker: broker.pid,
      }),
    );
    const alone = side(() => flow({ ...common, argv: (command) => ssh(near, command), env, broker: null }));
    const shared = side(() => flow({ ...common, argv: master.argv, env, broker: master.pid }));
    await inTurn(quick ? 2 : 3, [ours, alone, shared], 0);

    const client = (flows: readonly Flow[]) => megabytes(flows.map(({ clientGrowth }) => clientGrowth));
    const holder = (flows: readonly Flow[]) => megabytes(flows.map(({ brokerGrowth }) => brokerGrowth));
    const speed = (flows: readonly Flow[]) => megabytesPerSecond(flows.map(({ bytesPerSecond }) => bytesPerSecond));
    const beside = "`ssh` over a ControlMaster";
    const budget = atMost(64, " MB");
    return [
      compare({
        what: `growth of the broker, ${amount}`,
        ours,
        beside: "the ControlMaster",
        other: shared,
        show: holder,
        budget,
      }),
      compare({ what: `growth of the client, ${amount}`, ours, beside, other: shared, show: client, budget }),
      compare({ what: `throughput, ${amount}`, ours, beside: "`ssh` with the same cipher", other: alone, show: speed }),
      compare({ what: `throughput, ${amount}`, ours, beside, other: shared, show: speed }),
    ];
  },
});

export const streamDown = streamGroup("down", "output to /dev/null");
export const streamUp = streamGroup("up", "input from a pipe");
