/** Many small files, and a tree of which little has changed. */
import { appendFileSync, chmodSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { startBroker } from "../broker.ts";
import { milliseconds, roundTrips } from "../figure.ts";
import { near } from "../fixture.ts";
import { inTurn, side } from "../measure.ts";
import { timeProcess } from "../process.ts";
import { atMost, atMostOfIt, compare, type Group } from "../row.ts";
import { makeEnds, makeSmallFile, makeTree, overMaster, settleDisk, timeLine } from "../transfer.ts";
import { trip } from "../trip.ts";

const count = 10_000;

const treeGroup = (direction: "get" | "put"): Group => ({
  what: `\`cp -r\`, ${direction} 10,000 files of 4 KB`,
  async measure(fixture) {
    const { binary, env, quick } = fixture;
    const { here, there } = makeEnds();
    const gets = direction === "get";
    await makeTree(join(gets ? there : here, "tree"), count);
    await using broker = await startBroker(fixture, near);
    await using master = await fixture.startMaster(near);
    const { options, ssh } = overMaster(fixture, master);
    const [tree, copies] = gets ? [`${near}:${there}/tree`, here] : [`${here}/tree`, there];
    const from = gets ? there : here;
    const named = (copy: string): string => (gets ? copy : `${near}:${copy}`);
    let runs = 0;
    // Each into a folder of its own, which stays: ext4 looks through what was deleted lately for every file that it makes.
    const intoNew = (time: (copy: string) => Promise<number>) =>
      side(async () => {
        const copy = join(copies, `copy${runs++}`);
        mkdirSync(copy);
        chmodSync(copy, 0o777);
        await settleDisk();
        return await time(copy);
      });
    const pipe = gets
      ? `${ssh} ${near} 'tar -cf - -C ${from} tree' | tar -xf - -C "$1"`
      : `tar -cf - -C ${from} tree | ${ssh} ${near} "tar -xf - -C $1"`;
    const ours = intoNew((copy) => timeLine(broker.env, [], 'exec "$@"', binary, "cp", "-r", tree, named(copy)));
    const tar = intoNew((copy) => timeLine(env, [], pipe, copy));
    const scp = intoNew((copy) => timeLine(env, [], 'exec "$@"', "scp", "-q", "-r", ...options, tree, named(copy)));
    const rsync = intoNew((copy) => timeLine(env, [], 'exec "$@"', "rsync", "-r", "-e", ssh, tree, named(copy)));
    await inTurn(quick ? 3 : 7, [ours, tar, scp, rsync], 1);
    const common = { what: this.what, ours, show: milliseconds };
    return [
      compare({ ...common, beside: "`tar` piped through `ssh`", other: tar, budget: atMostOfIt(1) }),
      compare({ ...common, beside: "`scp -r`", other: scp, budget: atMostOfIt(0.2) }),
      compare({ ...common, beside: "`rsync -r`", other: rsync }),
    ];
  },
});

export const treeGet = treeGroup("get");
export const treePut = treeGroup("put");

export const changedTree: Group = {
  what: "`sync`, 10,000 files of which 1 % changed",
  async measure(fixture) {
    const { binary, env, quick } = fixture;
    const { here, there } = makeEnds();
    const tree = join(here, "tree");
    await makeTree(tree, count);
    await using broker = await startBroker(fixture, near);
    await using master = await fixture.startMaster(near);
    const { ssh } = overMaster(fixture, master);
    const change = (): void => {
      for (let number = 0; number < count; number += 100)
        appendFileSync(join(tree, `d${number / 100}`, `f${number}`), "x");
    };
    const ours = side(async () => {
      change();
      return await timeLine(broker.env, [], 'exec "$@"', binary, "sync", tree, `${near}:${there}/ours`);
    });
    const rsync = side(async () => {
      change();
      return await timeLine(env, [], 'exec "$@"', "rsync", "-rt", "-e", ssh, `${tree}/`, `${near}:${there}/theirs`);
    });
    await inTurn(quick ? 3 : 9, [ours, rsync]);
    return [compare({ what: this.what, ours, beside: "`rsync -rt`", other: rsync, show: milliseconds })];
  },
};

export const warmRead: Group = {
  what: "round trips: warm `ssh-mcp cat T:FILE` of 4 KB",
  async measure(fixture) {
    const { binary, env, far } = fixture;
    const { there } = makeEnds();
    await makeSmallFile(join(there, "small"));
    await using broker = await startBroker(fixture, far.ours.alias);
    await using master = await fixture.startMaster(far.other.alias);
    const path = `${there}/small`;
    const ours = side(() =>
      trip(far.ours, () => timeProcess([binary, "cat", `${far.ours.alias}:${path}`], broker.env)),
    );
    const other = side(() => trip(far.other, () => timeProcess(master.argv(`cat ${path}`), env)));
    await inTurn(9, [ours, other]);
    const beside = "`ssh T cat FILE` over a ControlMaster";
    return [compare({ what: this.what, ours, beside, other, show: roundTrips, budget: atMost(2.1) })];
  },
};
