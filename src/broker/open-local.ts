import { operations } from "../operations/index.ts";
import { createDispatch } from "./dispatch.ts";
import { type LocalBroker, serveLocally } from "./local.ts";
import { SessionRegistry } from "./session-registry.ts";

/** A whole broker in this process: its sessions live as long as it does. */
export const openLocalBroker = (): LocalBroker => {
  const sessions = new SessionRegistry();
  const broker = serveLocally(createDispatch({ operations, sessions, rules: [] }));
  return {
    ...broker,
    close: async () => {
      await broker.close();
      await sessions.closeAll();
    },
  };
};
