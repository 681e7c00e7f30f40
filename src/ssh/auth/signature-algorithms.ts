/** Which name a key is offered under, and what signs for it: ssh(1)'s key_sig_algorithm, RFC 8332, PROTOCOL.certkeys. */
import { opensshAlgorithms } from "../../config/ssh-config/values/algorithm-list.ts";
import { plainType } from "../certificate.ts";
import type { PublicKey } from "./public-key.ts";

export interface KeyAlgorithms {
  /** PubkeyAcceptedAlgorithms, in its order. */
  accepted: readonly string[];
  /** Whether nothing narrows them, so that kinds of keys which nobody here knows are offered too. */
  isDefault: boolean;
}

export interface SignatureAlgorithm {
  /** What the request names (RFC 4252, section 7): a certificate's request names the certificate's kind. */
  requested: string;
  /** What the signature names. */
  signed: string;
}

const rsaTypes: ReadonlyMap<string, readonly string[]> = new Map([
  ["ssh-rsa", ["rsa-sha2-512", "rsa-sha2-256", "ssh-rsa"]],
  [
    "ssh-rsa-cert-v01@openssh.com",
    ["rsa-sha2-512-cert-v01@openssh.com", "rsa-sha2-256-cert-v01@openssh.com", "ssh-rsa-cert-v01@openssh.com"],
  ],
]);

const known: ReadonlySet<string> = new Set(opensshAlgorithms.hostKey);

/** Whether OpenSSH has a key type; what it has not is offered after everything else. */
export const isKnownType = (type: string): boolean => known.has(type);

/** Whether a key may be offered at all, whatever the server supports. */
export const isAccepted = ({ type }: PublicKey, { accepted, isDefault }: KeyAlgorithms): boolean =>
  (isDefault && !isKnownType(type)) || (rsaTypes.get(type) ?? [type]).some((name) => accepted.includes(name));

/**
 * @param serverSignatures the server's `server-sig-algs` (RFC 8308, section 3.1), null when it sent none: an RSA key has SHA-1 alone then
 * @returns null when there is none that both sides take
 */
export const chooseAlgorithm = (
  key: PublicKey,
  { accepted, isDefault }: KeyAlgorithms,
  serverSignatures: readonly string[] | null,
): SignatureAlgorithm | null => {
  const { type } = key;
  const choices = rsaTypes.get(type);
  if (choices === undefined || serverSignatures === null) {
    const isFree = isDefault && !isKnownType(type);
    return isFree || accepted.includes(type) ? { requested: type, signed: plainType(type) } : null;
  }
  const requested = accepted.find((name) => choices.includes(name) && serverSignatures.includes(plainType(name)));
  return requested === undefined ? null : { requested, signed: plainType(requested) };
};
