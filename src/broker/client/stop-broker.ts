/** Ending the broker, whatever its version: the hello that asks for it is understood by all of them. */
import type { BrokerPlace } from "../../files/broker-place.ts";
import { inodeOf } from "../../files/inode.ts";
import { tryLock } from "../../files/lock.ts";
import { machinePlace } from "../../files/machine.ts";
import { encodeHello } from "../wire/opening.ts";
import { connectToBroker } from "./connect.ts";
import { holderOf, isStopped, silence, stateOf } from "./silence.ts";

/** Its own limits for what runs and for its connections, twice 6 s, and then some. */
const limitMs = 15_000;
const lookEveryMs = 20;
/** After so long without its end, it is looked whether its process is stopped. */
const suspectAfterMs = 1000;
const lastMomentMs = 1000;

/**
 * Resolves when the broker is gone, or another one has its place.
 * @returns false when none was running
 * @throws SshMcpError BROKER_UNAVAILABLE when it is still there after 15 s, or is stopped by a signal
 */
export const stopBroker = async (place: BrokerPlace): Promise<boolean> => {
  const transport = await connectToBroker(place);
  if (transport === null) return false;
  const inode = inodeOf(place.socket);
  const pid = holderOf(place.brokerLock);
  const closed = Promise.withResolvers<void>();
  transport.onClose = () => closed.resolve();
  transport.write(encodeHello({ place: machinePlace(), stop: true }));
  const deadline = performance.now() + limitMs;
  const timers = [
    setTimeout(closed.resolve, limitMs),
    setTimeout(() => isStopped(place) && closed.resolve(), suspectAfterMs),
  ];
  await closed.promise;
  for (const timer of timers) clearTimeout(timer);
  transport.abort();
  while (!isFree(place, inode)) {
    // It ends when it is continued.
    if (isStopped(place)) throw silence(place, "the broker does not end");
    if (performance.now() > deadline) throw silence(place, `the broker did not end within ${limitMs / 1000}s`);
    await Bun.sleep(lookEveryMs);
  }
  // Its place is free a moment before its process is gone, which is what a person looks at next.
  for (let waitedMs = 0; pid !== null && waitedMs < lastMomentMs && isRunning(pid); waitedMs += lookEveryMs) {
    await Bun.sleep(lookEveryMs);
  }
  return true;
};

const isRunning = (pid: number): boolean => !["", "Z"].includes(stateOf(pid));

/** Its lock is freed when its process ends, at the latest. */
const isFree = (place: BrokerPlace, inode: string | null): boolean => {
  const now = inodeOf(place.socket);
  if (now !== null && now !== inode) return true;
  const lock = tryLock(place.brokerLock);
  lock?.release();
  return lock !== null;
};
