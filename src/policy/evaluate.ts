/**
 * The policy: what a caller may do, decided by the user's rules alone. Every call of either face is asked about here.
 */
import { matchGlob } from "../core/glob.ts";
import type { Effect, Face } from "../core/operation.ts";

export type Decision = "allow" | "ask" | "deny";

export interface Rule {
  /** What a refusal cites. */
  name: string;
  decision: Decision;
  /**
   * Each list that is given must hold the request's value; a list that is absent holds every value, an empty one none.
   */
  operations?: readonly string[];
  effects?: readonly Effect[];
  faces?: readonly Face[];
  /** Globs of `*` and `?`, in either case. A request without a target matches none of them, not even `*`. */
  targets?: readonly string[];
}

export interface PolicyRequest {
  /** The operation's name. */
  operation: string;
  effect: Effect;
  face: Face;
  client: string;
  /** One name of the target. Who knows it by several (session, alias, resolved host) asks about each. */
  target: string | null;
}

/** The decision on one request. */
export interface Ruling {
  decision: Decision;
  /** In words, for the error message and the audit log. */
  reason: string;
  /** The name of the rule that decided; null when none matched. */
  rule: string | null;
}

/** The stricter one decides, wherever it stands in the list. */
const strictness: Readonly<Record<Decision, number>> = { allow: 0, ask: 1, deny: 2 };

const words: Readonly<Record<Decision, string>> = { allow: "allowed", ask: "needs approval", deny: "denied" };

/**
 * Deny beats ask, ask beats allow, among the rules that match; of equal ones the first is cited. What no rule matches
 * is allowed: rules restrict, and without any nothing is restricted.
 */
export const evaluate = (rules: readonly Rule[], request: PolicyRequest): Ruling => {
  let decisive: Rule | null = null;
  for (const rule of rules) {
    if (!matches(rule, request)) continue;
    if (decisive === null || strictness[rule.decision] > strictness[decisive.decision]) decisive = rule;
  }
  if (decisive === null) {
    const reason = rules.length === 0 ? "allowed: there are no rules" : "allowed: no rule matches";
    return { decision: "allow", reason, rule: null };
  }
  const { decision, name } = decisive;
  return { decision, reason: `${words[decision]} by the rule "${name}"`, rule: name };
};

const matches = (rule: Rule, request: PolicyRequest): boolean =>
  (rule.operations === undefined || rule.operations.includes(request.operation)) &&
  (rule.effects === undefined || rule.effects.includes(request.effect)) &&
  (rule.faces === undefined || rule.faces.includes(request.face)) &&
  (rule.targets === undefined || matchesTarget(rule.targets, request.target));

/** In either case, as host names are: `PROD-db` does not slip past `prod-*`. */
const matchesTarget = (patterns: readonly string[], target: string | null): boolean =>
  target !== null && patterns.some((pattern) => matchGlob(target.toLowerCase(), pattern.toLowerCase()));
