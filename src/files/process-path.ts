/** Paths that stand for something of the process that opens them. */
import { quoteWord } from "../core/quote.ts";
import { tidyPath } from "./path-text.ts";

const ofProcess = /^\/(dev\/(fd|stdin|stdout|stderr)|proc\/(self|thread-self|\d+\/(task\/\d+\/)?fd))(\/|$)/;

/**
 * Whether an absolute path means another file in every process: a descriptor, as a shell's `<(command)` has it, or the process itself.
 * Only the process that was given the path can open what it stands for.
 */
export const isOfProcess = (path: string): boolean => path.startsWith("/") && ofProcess.test(tidyPath(path));

/** A path in a command to type, quoted; `placeholder` for one that would mean another file there. */
export const pathToType = (path: string, placeholder: string): string =>
  isOfProcess(path) ? placeholder : quoteWord(path);
