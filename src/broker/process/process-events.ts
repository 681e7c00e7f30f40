/** What happens to the broker's process from outside of its connections. */
import type { BrokerLog } from "./broker-log.ts";
import type { Lifetime } from "./lifetime.ts";

/** Signals end the broker as a client's request does; a second one ends it at once. An exception that nobody catches ends nothing. */
export const heedProcessEvents = (lifetime: Lifetime, log: BrokerLog): void => {
  for (const signal of ["SIGTERM", "SIGINT", "SIGHUP"] as const) {
    process.once(signal, () => {
      // A person who repeats it does not want to wait.
      process.once(signal, () => lifetime.abandon());
      lifetime.stop(null);
    });
  }
  // Other clients' calls go on, whatever one of them has met.
  process.on("uncaughtException", (thrown) => log.unexpected(thrown));
  process.on("unhandledRejection", (thrown) => log.unexpected(thrown));
};
