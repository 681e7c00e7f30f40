import type { QuestionDevice, World } from "./world.ts";

/** Bytes that are read; what takes a secret refuses a longer one. */
const limit = 64 * 1024;

/** Answers with what standard input holds, for a command that takes a secret and has no terminal there to type it at: without its last newline. */
export const secretFrom = (stdin: World["stdin"]): QuestionDevice => ({
  ask: async () => {
    const pieces: Uint8Array[] = [];
    let bytes = 0;
    for await (const piece of stdin) {
      pieces.push(piece);
      bytes += piece.length;
      if (bytes > limit) break;
    }
    return Buffer.concat(pieces)
      .toString()
      .replace(/\r?\n$/, "");
  },
  close: () => undefined,
});
