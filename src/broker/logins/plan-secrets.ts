/** Which passwords of config.toml a plan may have: those of the place that a person chose for them. */
import type { DialPlan } from "./dial-plan.ts";

/**
 * `passwordCommand` goes by a host's name. What a model says beside the name decides which port and user get what it prints: it is for the place
 * that ssh_config gives the name alone, and no other. A jump host keeps its own while the way there is the same.
 * @param plan of a request that a model wrote
 * @param alone the same host with nothing said beside its name; null when ssh_config makes nothing of it
 */
export const withPlacedSecrets = (plan: DialPlan, alone: DialPlan | null): DialPlan => {
  const isSameWay = alone !== null && plan.way === alone.way;
  const { hostname, port, user } = plan.resolved;
  const isSamePlace =
    isSameWay && hostname === alone.resolved.hostname && port === alone.resolved.port && user === alone.resolved.user;
  const own = isSamePlace ? plan : withoutCommand(plan);
  return isSameWay || own.via === null ? own : { ...own, via: withPlacedSecrets(own.via, null) };
};

/** Whether a password would be printed for the host, or for one on the way there. */
export const hasPasswordCommand = ({ settings, via }: DialPlan): boolean =>
  settings.passwordCommand !== null || (via !== null && hasPasswordCommand(via));

const withoutCommand = (plan: DialPlan): DialPlan => ({
  ...plan,
  settings: { ...plan.settings, passwordCommand: null },
});
