/**
 * Session names. A target is an exact session name first, else a destination; nothing is guessed by prefix.
 * A name is also the stem of a file name: the grammar leaves no room for a path.
 */

import { isIpv6 } from "./ipv6.ts";

/** Characters of the longest session name. */
export const sessionNameLimit = 64;

const grammar = /^[a-z0-9][a-z0-9._-]{0,63}$/;

export const isSessionName = (text: string): boolean => grammar.test(text);

/**
 * The default name of a session: the alias, or the host of the parsed destination, made to fit the grammar. Other
 * characters become `-`, and the edges lose them. `session` when nothing is left, as of a host in another script. An IPv6 address gets `ip6-` in
 * front: what is left of `::1` alone would be an IPv4 one.
 */
export const sessionNameFrom = (aliasOrHost: string): string => {
  const fitting = aliasOrHost.toLowerCase().replace(/[^a-z0-9._-]/gu, "-");
  const trimmed = fitting.replace(/^[._-]+/, "");
  const name = (isIpv6(aliasOrHost) ? `ip6-${trimmed}` : trimmed).slice(0, sessionNameLimit).replace(/-+$/, "");
  return name === "" ? "session" : name;
};

/**
 * The base itself when it is free, else `base-2`, `base-3`, and so on; a long base is cut so that the number fits.
 * @param taken the names in use; a Set, or a Map with the names as keys
 */
export const nextFreeName = (base: string, taken: { has(name: string): boolean }): string => {
  if (!taken.has(base)) return base;
  for (let number = 2; ; number++) {
    const suffix = `-${number}`;
    const name = base.slice(0, sessionNameLimit - suffix.length) + suffix;
    if (!taken.has(name)) return name;
  }
};
