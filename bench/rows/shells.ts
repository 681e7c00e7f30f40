/** `true` in a lasting shell of a server next door: no process is started for it, here or there. */
import { startBroker } from "../broker.ts";
import { milliseconds, slowMilliseconds } from "../figure.ts";
import { near } from "../fixture.ts";
import { execTrue, startServe } from "../mcp.ts";
import { inTurn, side, timed } from "../measure.ts";
import { timeProcess } from "../process.ts";
import { atMostOfIt, compare, type Group } from "../row.ts";

export const shellToolCall: Group = {
  what: "MCP `ssh_exec` of `true` in a lasting shell, call to answer",
  async measure(fixture) {
    await using broker = await startBroker(fixture, near);
    await using session = await startServe(fixture, broker);
    await using master = await fixture.startMaster(near);
    await execTrue(session, near, { shell: "bench" });
    const ours = side(() => timed(() => execTrue(session, near, { shell: "bench" })));
    const other = side(() => timeProcess(master.argv("true"), fixture.env));
    await inTurn(fixture.quick ? 100 : 500, [ours, other], 5);
    const sides = { ours, beside: "`ssh T true` over a ControlMaster, whole process", other };
    return [
      compare({ ...sides, what: this.what, show: milliseconds, budget: atMostOfIt(0.1) }),
      compare({ ...sides, what: `${this.what}, p95`, show: slowMilliseconds }),
    ];
  },
};
