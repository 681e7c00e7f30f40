/** `true` on a server next door: what is left is our own time, and the server's. */
import { makeBase, startBroker } from "../broker.ts";
import { milliseconds, slowMilliseconds } from "../figure.ts";
import { near } from "../fixture.ts";
import { execTrue, startServe } from "../mcp.ts";
import { inTurn, side, timed } from "../measure.ts";
import { timeProcess } from "../process.ts";
import { atMostOfIt, compare, type Group } from "../row.ts";

const overMaster = "`ssh T true` over a ControlMaster, whole process";
const alone = "`ssh T true` without ControlMaster";

export const warmExec: Group = {
  what: "warm `ssh-mcp exec T true`, whole process",
  async measure(fixture) {
    const { binary, env, quick } = fixture;
    await using broker = await startBroker(fixture, near);
    await using master = await fixture.startMaster(near);
    const ours = side(() => timeProcess([binary, "exec", near, "true"], broker.env));
    const other = side(() => timeProcess(master.argv("true"), env));
    await inTurn(quick ? 100 : 500, [ours, other], 5);
    return [
      compare({ what: this.what, ours, beside: overMaster, other, show: milliseconds, budget: atMostOfIt(1.15) }),
    ];
  },
};

export const warmToolCall: Group = {
  what: "warm MCP `ssh_exec` of `true`, call to answer",
  async measure(fixture) {
    await using broker = await startBroker(fixture, near);
    await using session = await startServe(fixture, broker);
    await using master = await fixture.startMaster(near);
    const ours = side(() => timed(() => execTrue(session, near)));
    const other = side(() => timeProcess(master.argv("true"), fixture.env));
    await inTurn(fixture.quick ? 100 : 500, [ours, other], 5);
    const sides = { ours, beside: overMaster, other };
    return [
      compare({ ...sides, what: this.what, show: milliseconds, budget: atMostOfIt(0.4) }),
      compare({ ...sides, what: `${this.what}, p95`, show: slowMilliseconds }),
    ];
  },
};

/** A broker runs, and has no connection. */
export const coldExec: Group = {
  what: "cold `ssh-mcp exec T true`: a login first",
  async measure(fixture) {
    const { binary, env, quick, ssh } = fixture;
    await using broker = await startBroker(fixture);
    const ours = side(async () => {
      const elapsed = await timeProcess([binary, "exec", near, "true"], broker.env);
      await broker.command("close", near);
      return elapsed;
    });
    const other = side(() => timeProcess(ssh(near, "true"), env));
    await inTurn(quick ? 7 : 40, [ours, other]);
    return [compare({ what: this.what, ours, beside: alone, other, show: milliseconds })];
  },
};

export const firstExec: Group = {
  what: "first `ssh-mcp exec T true`: a broker and a login first",
  async measure(fixture) {
    const { binary, env, quick, ssh } = fixture;
    const base = makeBase(fixture);
    const ours = side(async () => {
      const elapsed = await timeProcess([binary, "exec", near, "true"], base.env);
      await base.stopBroker();
      return elapsed;
    });
    const other = side(() => timeProcess(ssh(near, "true"), env));
    await inTurn(quick ? 4 : 25, [ours, other]);
    return [compare({ what: this.what, ours, beside: alone, other, show: milliseconds })];
  },
};
