/** The name a host is dialled and known by: ssh.c resolve_canonicalize without CanonicalizeHostname. */
import type { AddressFamily } from "../known-facts.ts";
import { lowerCase } from "../match-pattern.ts";

/** An address in its canonical form (`127.1` is `127.0.0.1`, `0:0::1` is `::1`), a name in lower case. */
export const canonicalHost = (host: string): string => {
  const address = addressOf(host, "any");
  // An address that differs in case only stays as it is, and so does what looks like one: a scope is case-sensitive.
  if (address !== null) return lowerCase(host) === address ? host : address;
  return looksLikeAddress(host) ? host : lowerCase(host);
};

/** The canonical form of an address of that family; null for anything else. */
export const addressOf = (host: string, family: AddressFamily): string | null =>
  (family === "inet6" ? null : canonicalIPv4(host)) ?? (family === "inet" ? null : canonicalIPv6(host));

/** Whether it can be no name (ssh.c is_addr_fast). */
export const looksLikeAddress = (host: string): boolean => /[%:]/.test(host) || /^[\d.]*$/.test(host);

/** inet_aton(3): one to four parts, the last filling what is left; decimal, octal or hexadecimal. */
const canonicalIPv4 = (host: string): string | null => {
  const parts = host.split(".");
  if (parts.length > 4 || !parts.every((part) => /^(0x[0-9a-f]+|0[0-7]*|[1-9][0-9]*)$/i.test(part))) return null;
  const numbers = parts.map((part) => (/^0[0-7]+$/.test(part) ? Number.parseInt(part, 8) : Number(part)));
  const last = numbers.pop() ?? 0;
  if (numbers.some((number) => number > 255) || last >= 256 ** (4 - numbers.length)) return null;
  const value = numbers.reduce((sum, number, index) => sum + number * 256 ** (3 - index), last);
  return [24, 16, 8, 0].map((shift) => Math.floor(value / 2 ** shift) % 256).join(".");
};

const canonicalIPv6 = (host: string): string | null => {
  const url = host.includes(":") && !host.includes("%") ? URL.parse(`http://[${host}]/`) : null;
  if (url === null) return null;
  const text = url.hostname.slice(1, -1);
  // inet_ntop(3) writes addresses that embed an IPv4 one with dots; URL does not.
  const embedded = /^(::(?:ffff:)?)([0-9a-f]{1,4}):([0-9a-f]{1,4})$/.exec(text);
  if (embedded === null) return text;
  const [, prefix = "", high = "", low = ""] = embedded;
  const words = [Number.parseInt(high, 16), Number.parseInt(low, 16)];
  return prefix + words.flatMap((word) => [word >> 8, word & 255]).join(".");
};
