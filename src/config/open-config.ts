import { constants, openSync } from "node:fs";
import { errorCode } from "../core/error-code.ts";

/**
 * Opens a file to read it; a link is followed.
 * @returns null when there is none
 * @throws what the system says, with its code
 */
export const openIfThere = (path: string): number | null => {
  try {
    // Without O_NONBLOCK, opening a FIFO would wait for a writer.
    return openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch (failure) {
    const code = errorCode(failure);
    if (code === "ENOENT" || code === "ENOTDIR") return null;
    throw failure;
  }
};
