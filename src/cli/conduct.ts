/**
 * One command from its start to its exit status, whatever runs it: signals stop it in order, a person who cannot wait is let go, notes are
 * shown as they come, and what goes wrong is said.
 */
import { toSshMcpError } from "../core/errors.ts";
import { exitStatus, exitStatusOfError } from "../core/exit-status.ts";
import { BrokenPipe } from "./output.ts";
import type { Printer } from "./printer.ts";
import { watchSignals } from "./signals.ts";
import { watchStop } from "./stop.ts";
import type { World } from "./world.ts";

const leftAtOnce = "left at once; what runs on the server may go on";

/** The last word to a reader and the goodbye to servers are polite, but not worth waiting for. */
const farewellMs = 2000;

export interface Conditions extends Pick<World, "exit"> {
  printer: Printer;
  /** Put back as they were however the command ends; closing one again does nothing. */
  terminals: readonly { close(): void }[];
  /** Whether the exit status is the remote command's, see `exitStatusOfError`. */
  remoteStatus: boolean;
  /** Ends the connection to the broker. */
  close(): Promise<void>;
  /** Who watches for signals; for signals that were watched for before. */
  watch?: typeof watchSignals;
}

/** What the work has to do with. */
export interface Conduct {
  /** Aborted by the first signal. */
  signal: AbortSignal;
  /** Shows a note at once; the work need not wait for it. */
  say(note: string): void;
}

/**
 * @param work resolves with the exit status
 * @returns the exit status, which is the signal's when one came
 * @throws BrokenPipe when nobody reads standard output
 */
export const conduct = async (work: (conduct: Conduct) => Promise<number>, conditions: Conditions): Promise<number> => {
  const { printer, terminals, remoteStatus, exit, close, watch = watchSignals } = conditions;
  const putBack = (): void => {
    for (const terminal of terminals) terminal.close();
  };
  const stop = new AbortController();
  let said: Promise<void> = Promise.resolve();
  const say = (note: string): void => {
    said = printer.note(note);
  };
  const working = work({ signal: stop.signal, say });
  // What it sends at once goes out first, and is under way while signals are provided for.
  await Promise.resolve();
  const signals = watch(
    () => stop.abort(),
    (status) => {
      putBack();
      void inTime(printer.note(leftAtOnce)).then(() => exit(status));
    },
  );
  const patience = watchStop(stop.signal, () => {
    if (signals.status() === exitStatus.canceled) void printer.note("stopping; Ctrl-C again leaves at once");
  });
  try {
    const status = await Promise.race([working, patience.exhausted]);
    await said;
    return signals.status() ?? status;
  } catch (thrown) {
    putBack();
    if (thrown instanceof BrokenPipe) throw thrown;
    const error = toSshMcpError(thrown);
    const failure = printer.failure(error.toRecord());
    // Whoever wants us to end does not want us to wait for a reader that has stopped reading.
    await (signals.status() === null ? failure : inTime(failure));
    return signals.status() ?? exitStatusOfError(error.code, remoteStatus);
  } finally {
    putBack();
    patience.end();
    await inTime(close());
    signals.release();
  }
};

const inTime = (work: Promise<void>): Promise<void> => Promise.race([work, Bun.sleep(farewellMs)]);
