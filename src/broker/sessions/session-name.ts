import { canonicalHost } from "../../config/ssh-config/names/host-address.ts";
import { isKnownHostName } from "../../ssh/host-keys/known-host-names.ts";
import { type DialPlan, planBeside } from "../logins/dial-plan.ts";
import { isInHostsFile, type Resolves } from "./host-names.ts";

/** Where a session leads to. */
export interface Place {
  host: string;
  port: number;
  user: string;
  /** See `wayOf`: an address behind a jump host is not the same address here. */
  way: string;
}

export const isSamePlace = (one: Place, other: Place): boolean =>
  one.host === other.host && one.port === other.port && one.user === other.user && one.way === other.way;

/** The same, with the host as it was typed under the same configuration: whatever else knows that host, who typed it did. Else null. */
export interface TypedPlace extends Place {
  typed: string | null;
}

/** A domain, which somebody may name without any configuration. */
const domain = /\.[a-z]{2,}$/;
const address = /^\d+(\.\d+){3}$/;

/**
 * Whether a new session's name would pass for another host than the session reaches. Whoever names that host later would be served by this
 * session, because names of sessions come first. See `standsForAnother`.
 */
export const namesAnother = async (name: string, plan: DialPlan, resolves: Resolves | null): Promise<boolean> => {
  const { hostname: host, port, user } = plan.resolved;
  const { way } = plan;
  const isAnother = async (configFile: string | null): Promise<boolean> => {
    const asHost = await plannedAs(name, plan, configFile);
    // What this plan does not read may be broken, and breaks nothing.
    if (asHost === null) return configFile === plan.request.configFile;
    const typed = configFile === plan.request.configFile ? plan.typedHost : null;
    return await standsForAnother(name, asHost, { host, port, user, way, typed }, resolves);
  };
  const { configFile } = plan.request;
  // Whoever names that host later may do so without the `-F` of this plan.
  return (await isAnother(configFile)) || (configFile !== null && (await isAnother(null)));
};

/**
 * Whether a name is a host, and as a destination leads elsewhere than the session that has it or wants it: to another host, port or user. A host
 * is an alias of ssh_config, a domain, an address in any of its forms, what the session itself was opened as, and whom the hosts file, known_hosts or
 * the resolver know.
 * @param asHost what the name alone comes to as a destination
 * @param resolves null asks no resolver
 */
export const standsForAnother = async (
  name: string,
  { resolved: asHost, way }: Pick<DialPlan, "resolved" | "way">,
  own: TypedPlace,
  resolves: Resolves | null,
): Promise<boolean> => {
  const { hostname: host, port, user } = asHost;
  if (isSamePlace({ host, port, user, way }, own)) return false;
  if (asHost.isAlias || name === own.host || name === own.typed?.toLowerCase()) return true;
  if (domain.test(name) || address.test(canonicalHost(name))) return true;
  // ssh_config sends the name to this very host, as it may send every name: nobody else knows it by that.
  if (host === own.host && way === own.way) return false;
  if (await isInHostsFile(host)) return true;
  const files = [...asHost.userKnownHostsFiles, ...asHost.globalKnownHostsFiles];
  if (await isKnownHostName(files, host, [port, own.port])) return true;
  return resolves !== null && (await resolves(host));
};

/**
 * Null for a host that ssh_config says things about which we cannot do, or with variables that the destination itself does not need: it
 * stands for somebody, whoever that is.
 */
const plannedAs = async (name: string, plan: DialPlan, configFile: string | null): Promise<DialPlan | null> => {
  try {
    const request = { ...plan.request, destination: name, user: null, port: null, options: [], configFile };
    return await planBeside(request, plan);
  } catch {
    return null;
  }
};
