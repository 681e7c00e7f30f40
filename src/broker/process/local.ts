/** A broker inside this process: the same frames, dispatch and limits, over memory. It ends with its client. */
import { release } from "../../core/version.ts";
import { BrokerClient } from "../client/client.ts";
import { createPair } from "../wire/pair.ts";
import type { Dispatch } from "./dispatch.ts";
import { Load } from "./load.ts";
import { serveConnection } from "./server.ts";

export interface LocalBroker {
  client: BrokerClient;
  /** Sessions end with this process. */
  keepsSessions: false;
  /** Cancels what runs; resolves when every operation has ended. */
  close(): Promise<void>;
}

/** Starts a broker for one client; it runs until `close`. Never throws: what fails, fails its call. */
export const serveLocally = (dispatch: Dispatch): LocalBroker => {
  const [near, far] = createPair();
  const connection = serveConnection(far, { dispatch, release, load: new Load(), host: null });
  const client = new BrokerClient(near);
  return {
    client,
    keepsSessions: false,
    close: () => {
      client.close();
      return connection.ended;
    },
  };
};
