import type { Sink } from "../core/sink.ts";
import { BrokenPipe } from "./output.ts";

/** Messages that nobody wants are no reason to end a command whose output somebody reads. */
export const unread = (stderr: Sink): Sink => ({
  write: async (chunk) => {
    try {
      await stderr.write(chunk);
    } catch (failure) {
      if (!(failure instanceof BrokenPipe)) throw failure;
    }
  },
});
