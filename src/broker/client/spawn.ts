/**
 * Starting the broker, when a client finds none. Many clients may find none at the same time: whoever has `spawn.lock` starts it, the others
 * wait for it. The broker itself holds `broker.lock`, so that there are never two, whatever happens here.
 */
import { SshMcpError } from "../../core/errors.ts";
import { type BrokerPlace, makeBrokerPlace } from "../../files/broker-place.ts";
import { tryLock } from "../../files/lock.ts";
import type { Environment } from "../../files/paths.ts";
import type { Transport } from "../wire/protocol.ts";
import { notAnswering } from "./call-errors.ts";
import { connectToBroker } from "./connect.ts";
import { startBroker } from "./start-broker.ts";

/** For a broker to come, and for one that leaves its place to be gone. */
const limitMs = 10_000;
const longestPauseMs = 100;

/**
 * Connects to the broker of a place, and starts one when nobody is there.
 * @throws SshMcpError as `connectToBroker`; LOCAL_IO when there can be no broker because the place cannot be written; otherwise what
 *   kept the broker from starting
 */
export const connectOrSpawn = async (place: BrokerPlace, environment: Environment): Promise<Transport> => {
  const found = await connectToBroker(place);
  if (found !== null) return found;
  makeBrokerPlace(place);
  const deadline = performance.now() + limitMs;
  for (let pauseMs = 5; ; pauseMs = Math.min(2 * pauseMs, longestPauseMs)) {
    const transport = await oneAttempt(place, environment);
    if (transport !== null) return transport;
    if (performance.now() > deadline) throw isHeld(place.brokerLock) ? notAnswering() : noneCame();
    await Bun.sleep(pauseMs);
  }
};

/** @returns null when somebody else starts it, or is about to leave its place */
const oneAttempt = async (place: BrokerPlace, environment: Environment): Promise<Transport | null> => {
  const lock = tryLock(place.spawnLock);
  try {
    const found = await connectToBroker(place);
    // A broker without a socket has not made it yet, or leaves: to start another would only make it end at once.
    if (found !== null || lock === null || isHeld(place.brokerLock)) return found;
    await startBroker(environment);
    return await connectToBroker(place);
  } finally {
    lock?.release();
  }
};

const isHeld = (path: string): boolean => {
  const lock = tryLock(path);
  lock?.release();
  return lock === null;
};

const noneCame = (): SshMcpError =>
  new SshMcpError("BROKER_UNAVAILABLE", `no broker came within ${limitMs / 1000}s`, { hint: "ssh-mcp broker run" });
