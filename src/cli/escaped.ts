/** For the error that nothing else has reported, in either face: a bug of ours, and still an error like any other. */
import { toSshMcpError } from "../core/errors.ts";
import { exitStatus, exitStatusOfError } from "../core/exit-status.ts";
import { isOption } from "./options.ts";
import { serveCommand } from "./other-commands.ts";
import { BrokenPipe } from "./output.ts";
import { Printer } from "./printer.ts";
import type { World } from "./world.ts";

/**
 * Rejects only with what printing itself cannot explain.
 * @param words what follows the program's name
 * @returns the exit status
 */
export const reportEscaped = async (thrown: unknown, words: readonly string[], world: World): Promise<number> => {
  const error = toSshMcpError(thrown);
  const command = words.find((word) => !isOption(word));
  const end = words.indexOf("--");
  const wantsJson = words.slice(0, end < 0 ? words.length : end).includes("--json");
  // Of `serve`, standard output is the protocol's.
  const printer = new Printer(world, wantsJson && command !== serveCommand.name);
  try {
    await printer.failure(error.toRecord());
  } catch (failure) {
    if (failure instanceof BrokenPipe) return exitStatus.brokenPipe;
    throw failure;
  }
  return exitStatusOfError(error.code, command === "exec");
};
