import type { CallScope } from "../../core/call-scope.ts";
import { SshMcpError } from "../../core/errors.ts";
import type { Connection } from "../../ssh/connection.ts";
import { fingerprint } from "../../ssh/public-key.ts";
import { scopeOf } from "../logins/dial.ts";
import { planAgain } from "../logins/dial-plan.ts";
import type { SessionFacts } from "./session-facts.ts";
import type { SessionHost } from "./session-host.ts";

/** Another connection to a session's server; null when that would take a person, or ssh_config leads elsewhere by now. */
export const dialBeside = async (
  facts: SessionFacts,
  host: SessionHost,
  scope: CallScope,
): Promise<Connection | null> => {
  const { login, key } = facts;
  if (login?.needsPerson !== false || !host.mayDialBeside()) return null;
  const plan = await planAgain(facts, scope);
  if (plan.key !== key) return null;
  const ask = (): never => {
    throw new SshMcpError("AUTH_REQUIRED", "a second connection would take a person");
  };
  const connection = await host.dialer.dialBeside(plan, { ...scopeOf(scope), ask: async () => ask() });
  // One name may stand for several servers: what is held is for the one that it was typed for.
  if (connection === null || fingerprint(connection.login.hostKey) === login.hostKey) return connection;
  await connection.close();
  return null;
};
