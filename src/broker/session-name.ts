import type { ResolvedHost } from "../config/ssh-config.ts";
import type { CallScope } from "../core/session.ts";
import { readKnownHosts } from "../ssh/known-hosts.ts";
import { type DialPlan, planDial } from "./dial.ts";

/** A domain or an IPv4 address, which somebody may name without any configuration. */
const namesHostByItself = /\.[a-z]{2,}$|^\d+(\.\d+){3}$/;

/**
 * Whether a session's name would pass for another host than the session reaches: an alias of ssh_config, a
 * domain or an address, or a host that known_hosts knows. Whoever names that host later would be served by this
 * session, because names of sessions come first.
 */
export const namesAnother = (name: string, plan: DialPlan, scope: CallScope): boolean => {
  const asHost = resolvedAs(name, plan, scope);
  if (asHost === null) return true;
  const { hostname, port, user } = plan.resolved;
  const sameHost = asHost.hostname === hostname;
  // An alias stands for a port and a user as well.
  if (asHost.isAlias) return !(sameHost && asHost.port === port && asHost.user === user);
  if (sameHost) return false;
  const files = [...asHost.userKnownHostsFiles, ...asHost.globalKnownHostsFiles];
  const isKnown = () => readKnownHosts(files, { host: asHost.hostname, port: asHost.port }).keys.length > 0;
  return namesHostByItself.test(name) || isKnown();
};

/** Null for a host that ssh_config says things about which we cannot do: it stands for somebody, whoever that is. */
const resolvedAs = (name: string, plan: DialPlan, scope: CallScope): ResolvedHost | null => {
  try {
    return planDial({ ...plan.request, destination: name, user: null, port: null, options: [] }, scope).resolved;
  } catch {
    return null;
  }
};
