/** Whether a client and this broker can speak to each other at all, decided by the client's hello. */
import { SshMcpError } from "../../core/errors.ts";
import { type BrokerStatus, type Hello, otherLanguage, protocolVersion } from "../wire/protocol.ts";
import type { ServedConnection } from "./server.ts";

/** What a client may want of the process behind its connection. */
export interface BrokerHost {
  /** Where the process runs, as in `Hello`. */
  readonly place: string;
  status(): BrokerStatus;
  /** True when it leaves its place to a client's newer release; the client's connection is closed then. */
  givesWayTo(release: string): boolean;
  /** Begins to end the process, and keeps the asking connection until everything else is over. */
  stop(asking: ServedConnection): void;
}

/** Why this client is not served, or null. A request to end is heard from any version and place: it is how one gets rid of this process. */
export const refusalOf = ({ protocol, place, stop }: Hello, host: BrokerHost | null): SshMcpError | null => {
  if (stop && host !== null) return null;
  if (protocol !== protocolVersion) return otherLanguage({ broker: protocolVersion, client: protocol });
  return host !== null && place !== host.place ? elsewhere() : null;
};

const elsewhere = (): SshMcpError =>
  new SshMcpError(
    "BROKER_UNAVAILABLE",
    "the running broker belongs to another machine or container (other mount, network or user namespaces), where files and hosts may be others",
    { hint: "ssh-mcp --no-broker …", retryable: false },
  );
