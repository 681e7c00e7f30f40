/** Who is asked for what only a person can answer, and how: shared by every way to run a command. */
import type { CallOptions } from "../broker/client/client.ts";
import { isInBackground } from "../files/background.ts";
import type { PausableInput, QuestionDevice } from "./world.ts";

/**
 * Nobody is asked who cannot answer, or should not: the broker then fails at once instead of waiting for ever. In the background the question
 * would stop the whole job, as it does to ssh, until somebody looks why nothing comes of it.
 */
export const mayAsk = (batch: boolean, env: Readonly<Record<string, string | undefined>>): boolean =>
  !batch && env["CI"] !== "true" && env["CI"] !== "1" && !isInBackground();

/** Asks at the terminal; while it does, nothing is read of standard input, which may be the same keyboard. */
export const asking =
  (terminal: QuestionDevice, stdin: PausableInput, signal: AbortSignal): NonNullable<CallOptions["ask"]> =>
  async (question, withdrawn) => {
    await stdin.pause();
    try {
      return await terminal.ask(question, signal, withdrawn);
    } finally {
      stdin.resume();
    }
  };
