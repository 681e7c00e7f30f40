/** The list of ProxyJump: readconf.c parse_jump. */
import { parsePortNumber } from "./port-number.ts";

export interface JumpHop {
  /** As written, without blanks around it. */
  text: string;
  user: string | null;
  /** Without brackets. */
  host: string;
  port: number | null;
}

/**
 * In the order of the way. `#` ends the list.
 * @returns null when one of them is no `[user@]host[:port]` and no `ssh://` URI without a path
 */
export const parseJumpHops = (list: string): JumpHop[] | null => {
  const written = (list.split("#", 1)[0] ?? "").trimEnd();
  const hops = written.split(",").map(parseHop);
  return hops.some((hop) => hop === null) ? null : hops.filter((hop) => hop !== null);
};

const parseHop = (text: string): JumpHop | null => {
  const isUri = text.startsWith("ssh://");
  const rest = isUri ? text.slice(6).replace(/\/$/, "") : text;
  const at = isUri ? rest.indexOf("@") : rest.lastIndexOf("@");
  const named = at < 0 ? null : rest.slice(0, at);
  const parts = /^(?:\[([^\]]*)\]|([^:/]*))(?::(.*))?$/s.exec(rest.slice(at + 1));
  if (named === "" || parts === null) return null;
  const [, bracketed, plain = "", portText = ""] = parts;
  const host = bracketed ?? plain;
  const port = portText === "" ? null : parsePortNumber(portText);
  if (host === "" || (portText !== "" && port === null)) return null;
  if (!isUri) return { text, user: named, host, port };
  if (!isDomain(host)) return null;
  if (named === null) return { text, user: null, host, port };
  // RFC 3986: characters may be written as %XX, and what follows a semicolon is no part of the user's name.
  const user = decoded(named.split(";", 1)[0] ?? "");
  return user === null || user === "" ? null : { text, user, host, port };
};

/** misc.c valid_domain. */
export const isDomain = (text: string): boolean => /^[a-z0-9](?!.*\.\.)[a-z0-9._-]*$/i.test(text);

const decoded = (text: string): string | null => {
  try {
    return decodeURIComponent(text);
  } catch {
    return null;
  }
};
