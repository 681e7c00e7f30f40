import { join } from "node:path";
import { tempDir } from "./temp.ts";

/** A named pipe in a folder of its own, removed by cleanup. */
export const makeFifo = async (): Promise<string> => {
  const path = join(tempDir("fifo"), "fifo");
  const made = Bun.spawn(["mkfifo", "-m", "600", path]);
  if ((await made.exited) !== 0) throw new Error(`no FIFO at ${path}`);
  return path;
};
