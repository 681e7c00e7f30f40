/** A block a host, in the order in which they end: a host that hangs keeps nobody waiting. */
import { closeOutputs, hasBlock, headerOf, showBlock } from "./block.ts";
import { Spool } from "./spool.ts";
import type { Desk, View } from "./view.ts";

export const blockView = (desk: Desk): View => ({
  begin: async (target) => {
    const outputs = { stdout: new Spool(), stderr: new Spool() };
    return {
      streams: outputs,
      end: async (end) => {
        try {
          if (hasBlock(end, outputs)) await desk.alone(() => showBlock(headerOf([target], end), outputs, desk));
        } finally {
          await closeOutputs(outputs);
        }
      },
    };
  },
  unbegun: async () => undefined,
  finish: async () => undefined,
});
