/**
 * Destinations: `[user@]host[:port]`, an IPv6 literal, or `ssh://[user@]host[:port]`. The text may come from
 * a model or a web page, and its parts end up in ProxyCommand and in hints that people paste into a shell:
 * what a shell or an option parser would read as its own is refused here, once. That an exact alias of
 * ssh_config comes first is the resolver's rule.
 */
import { SshMcpError } from "./errors.ts";
import { shown } from "./escape.ts";
import { isIpv6 } from "./ipv6.ts";

export interface Destination {
  /** The text as it was typed. */
  given: string;
  user: string | null;
  /** An alias, a host name or an address; an IPv6 literal without its brackets, with its zone. */
  host: string;
  port: number | null;
}

/**
 * Parses a destination: the last `@` ends the user; `[v6]:port`; two or more colons without brackets are an
 * IPv6 literal; one colon begins a port, which ssh(1) does not do. The user of an ssh:// URI is
 * percent-decoded (RFC 3986, section 2.1).
 * @throws SshMcpError INVALID_INPUT; the message shows the text escaped, without what might be a password
 */
export const parseDestination = (text: string): Destination => {
  if (text === "") throw refused("the destination is empty");
  const [unseen] = invisible.exec(text) ?? [];
  if (unseen !== undefined) {
    const code = unseen.codePointAt(0)?.toString(16).toUpperCase().padStart(4, "0");
    throw refused(`the destination ${described(text)} has a space, or a character that cannot be seen (U+${code})`);
  }
  const parts = scheme.test(text) ? uriParts(text) : plainParts(text, text.lastIndexOf("@"));
  if (parts.user !== null) checkUser(parts.user, text);
  const { host, port } = hostAndPort(parts.authority, text);
  return { given: text, user: parts.user, host, port };
};

/** The host of a destination; the whole of it when it has another form, as an alias of ssh_config may. */
export const typedHost = (destination: string): string => {
  try {
    return parseDestination(destination).host;
  } catch {
    return destination;
  }
};

/** The canonical form, `user@host:port`, which parses back to the same parts. */
export const formatDestination = ({ user, host, port }: Omit<Destination, "given">): string => {
  const authority = port === null ? host : `${host.includes(":") ? `[${host}]` : host}:${port}`;
  return user === null ? authority : `${user}@${authority}`;
};

const scheme = /^ssh:\/\//i;
// Spaces, controls, format characters, unassigned and lone surrogates, and what Unicode lets a display leave out.
const invisible = /[\s\p{C}\p{Z}\p{Default_Ignorable_Code_Point}]/u;

interface Parts {
  user: string | null;
  /** `host`, `host:port`, `[v6]:port` or a bare IPv6 literal. */
  authority: string;
}

const plainParts = (text: string, at: number): Parts =>
  at === -1 ? { user: null, authority: text } : { user: text.slice(0, at), authority: text.slice(at + 1) };

const uriParts = (text: string): Parts => {
  const [, before = "", after = ""] = /^ssh:\/\/([^/?#]*)(.*)$/i.exec(text) ?? [];
  if (after !== "" && after !== "/") {
    throw refused(`the destination ${described(text)} has a path or a query`, "ssh-mcp connect ssh://USER@HOST:PORT");
  }
  const { user, authority } = plainParts(before, before.lastIndexOf("@"));
  if (user?.includes(":")) throw passwordInside(text);
  // A zone in a URI is written `%25eth0` (RFC 6874, section 2).
  return { user: user === null ? null : percentDecoded(user, text), authority: authority.replace("%25", "%") };
};

const percentDecoded = (user: string, text: string): string => {
  try {
    return decodeURIComponent(user);
  } catch (cause) {
    throw new SshMcpError("INVALID_INPUT", `the user in ${described(text)} is not percent-encoded UTF-8`, {
      hint: "ssh-mcp connect -l USER HOST",
      cause,
    });
  }
};

/**
 * Holds a user given beside a destination to the rules of one within it.
 * @throws SshMcpError INVALID_INPUT
 */
export const validateUser = (user: string): void => checkUser(user, user);

/** As OpenSSH's `valid_ruser`; spaces and `$` are refused besides, for the shells that a user name can reach. */
const checkUser = (user: string, text: string): void => {
  if (user === "") throw refused(`the destination ${described(text)} has an empty user before the @`);
  if (user.startsWith("-")) throw refused(`the user in ${described(text)} begins with a dash`);
  // passwd(5) has no colon in a name: this is somebody's password, on its way to a log.
  if (user.includes(":")) throw passwordInside(text);
  if (invisible.test(user) || /['`"$;&<>|(){}]|\\$/.test(user)) {
    throw refused(`the user in ${described(text)} has a character that a user name cannot have here`);
  }
};

const hostAndPort = (authority: string, text: string): { host: string; port: number | null } => {
  const bracketed = /^\[(.*)\](?::(.*))?$/.exec(authority);
  if (bracketed !== null) {
    const [, host = "", port] = bracketed;
    if (!isIpv6(host)) throw refused(`what is in brackets in ${described(text)} is not an IPv6 address`, bracketHint);
    return { host, port: port === undefined ? null : parsePort(port, text) };
  }
  const colon = authority.indexOf(":");
  if (colon !== authority.lastIndexOf(":")) {
    if (!isIpv6(authority)) throw refused(`the host in ${described(text)} is not an IPv6 address`, bracketHint);
    return { host: authority, port: null };
  }
  const host = colon === -1 ? authority : authority.slice(0, colon);
  checkHost(host, text);
  return { host, port: colon === -1 ? null : parsePort(authority.slice(colon + 1), text) };
};

/** Stricter than OpenSSH's `valid_hostname`: letters and digits of any script (IDN), `.`, `-` and `_`. */
const checkHost = (host: string, text: string): void => {
  if (host === "") throw refused(`the destination ${described(text)} has no host`);
  if (host.startsWith("-")) throw refused(`the host in ${described(text)} begins with a dash`);
  if (!/^[\p{L}\p{M}\p{N}._-]+$/u.test(host)) {
    throw refused(`the host in ${described(text)} has a character that a host name cannot have`);
  }
};

const parsePort = (digits: string, text: string): number => {
  const port = /^[0-9]{1,5}$/.test(digits) ? Number(digits) : 0;
  if (port < 1 || port > 65_535) throw refused(`the port in ${described(text)} is not a number from 1 to 65535`);
  return port;
};

/** The text for a message. What stands between the first colon and the last `@` may be a password. */
const described = (text: string): string => shown(text.replace(/^((?:ssh:\/\/)?[^:@]*):.*@/is, "$1:…@"));

const passwordInside = (text: string): SshMcpError =>
  refused(`the destination ${described(text)} has a password, which is asked for at the terminal instead`);

const grammarHint = "ssh-mcp connect USER@HOST:PORT";
const bracketHint = "ssh-mcp connect 'USER@[2001:db8::1]:22'";

const refused = (message: string, hint = grammarHint): SshMcpError =>
  new SshMcpError("INVALID_INPUT", message, { hint });
