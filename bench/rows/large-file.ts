/** One large file, next door and far away. */
import { join } from "node:path";
import { startBroker } from "../broker.ts";
import { milliseconds } from "../figure.ts";
import { near } from "../fixture.ts";
import { inTurn, side } from "../measure.ts";
import { atMostOfIt, compare, type Group } from "../row.ts";
import { makeEnds, makeLargeFile, overMaster, timeLine } from "../transfer.ts";

type Direction = "get" | "put";

const largeGroup = (direction: Direction): Group => ({
  what: `\`cp\`, ${direction} one file of 512 MB`,
  async measure(fixture) {
    const { binary, env, quick } = fixture;
    const { here, there } = makeEnds();
    const [source, copy] = direction === "get" ? [there, here] : [here, there];
    await makeLargeFile(join(source, "large"), 512);
    await using broker = await startBroker(fixture, near);
    await using master = await fixture.startMaster(near);
    const { options } = overMaster(fixture, master);
    const [from, to] =
      direction === "get" ? [`${near}:${there}/large`, `${here}/`] : [`${here}/large`, `${near}:${there}/`];
    const fresh = [join(copy, "large")];
    const ours = side(() => timeLine(broker.env, fresh, 'exec "$@"', binary, "cp", from, to));
    const scp = side(() => timeLine(env, fresh, 'exec "$@"', "scp", "-q", ...options, from, to));
    const batch = direction === "get" ? `get ${there}/large ${here}/` : `put ${here}/large ${there}/`;
    const sftp = side(() =>
      timeLine(
        env,
        fresh,
        'printf "%s\\n" "$1" | { shift; exec "$@"; }',
        batch,
        "sftp",
        "-q",
        "-b",
        "-",
        ...options,
        near,
      ),
    );
    const rsync = side(() =>
      timeLine(env, fresh, 'exec "$@"', "rsync", "-e", overMaster(fixture, master).ssh, "-W", from, to),
    );
    await inTurn(quick ? 3 : 7, [ours, scp, sftp, rsync]);
    const common = { what: this.what, ours, show: milliseconds };
    return [
      compare({ ...common, beside: "`scp`, same cipher", other: scp, budget: atMostOfIt(1) }),
      compare({ ...common, beside: "`sftp`, same cipher", other: sftp }),
      compare({ ...common, beside: "`rsync -W`, same cipher", other: rsync }),
    ];
  },
});

export const largeGet = largeGroup("get");
export const largePut = largeGroup("put");

const farGroup = (direction: Direction): Group => ({
  what: `\`cp\`, ${direction} one file of 64 MB, 100 ms away`,
  async measure(fixture) {
    const { binary, env, far, quick } = fixture;
    const { here, there } = makeEnds();
    const [source, copy] = direction === "get" ? [there, here] : [here, there];
    await makeLargeFile(join(source, "large"), 64);
    await using broker = await startBroker(fixture, far.ours.alias);
    await using master = await fixture.startMaster(far.other.alias);
    const words = (alias: string): string[] =>
      direction === "get" ? [`${alias}:${there}/large`, `${here}/`] : [`${here}/large`, `${alias}:${there}/`];
    const fresh = [join(copy, "large")];
    const ours = side(() => timeLine(broker.env, fresh, 'exec "$@"', binary, "cp", ...words(far.ours.alias)));
    const { options } = overMaster(fixture, master);
    const scp = side(() => timeLine(env, fresh, 'exec "$@"', "scp", "-q", ...options, ...words(far.other.alias)));
    await inTurn(quick ? 2 : 5, [ours, scp]);
    return [
      compare({
        what: this.what,
        ours,
        beside: "`scp`, same cipher",
        other: scp,
        show: milliseconds,
        budget: atMostOfIt(0.5),
      }),
    ];
  },
});

export const farGet = farGroup("get");
export const farPut = farGroup("put");
