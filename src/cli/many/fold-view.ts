/** Hosts with the same output, and the same end, together: at the end, since the last one may be the odd one. In the order of the targets. */
import { closeOutputs, hasBlock, headerOf, type Outputs, showBlock } from "./block.ts";
import { type HostEnd, wordsOf } from "./ended.ts";
import { NamelessFile } from "./nameless-file.ts";
import { Spool } from "./spool.ts";
import type { Desk, View } from "./view.ts";

/** Bytes of outputs in memory; those that come then wait on disk, all in one file. */
const inMemory = 16 * 1024 * 1024;

interface Fold {
  hosts: { target: string; index: number }[];
  end: HostEnd;
  outputs: Outputs;
}

export const foldView = (desk: Desk): View => {
  const folds = new Map<string, Fold>();
  let held = 0;
  let file: Promise<NamelessFile> | null = null;
  const keep = async (key: string, fold: Fold): Promise<void> => {
    folds.set(key, fold);
    for (const spool of [fold.outputs.stdout, fold.outputs.stderr]) {
      if (spool.bytes === 0) continue;
      const stays = spool.held > 0 && held + spool.held <= inMemory;
      if (stays) {
        held += spool.held;
        continue;
      }
      file ??= NamelessFile.make();
      await spool.moveTo(await file);
    }
  };
  return {
    begin: async (target, index) => {
      const outputs = { stdout: new Spool(), stderr: new Spool() };
      return {
        streams: outputs,
        end: async (end) => {
          if (!hasBlock(end, outputs)) return await closeOutputs(outputs);
          const key = [wordsOf(end), outputs.stdout.digest(), outputs.stderr.digest()].join(" ");
          const same = folds.get(key);
          if (same === undefined) return await keep(key, { hosts: [{ target, index }], end, outputs });
          same.hosts.push({ target, index });
          await closeOutputs(outputs);
        },
      };
    },
    unbegun: async () => undefined,
    finish: async () => {
      const inOrder = [...folds.values()].map((fold) => ({
        ...fold,
        hosts: fold.hosts.sort((a, b) => a.index - b.index),
      }));
      inOrder.sort((a, b) => (a.hosts[0]?.index ?? 0) - (b.hosts[0]?.index ?? 0));
      for (const { hosts, end, outputs } of inOrder) {
        const header = headerOf(
          hosts.map(({ target }) => target),
          end,
        );
        await desk.alone(() => showBlock(header, outputs, desk));
        await closeOutputs(outputs);
      }
      await (await file)?.close();
    },
  };
};
