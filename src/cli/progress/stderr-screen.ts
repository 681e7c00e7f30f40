/** The terminal that standard error is. */
import { WriteStream } from "node:tty";
import { isInBackground } from "../../files/background.ts";
import type { World } from "../world.ts";
import type { Screen } from "./progress-line.ts";

const standardError = 2;
/** Of a terminal that does not say. */
const usualColumns = 80;

/** What node:tty calls when it hears of another size, which it does for standard output alone. */
interface Refreshed {
  _refreshSize?(): void;
}

/** @returns the screen, and what ends the watch for another width */
export const stderrScreen = (stderr: World["stderr"]): { screen: Screen; end(): void } => {
  // Nothing is written to it: it says how wide it is.
  const stream: WriteStream & Refreshed = new WriteStream(standardError);
  const resized = (): void => stream._refreshSize?.();
  process.on("SIGWINCH", resized);
  return {
    screen: { sink: stderr, columns: () => stream.columns || usualColumns, isTaken: isInBackground },
    end: () => void process.off("SIGWINCH", resized),
  };
};
