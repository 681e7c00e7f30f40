/** ProxyJump of ssh_config(5), and `-J`: which requests a chain of jump hosts comes to, and which chains lead nowhere. */

import { validateHostname } from "../../config/ssh-config/names/host-name-check.ts";
import type { ResolvedHost } from "../../config/ssh-config/resolved-host.ts";
import type { DialRequest } from "../../core/dial-request.ts";
import { SshMcpError } from "../../core/errors.ts";
import { escapeLine, shown } from "../../core/escape.ts";
import { jumpOption, validateHop } from "../../core/jump.ts";
import { quoteWords } from "../../core/quote.ts";

/** More would be a configuration that never ends in a way that names do not show. */
const longestChain = 16;

/** A host on the way back from the destination: it comes first, the hop that is dialled first is the last. */
export interface Stop {
  destination: string;
  /** Whether nothing but that says how it is reached: neither an option, nor the one that jumps through it. Met again, it leads on as before. */
  decides: boolean;
}

/**
 * What ssh(1) would have another ssh dial: the last hop, with the rest of the chain for its own jumps. Of the request only the configuration file
 * and the time reach it: options, keys and user are the destination's own.
 * @param hops not empty, the one to dial first before the others
 * @throws SshMcpError INVALID_INPUT for a hop that is no destination
 */
export const hopRequest = (
  hops: readonly string[],
  { configFile, timeoutMs }: Pick<DialRequest, "configFile" | "timeoutMs">,
): DialRequest => {
  for (const hop of hops) validateHop(hop);
  const rest = hops.slice(0, -1);
  return {
    destination: hops.at(-1) ?? "",
    ...{ user: null, port: null, identityFiles: [], configFile, timeoutMs },
    options: rest.length === 0 ? [] : [jumpOption(rest.join(","))],
  };
};

/** @param destination in canonical form */
export const stopOf = (destination: string, { user, port, options }: DialRequest): Stop => ({
  destination,
  decides: user === null && port === null && options.length === 0,
});

/**
 * Where a name leads to is no matter: two names of one address may be two servers, one of them behind the other. A ProxyJump that is written as the
 * host's own address is refused where it is read, as ssh(1) does it.
 * @param chain the stops so far, the newest at the end: the destination alone, or with the jump hosts that it takes
 * @throws SshMcpError CONFIG_INVALID for a host that is reached through itself, directly or round about, and for a chain without an end
 */
export const mustLeadOn = (chain: readonly Stop[], configFile: string | null): void => {
  const stop = chain.at(-1);
  if (stop === undefined) return;
  const before = chain.slice(0, -1);
  // The same name elsewhere in a chain that somebody spelled out may be another host there, and ends.
  const isLoop = stop.decides && before.some((one) => one.decides && one.destination === stop.destination);
  if (!isLoop && chain.length <= longestChain + 1) return;
  const way = chain.map(({ destination }) => escapeLine(destination)).join(" through ");
  const what = isLoop ? "a jump host is reached through itself" : `there are more than ${longestChain} jump hosts`;
  throw new SshMcpError("CONFIG_INVALID", `${what}: ${way}`, {
    hint: quoteWords([
      ...["ssh-mcp", "hosts", "show"],
      ...(configFile === null ? [] : ["-F", configFile]),
      chain[0]?.destination ?? "",
    ]),
  });
};

/** A resolver would be asked for it in vain, and for all to see. @throws SshMcpError INVALID_INPUT */
const mustBeHostname = (hostname: string, typedHost: string): void => {
  try {
    validateHostname(hostname);
  } catch (cause) {
    throw new SshMcpError("INVALID_INPUT", `ssh_config leads to ${shown(hostname)}: that is no host name`, {
      hint: quoteWords(["ssh-mcp", "hosts", "show", typedHost]),
      cause,
    });
  }
};

/**
 * What a shell or another program would read as its own must not reach it by a name, wherever that came from.
 * @param typedHost as typed (`%n`)
 * @throws SshMcpError INVALID_INPUT
 */
export const mustBePlainNames = ({ proxy, hostname, user }: ResolvedHost, typedHost: string): void => {
  if (proxy.kind === "direct") {
    mustBeHostname(hostname, typedHost);
    return;
  }
  const hint = "ssh-mcp connect USER@HOST:PORT";
  const option = proxy.kind === "jump" ? "ProxyJump" : "ProxyCommand";
  for (const name of proxy.kind === "jump" ? [hostname] : [hostname, typedHost]) {
    if (/^[\p{L}\p{M}\p{N}_:.][\p{L}\p{M}\p{N}._:%-]*$/u.test(name)) continue;
    throw new SshMcpError("INVALID_INPUT", `${option} is not used for ${shown(name)}: that is no host name`, { hint });
  }
  if (proxy.kind === "jump" || !/^-|['`"$;&<>|(){}\s\p{C}]|\\$/u.test(user)) return;
  throw new SshMcpError("INVALID_INPUT", `${option} is not used for the user ${shown(user)}: a shell would read it`, {
    hint,
  });
};
