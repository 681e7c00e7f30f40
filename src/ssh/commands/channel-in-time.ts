import { formatLimit } from "../../core/duration.ts";
import { SshMcpError } from "../../core/errors.ts";
import type { SessionChannel } from "./channel.ts";

/**
 * A channel in time, or none: one that comes later is closed, with nothing sent on it.
 * @param open waits for one, until its signal aborts
 * @param limitMs null waits as long as it takes
 * @throws SshMcpError CANCELED, TIMEOUT, and what `open` throws
 */
export const channelInTime = async (
  open: (signal: AbortSignal) => Promise<SessionChannel>,
  limitMs: number | null,
  signal: AbortSignal,
): Promise<SessionChannel> => {
  const waiting = new AbortController();
  const given = Promise.withResolvers<never>();
  const giveUp = (error: SshMcpError): void => {
    given.reject(error);
    waiting.abort();
  };
  const cancel = (): void => giveUp(notSent(signal));
  const expire = (): void =>
    giveUp(
      new SshMcpError("TIMEOUT", `the command was not sent: no channel was free within ${formatLimit(limitMs ?? 0)}`, {
        hint: "ssh-mcp ls --running",
        retryable: true,
      }),
    );
  signal.addEventListener("abort", cancel, { once: true });
  if (signal.aborted) cancel();
  const timer = limitMs === null ? undefined : setTimeout(expire, limitMs);
  const opening = open(waiting.signal);
  try {
    return await Promise.race([given.promise, opening]);
  } catch (error) {
    void opening.then(
      (late) => late.close(),
      () => undefined,
    );
    throw error;
  } finally {
    clearTimeout(timer);
    signal.removeEventListener("abort", cancel);
  }
};

/** Who else than the caller ended it, or why. */
export const reasonOf = ({ reason }: AbortSignal): string | null =>
  reason instanceof SshMcpError ? reason.message : null;

const notSent = (signal: AbortSignal): SshMcpError => {
  const reason = reasonOf(signal);
  const message =
    reason === null ? "the command was canceled before it was sent" : `${reason} before the command was sent`;
  return new SshMcpError("CANCELED", message);
};
