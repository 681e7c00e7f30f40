/** After Ctrl-C: how long a person waits until they are told why, and until they are let go whatever the broker does. */
import { SshMcpError } from "../core/errors.ts";

const explainAfterMs = 1000;
/** The stop ladder takes up to 5 s; a broker that has said nothing after this will not. */
const giveUpAfterMs = 8000;

export interface Patience {
  /** Rejects with OUTCOME_UNKNOWN when the stop took too long; never resolves. */
  exhausted: Promise<never>;
  end(): void;
}

/** @param explain called once when the stop takes its time */
export const watchStop = (signal: AbortSignal, explain: () => void): Patience => {
  const { promise, reject } = Promise.withResolvers<never>();
  const timers: Timer[] = [];
  const begin = () => {
    const error = new SshMcpError(
      "OUTCOME_UNKNOWN",
      `nothing was heard of what runs for ${giveUpAfterMs / 1000}s after it was to stop`,
    );
    timers.push(
      setTimeout(explain, explainAfterMs),
      setTimeout(() => reject(error), giveUpAfterMs),
    );
  };
  signal.addEventListener("abort", begin, { once: true });
  return {
    exhausted: promise,
    end: () => {
      signal.removeEventListener("abort", begin);
      for (const timer of timers) clearTimeout(timer);
    },
  };
};
