/** Which view a command line asks for: records, files, folded, live on a terminal, else blocks. */
import { guardedStreams } from "../guarded.ts";
import type { Printer } from "../printer.ts";
import type { World } from "../world.ts";
import { blockView } from "./block-view.ts";
import { type HostEnd, recordOf } from "./ended.ts";
import { foldView } from "./fold-view.ts";
import { type Look, liveView } from "./live-view.ts";
import { outdirView } from "./outdir-view.ts";
import { recordView } from "./record-view.ts";
import type { Run } from "./several.ts";
import type { Desk, View } from "./view.ts";

interface Wish {
  run: Run;
  targets: readonly string[];
  printer: Printer;
  world: World;
}

/** @throws SshMcpError LOCAL_IO */
export const viewFor = async ({ run, targets, printer, world }: Wish, desk: Desk): Promise<View> => {
  const { outdir, json, fold, raw } = run.options;
  const tell = (end: HostEnd, text: string): Promise<void> => desk.alone(() => printer.data(recordOf(end), () => text));
  if (outdir !== null) return outdirView(outdir, targets, tell);
  if (json) return recordView((end) => tell(end, ""));
  if (fold || !(await world.isTerminal(1))) {
    const streams = await guardedStreams(
      desk,
      (fd) => world.isTerminal(fd),
      () => raw,
    );
    const view = (fold ? foldView : blockView)({ ...desk, ...streams });
    return { ...view, finish: () => view.finish().then(streams.end) };
  }
  const look = async (fd: 1 | 2): Promise<Look> => ({
    colour: await printer.colour(fd),
    escapes: !raw && (await world.isTerminal(fd)),
  });
  return liveView(desk, { stdout: await look(1), stderr: await look(2) });
};
