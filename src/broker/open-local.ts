import { operations } from "../operations/index.ts";
import { within } from "../ssh/within.ts";
import { createDispatch } from "./dispatch.ts";
import { type LocalBroker, serveLocally } from "./local.ts";
import { SessionRegistry } from "./session-registry.ts";

/** The stop ladder, and the network to the last server. */
const closeLimitMs = 6000;

/** A whole broker in this process: its sessions live as long as it does. */
export const openLocalBroker = (): LocalBroker => {
  const sessions = new SessionRegistry();
  const broker = serveLocally(createDispatch({ operations, sessions, rules: [] }));
  return {
    ...broker,
    close: async () => {
      // What does not end in time ends with the process.
      await within(broker.close(), closeLimitMs, undefined);
      await within(sessions.closeAll(), closeLimitMs, undefined);
    },
  };
};
