import type { SessionChannel } from "./channel.ts";
import type { CommandHost } from "./running-command.ts";

/** Another connection that comes free while a command waits. Held for it from then on, unless the signal aborts. */
export type Elsewhere<Connection = CommandHost> = (signal: AbortSignal) => Promise<Connection>;

/**
 * A channel on a connection or elsewhere, whichever comes first; the other one is given up, and nothing is sent on it.
 * @param onElsewhere told the other connection, before the channel on it is given
 * @throws what the connection itself throws: that there is nothing elsewhere is no reason to give up
 */
export const firstChannel =
  (own: CommandHost, elsewhere: Elsewhere, onElsewhere: (host: CommandHost) => void) =>
  async (signal: AbortSignal): Promise<SessionChannel> => {
    const [hereWait, thereWait] = [new AbortController(), new AbortController()];
    const leave = (): void => {
      hereWait.abort();
      thereWait.abort();
    };
    signal.addEventListener("abort", leave, { once: true });
    if (signal.aborted) leave();
    const here = own.acquire(hereWait.signal).then((channel) => ({ host: own, channel }));
    const there = elsewhere(thereWait.signal).then(async (host) => ({
      host,
      channel: await host.acquire(thereWait.signal),
    }));
    try {
      const { host, channel } = await Promise.race([here, there.catch(() => here)]);
      const isHere = host === own;
      (isHere ? thereWait : hereWait).abort();
      void (isHere ? there : here).then(
        (late) => late.channel.close(),
        () => undefined,
      );
      if (!isHere) onElsewhere(host);
      return channel;
    } catch (error) {
      leave();
      void there.then(
        (late) => late.channel.close(),
        () => undefined,
      );
      throw error;
    } finally {
      signal.removeEventListener("abort", leave);
    }
  };
