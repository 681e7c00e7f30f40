/**
 * One line of a known_hosts file (sshd(8), SSH_KNOWN_HOSTS FILE FORMAT), read as hostfile.c of OpenSSH 9.2 reads it.
 */
import { createHmac } from "node:crypto";
import { matchHostname } from "../../config/ssh-config/match-pattern.ts";
import { wholeKeyType } from "../public-key.ts";

export interface KnownHostsEntry {
  marker: "none" | "@revoked" | "@cert-authority";
  /** Which of the names asked for the line matches first. */
  name: string;
  type: string;
  /** In wire form. */
  key: Uint8Array;
}

/**
 * Marker, host names, key type and key; what follows is a comment. A marker goes on to the first space of the line, tabs and all, and to a tab
 * only where there is no space: hostfile.c, check_markers.
 */
export const fields = /^[ \t]*(@(?:[^ ]*(?= )|[^\t]*(?=\t)|.*))?[ \t]*([^ \t]*)[ \t]*([^ \t]*)[ \t]*([^ \t]*)/;

/**
 * @param names what the host may be called, in lower case, the best first
 * @returns null for a line that says nothing about these names; a message for one that is no entry
 */
export const parseKnownHostsLine = (line: string, names: readonly string[]): KnownHostsEntry | string | null => {
  const [, marked = "", hosts = "", type = "", encoded = ""] = fields.exec(line) ?? [];
  if (hosts === "" || hosts.startsWith("#")) return marked === "" ? null : `there is no host after ${marked}`;
  if (marked !== "" && marked !== "@revoked" && marked !== "@cert-authority") return `there is no marker ${marked}`;
  const matches = hosts.startsWith("|") ? hashedMatcher(hosts) : (name: string) => matchHostname(name, hosts);
  if (matches === null) return "the hashed host name is malformed";
  const name = names.find(matches);
  if (name === undefined) return null;
  // A carriage return ends the line where files came from another system.
  const decoded = decodeKey(type, encoded.replace(/[\r\f\v]/g, ""));
  if (decoded === null) return type === "" ? "there is no key" : `the ${type} key cannot be read`;
  return { marker: marked === "" ? "none" : marked, name, ...decoded };
};

/**
 * The key of a known_hosts line.
 * @param type the type the line says
 * @returns null when the text is not the base64 of a whole key of that type
 */
export const decodeKey = (type: string, text: string): { type: string; key: Uint8Array } | null => {
  const key = Buffer.from(text, "base64");
  if (key.toString("base64") !== text) return null;
  const named = wholeKeyType(key);
  // The names of RSA signature algorithms stand for the one RSA key type.
  if (named === null || named !== (/^rsa-sha2-(256|512)$/.test(type) ? "ssh-rsa" : type)) return null;
  return { type: named, key };
};

const saltLength = 20;

/** @returns null for a hashed host name that is malformed */
export const hashedMatcher = (hosts: string): ((name: string) => boolean) | null => {
  const [, version, encoded = ""] = hosts.split("|");
  const salt = Buffer.from(encoded, "base64");
  if (version !== "1" || salt.length !== saltLength) return null;
  return (name) => hashHostName(name, salt) === hosts;
};

/** The hashed form of a name, which tells nothing of it: `|1|salt|HMAC-SHA1(salt, name)`, both in base64. */
export const hashHostName = (name: string, salt: Uint8Array): string =>
  `|1|${Buffer.from(salt).toString("base64")}|${createHmac("sha1", salt).update(name).digest("base64")}`;
