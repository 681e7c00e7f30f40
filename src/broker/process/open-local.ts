import { posix } from "node:path";
import { readSettings } from "../../config/settings.ts";
import { baseDirectory } from "../../files/base-directory.ts";
import type { Environment } from "../../files/paths.ts";
import { operations } from "../../operations/index.ts";
import { within } from "../../ssh/transport/within.ts";
import { SessionStore } from "../../store/session-store.ts";
import { BrokerHosts } from "../hosts/broker-hosts.ts";
import { SessionRegistry } from "../sessions/session-registry.ts";
import { createDispatch } from "./dispatch.ts";
import { hintPrefix } from "./hint-prefix.ts";
import { type LocalBroker, serveLocally } from "./local.ts";
import { problemLines, withNews } from "./news.ts";

/** The stop ladder, and the network to the last server. */
const closeLimitMs = 6000;

/** A broker in this process that knows the sessions of earlier ones. */
export interface OwnBroker extends LocalBroker {
  /** Whether anything runs in it, or is connected. */
  isInUse(): boolean;
}

/**
 * A whole broker in this process, for one client: its connections live as long as it does. It knows the sessions of earlier brokers, and
 * writes nothing to disk.
 * @throws SshMcpError INVALID_INPUT for an SSH_MCP_DIR that is no absolute path; CONFIG_INVALID
 */
export const openLocalBroker = (environment: Environment = process.env): OwnBroker => {
  const base = baseDirectory(environment);
  const directory = posix.join(base, "sessions");
  const { records, problems, reserved } = new SessionStore(directory).loadAll({ mayChange: false });
  const sessions = new SessionRegistry({
    store: null,
    restored: records,
    reserved,
    limit: readSettings(base).limits.sessions,
    hintPrefix: hintPrefix(base),
  });
  const news = problemLines(problems, directory);
  const hosts = new BrokerHosts(base, sessions);
  const broker = serveLocally(withNews(news, createDispatch({ operations, sessions, hosts, rules: [] })));
  return {
    ...broker,
    isInUse: () => sessions.busy || sessions.liveConnections > 0,
    close: async () => {
      // What does not end in time ends with the process.
      await within(broker.close(), closeLimitMs, undefined);
      await within(sessions.closeAll(), closeLimitMs, undefined);
    },
  };
};
