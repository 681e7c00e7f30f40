/**
 * A broker process whose operations need no server: `bun fake-broker.ts DIRECTORY [IDLE_MS]`. Prints `ready`; its socket, lock and log are in
 * the directory.
 */
import { join } from "node:path";
import { BrokerLog } from "../../src/broker/process/broker-log.ts";
import { createDispatch } from "../../src/broker/process/dispatch.ts";
import { Lifetime } from "../../src/broker/process/lifetime.ts";
import { heedProcessEvents } from "../../src/broker/process/process-events.ts";
import { SessionRegistry } from "../../src/broker/sessions/session-registry.ts";
import { tryLock } from "../../src/files/lock.ts";
import { machinePlace } from "../../src/files/machine.ts";
import { fake, noHosts, noSessions, operations } from "./process/fake-operations.ts";

const [directory = "", idleMs = "60000"] = process.argv.slice(2);
const lock = tryLock(join(directory, "broker.lock"));
if (lock === null) throw new Error("the place is taken");

const letGo = Promise.withResolvers<void>();
process.on("SIGUSR2", () => letGo.resolve());

/** Ends when the process gets SIGUSR2, canceled or not. */
const stubborn = fake("stubborn", async () => {
  await letGo.promise;
  return { count: 0, text: "let go" };
});
/** Throws where nobody catches it. */
const stray = fake("stray", async () => {
  setTimeout(() => {
    throw new TypeError("a stray exception");
  });
  void Promise.reject(new TypeError("a stray rejection"));
  return { count: 0, text: null };
});

const log = new BrokerLog(join(directory, "broker.log"));
const lifetime = new Lifetime({
  socket: join(directory, "broker.sock"),
  place: machinePlace(),
  lock,
  log,
  dispatch: createDispatch({
    operations: [...operations, stubborn, stray],
    sessions: noSessions,
    hosts: noHosts,
    rules: [],
  }),
  sessions: new SessionRegistry(),
  idleMs: Number(idleMs),
});
heedProcessEvents(lifetime, log);
process.stdout.write("ready\n");
await lifetime.ended;
process.exit(0);
