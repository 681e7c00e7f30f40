/** CanonicalizeHostname and what belongs to it: ssh.c resolve_canonicalize, OpenSSH 9.2. */
import { SshMcpError } from "../../../core/errors.ts";
import { shown } from "../../../core/escape.ts";
import type { AddressFamily, Names } from "../known-facts.ts";
import { lowerCase, matchPatternList } from "../match-pattern.ts";
import { addressOf, looksLikeAddress } from "./host-address.ts";

export interface Canonicalization {
  mode: "no" | "yes" | "always";
  domains: readonly string[];
  maxDots: number;
  fallbackLocal: boolean;
  permittedCnames: readonly { sources: string; targets: string }[];
  /** Whether the host is reached without a jump host and a command. */
  isDirect: boolean;
  family: AddressFamily;
}

/**
 * The name that is dialled: an address in canonical form, a name in lower case and, where that is wanted, in its domain.
 * @param host HostName with its tokens expanded, or as typed
 * @throws SshMcpError DNS_FAILED for a name in no domain, when it must be in one
 */
export const canonicalize = (host: string, how: Canonicalization, names: Names): string => {
  const address = addressOf(host, how.family);
  if (address !== null) return lowerCase(host) === lowerCase(address) ? host : address;
  // A scope is case-sensitive.
  if (looksLikeAddress(host)) return host;
  const name = lowerCase(host);
  if (how.mode === "no" || (how.mode === "yes" && !how.isDirect)) return name;
  const full = inDomain(name, how, names);
  if (full !== null) return full;
  if (how.permittedCnames.length === 0) return name;
  const found = names.lookUp(name, how.family);
  if (found !== null) return followed(name, found.canonicalName, how);
  // A jump host may know it.
  if (how.isDirect) throw unresolved(host);
  return name;
};

/** The name with the first domain in which it exists; null when no domain is to be tried, or it exists in none. */
const inDomain = (name: string, how: Canonicalization, names: Names): string | null => {
  const candidates = name.endsWith(".") ? [name] : candidatesOf(name, how);
  if (candidates === null) return null;
  for (const candidate of candidates) {
    const found = names.lookUp(candidate, how.family);
    if (found !== null) return followed(candidate.slice(0, -1), found.canonicalName, how);
  }
  if (!how.fallbackLocal) throw unresolved(name);
  return null;
};

/** Null for a name that has enough dots. */
const candidatesOf = (name: string, { domains, maxDots }: Canonicalization): string[] | null => {
  if (name.split(".").length - 1 > maxDots) return null;
  const none = domains.findIndex((domain) => lowerCase(domain) === "none");
  return (none < 0 ? domains : domains.slice(0, none)).map((domain) => `${name}.${domain}.`);
};

const followed = (name: string, canonicalName: string | null, { permittedCnames }: Canonicalization): string => {
  const target = canonicalName?.replace(/\.$/, "") ?? "";
  if (target === "" || target === name) return name;
  const isPermitted = permittedCnames.some(
    ({ sources, targets }) =>
      matchPatternList(lowerCase(name), sources, true) && matchPatternList(lowerCase(target), targets, true),
  );
  return isPermitted ? target : name;
};

const unresolved = (host: string): SshMcpError =>
  new SshMcpError("DNS_FAILED", `the host name ${shown(host)} is in none of the domains of CanonicalDomains`, {
    hint: "man ssh_config",
  });
