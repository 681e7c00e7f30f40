/** How faces come by a broker: the process that is shared by all of them, or one inside their own process. */
import type { Environment } from "../../files/paths.ts";
import type { CallOptions } from "./call-options.ts";
import { LastingBroker } from "./lasting-broker.ts";
import { RemoteBroker } from "./remote.ts";
import { withoutBroker } from "./without-broker.ts";

interface OpenBroker {
  readonly client: { call(options: CallOptions): Promise<unknown> };
  /** Whether a session outlives the process that opened it. */
  readonly keepsSessions: boolean;
  /** What a person should know of it. */
  readonly notes: readonly string[];
  close(): Promise<void>;
}

/** @param environment says where the shared broker is */
export const brokerAccess = (environment: Environment) => ({
  openBroker: (choice: { noBroker: boolean }) => openBroker(environment, choice),
  lastingBroker: () => new LastingBroker(environment),
  brokerControl: () => new RemoteBroker({ environment }),
});

/**
 * The shared broker, or one of our own where it is not wanted, or where no broker can be because the directory for its socket cannot
 * be written, as with a read-only home.
 * @throws SshMcpError as `RemoteBroker.connect`, except for LOCAL_IO
 */
const openBroker = async (environment: Environment, { noBroker }: { noBroker: boolean }): Promise<OpenBroker> => {
  if (noBroker) return await openOwn([]);
  const remote = new RemoteBroker({ environment });
  try {
    await remote.connect();
  } catch (thrown) {
    return await openOwn([withoutBroker(thrown, "this command runs without one, and keeps no session")]);
  }
  return { client: remote, keepsSessions: true, notes: [], close: () => remote.close() };
};

const openOwn = async (notes: readonly string[]): Promise<OpenBroker> => {
  const { openLocalBroker } = await import("../process/open-local.ts");
  return { ...openLocalBroker(), notes };
};
