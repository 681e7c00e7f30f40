/** What a call does to a session that it opens, or finds open. */
import type { CallScope } from "../../core/call-scope.ts";
import type { OpenRequest } from "../../core/session.ts";
import type { DialPlan } from "../logins/dial-plan.ts";
import type { BrokerSession } from "./broker-session.ts";
import type { LiveConnection } from "./live-connection.ts";
import { isOwn } from "./session-facts.ts";
import { keptAsItWas, lending, nowElsewhere } from "./session-hints.ts";
import { isSamePlace } from "./session-name.ts";

/** Connects it, and says when it leads elsewhere than before: ssh_config was edited since. */
export const connected = async (
  session: BrokerSession,
  plan: DialPlan | null,
  timeoutMs: number | null,
  scope: CallScope,
): Promise<LiveConnection> => {
  const { facts, wasOpen } = session;
  const before = facts.resolved;
  const live = await session.link.connect(scope, plan, timeoutMs);
  if (wasOpen && !isSamePlace(before, facts.resolved)) scope.notice(nowElsewhere(facts, before));
  return live;
};

/** Takes over what is said of a session that was there; a model says nothing of one that is not its own. */
export const describe = (
  session: BrokerSession,
  { title, ttlMs }: OpenRequest,
  { caller, notice }: CallScope,
): void => {
  const { facts } = session;
  const isSaid = (title ?? facts.title) !== facts.title || (ttlMs ?? facts.ttlMs) !== facts.ttlMs;
  if (caller.face === "cli" || isOwn(facts, caller)) session.describe(title, ttlMs);
  else if (isSaid) notice(keptAsItWas(facts));
};

/**
 * Whoever connects lends the session, unless it is to be private, now or from before. A model decides nothing of it. It is decided at once;
 * resolves when what agents may not run any more has ended.
 */
export const settleLending = async (
  session: BrokerSession,
  isPrivate: boolean,
  { caller, notice }: CallScope,
): Promise<void> => {
  const { facts } = session;
  if (caller.face === "mcp") return;
  if (isPrivate) await session.lend(false);
  else if (facts.keptPrivate) notice(`${facts.name} is private: ${lending(facts.name)} lends it to agents`);
  else if (!facts.lent) await session.lend(true);
};
