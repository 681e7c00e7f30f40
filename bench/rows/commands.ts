/** `true` on a server next door: what is left is our own time, and the server's. */
import { near } from "../fixture.ts";
import { execTrue, startServe } from "../mcp.ts";
import { interleave, summarize, timed } from "../measure.ts";
import { timeProcess } from "../process.ts";
import { type Group, milliseconds } from "../row.ts";

export const coldExec: Group = {
  what: "cold `ssh-mcp exec T true`, whole process",
  async measure({ binary, env, quick, ssh }) {
    const pairs = await interleave(
      quick ? 15 : 50,
      () => timeProcess([binary, "exec", near, "true"], env),
      () => timeProcess(ssh(near, "true"), env),
    );
    const ours = summarize(pairs.ours);
    return [
      {
        what: this.what,
        ours: milliseconds(ours),
        beside: "`ssh T true` without ControlMaster",
        other: milliseconds(summarize(pairs.other)),
        budget: null,
        runs: `${ours.count}`,
      },
    ];
  },
};

export const warmExec: Group = {
  what: "warm MCP `ssh_exec` of `true`, call to answer",
  async measure(fixture) {
    await using session = await startServe(fixture);
    await using master = await fixture.startMaster(near);
    const pairs = await interleave(
      fixture.quick ? 100 : 500,
      () => timed(() => execTrue(session, near)),
      () => timeProcess(master.argv("true"), fixture.env),
      5,
    );
    const ours = summarize(pairs.ours);
    return [
      {
        what: this.what,
        ours: milliseconds(ours),
        beside: "`ssh T true` over a ControlMaster, whole process",
        other: milliseconds(summarize(pairs.other)),
        budget: { of: "ratio", max: 0.4, text: "<= 0.4 of it" },
        runs: `${ours.count}`,
      },
    ];
  },
};
