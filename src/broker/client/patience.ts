/** How long a request may stay without an answer before its broker is taken for one that hangs. */

export interface Patience {
  /** Milliseconds that a broker may take to accept a request. */
  readonly patienceMs: number;
  /** Whether its process was stopped by a signal: then it says nothing, however long it is waited for. */
  readonly isStopped: () => Promise<boolean>;
}

/** Nothing but a stop, or much load, keeps a broker from answering for so long. */
const lookAfterMs = 1000;
/** This process may have been suspended itself: what came meanwhile is read first. */
const lookAgainMs = 50;

/**
 * @param onSilent called once when the time is over, or the broker is found stopped
 * @returns what to call when there is an answer
 */
export const watchSilence = ({ patienceMs, isStopped }: Patience, onSilent: () => void): (() => void) => {
  let ended = false;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const wait = (ms: number, then: () => void): void => {
    if (!ended) timer = setTimeout(then, ms);
  };
  const lookAgain = (): void => wait(lookAgainMs, onSilent);
  const lookAround = async (): Promise<void> => {
    const stopped = await isStopped().catch(() => false);
    if (stopped) lookAgain();
    else wait(patienceMs - lookAfterMs, lookAgain);
  };
  if (patienceMs <= lookAfterMs) wait(patienceMs, lookAgain);
  else wait(lookAfterMs, () => void lookAround());
  return () => {
    ended = true;
    clearTimeout(timer);
  };
};
