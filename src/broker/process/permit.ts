/** Policy: what may run where, decided before anything is done and again by nobody after. */
import { SshMcpError } from "../../core/errors.ts";
import { shown } from "../../core/escape.ts";
import { evaluate, type Rule } from "../../policy/evaluate.ts";
import type { Invocation, Run } from "./dispatch.ts";

/**
 * @throws SshMcpError POLICY_DENIED, APPROVAL_REQUIRED; of several targets the first that is not
 *   allowed decides, a denied one before others
 */
export const permitted =
  (rules: readonly Rule[], next: Run): Run =>
  async (invocation) => {
    const { operation, context } = invocation;
    const { face, client } = context.caller;
    const effect = operation.effectOf?.(invocation.input) ?? operation.effect;
    const rulings = targetsOf(invocation).map((target) => ({
      target,
      ...evaluate(rules, { operation: operation.name, effect, face, client, target }),
    }));
    const strictest =
      rulings.find(({ decision }) => decision === "deny") ?? rulings.find(({ decision }) => decision === "ask");
    if (strictest === undefined) return await next(invocation);
    const what = strictest.target === null ? operation.name : `${operation.name} on ${shown(strictest.target)}`;
    if (strictest.decision === "deny") throw new SshMcpError("POLICY_DENIED", `${what}: ${strictest.reason}`);
    throw new SshMcpError("APPROVAL_REQUIRED", `${what}: ${strictest.reason}`);
  };

/** What policy is asked about: each target by itself, or null when the operation acts on none in particular. */
const targetsOf = ({ operation, input }: Invocation): (string | null)[] => {
  const named = operation.targets?.(input) ?? [];
  if (named.length > 0) return named;
  const value: unknown = operation.target === null ? undefined : input[operation.target];
  if (typeof value === "string") return [value];
  const list = Array.isArray(value) ? value.filter((target) => typeof target === "string") : [];
  return list.length > 0 ? list : [null];
};
