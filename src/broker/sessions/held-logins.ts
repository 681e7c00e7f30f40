import type { DialPlan } from "../logins/dial-plan.ts";
import { type LoginSecrets, passwordOf } from "../logins/held-secrets.ts";
import { accountOf } from "../logins/secret-sources.ts";
import { loginName, placeOf } from "./become-passwords.ts";
import type { SessionSecrets } from "./session-secrets.ts";

/**
 * Holds what a person typed for a login that went through: for the next one, and for sudo. One without a person leaves what is held as it is, and as old.
 * @param hostKey fingerprint of the one that the server proved
 */
export const holdTyped = (
  secrets: SessionSecrets,
  { typed, hasUnheld }: LoginSecrets,
  plan: DialPlan,
  hostKey: string,
): void => {
  if (typed.size === 0 && !hasUnheld) return;
  secrets.take(typed, hasUnheld ? null : plan.key);
  const password = passwordOf(accountOf(plan), typed);
  if (password !== null) secrets.hold(loginName(plan.resolved.user, placeOf(plan.key, hostKey)), password);
};
