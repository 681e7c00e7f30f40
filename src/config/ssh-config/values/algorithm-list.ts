/** Algorithm lists of ssh_config(5): KexAlgorithms, Ciphers, MACs, HostKeyAlgorithms and their like, as OpenSSH's kex_assemble_names reads them. */
import { matchPatternList } from "../match-pattern.ts";
import type { AlgorithmList } from "../resolved-host.ts";

export type AlgorithmKind = "kex" | "cipher" | "mac" | "hostKey";

/** `caSignature` is CASignatureAlgorithms; `hostKey` serves PubkeyAcceptedAlgorithms as well. */
type ListKind = AlgorithmKind | "caSignature";

const keyAlgorithms = [
  "ssh-ed25519",
  "ssh-ed25519-cert-v01@openssh.com",
  "sk-ssh-ed25519@openssh.com",
  "sk-ssh-ed25519-cert-v01@openssh.com",
  "ecdsa-sha2-nistp256",
  "ecdsa-sha2-nistp256-cert-v01@openssh.com",
  "ecdsa-sha2-nistp384",
  "ecdsa-sha2-nistp384-cert-v01@openssh.com",
  "ecdsa-sha2-nistp521",
  "ecdsa-sha2-nistp521-cert-v01@openssh.com",
  "sk-ecdsa-sha2-nistp256@openssh.com",
  "sk-ecdsa-sha2-nistp256-cert-v01@openssh.com",
  "webauthn-sk-ecdsa-sha2-nistp256@openssh.com",
  "ssh-dss",
  "ssh-dss-cert-v01@openssh.com",
  "ssh-rsa",
  "ssh-rsa-cert-v01@openssh.com",
  "rsa-sha2-256",
  "rsa-sha2-256-cert-v01@openssh.com",
  "rsa-sha2-512",
  "rsa-sha2-512-cert-v01@openssh.com",
];

/** What OpenSSH 9.2 has, in the order of `ssh -Q`, which a wildcard expands to. */
export const opensshAlgorithms: Record<ListKind, readonly string[]> = {
  kex: [
    "diffie-hellman-group1-sha1",
    "diffie-hellman-group14-sha1",
    "diffie-hellman-group14-sha256",
    "diffie-hellman-group16-sha512",
    "diffie-hellman-group18-sha512",
    "diffie-hellman-group-exchange-sha1",
    "diffie-hellman-group-exchange-sha256",
    "ecdh-sha2-nistp256",
    "ecdh-sha2-nistp384",
    "ecdh-sha2-nistp521",
    "curve25519-sha256",
    "curve25519-sha256@libssh.org",
    "sntrup761x25519-sha512",
    "sntrup761x25519-sha512@openssh.com",
  ],
  cipher: [
    "3des-cbc",
    "aes128-cbc",
    "aes192-cbc",
    "aes256-cbc",
    "aes128-ctr",
    "aes192-ctr",
    "aes256-ctr",
    "aes128-gcm@openssh.com",
    "aes256-gcm@openssh.com",
    "chacha20-poly1305@openssh.com",
  ],
  mac: [
    "hmac-sha1",
    "hmac-sha1-96",
    "hmac-sha2-256",
    "hmac-sha2-512",
    "hmac-md5",
    "hmac-md5-96",
    "umac-64@openssh.com",
    "umac-128@openssh.com",
    "hmac-sha1-etm@openssh.com",
    "hmac-sha1-96-etm@openssh.com",
    "hmac-sha2-256-etm@openssh.com",
    "hmac-sha2-512-etm@openssh.com",
    "hmac-md5-etm@openssh.com",
    "hmac-md5-96-etm@openssh.com",
    "umac-64-etm@openssh.com",
    "umac-128-etm@openssh.com",
  ],
  hostKey: keyAlgorithms,
  caSignature: keyAlgorithms.filter((name) => !name.includes("-cert-")),
};

const plainKeys = [
  "ssh-ed25519",
  "ecdsa-sha2-nistp256",
  "ecdsa-sha2-nistp384",
  "ecdsa-sha2-nistp521",
  "sk-ssh-ed25519@openssh.com",
  "sk-ecdsa-sha2-nistp256@openssh.com",
  "rsa-sha2-512",
  "rsa-sha2-256",
];

/** The certificates' name for a plain algorithm (PROTOCOL.certkeys). */
export const certificateAlgorithm = (plain: string): string =>
  `${plain.replace(/@openssh\.com$/, "")}-cert-v01@openssh.com`;

/** What OpenSSH 9.2 offers when nothing is said. */
export const opensshDefaults: Record<ListKind, readonly string[]> = {
  kex: [
    "sntrup761x25519-sha512",
    "sntrup761x25519-sha512@openssh.com",
    "curve25519-sha256",
    "curve25519-sha256@libssh.org",
    "ecdh-sha2-nistp256",
    "ecdh-sha2-nistp384",
    "ecdh-sha2-nistp521",
    "diffie-hellman-group-exchange-sha256",
    "diffie-hellman-group16-sha512",
    "diffie-hellman-group18-sha512",
    "diffie-hellman-group14-sha256",
  ],
  cipher: [
    "chacha20-poly1305@openssh.com",
    "aes128-ctr",
    "aes192-ctr",
    "aes256-ctr",
    "aes128-gcm@openssh.com",
    "aes256-gcm@openssh.com",
  ],
  mac: [
    "umac-64-etm@openssh.com",
    "umac-128-etm@openssh.com",
    "hmac-sha2-256-etm@openssh.com",
    "hmac-sha2-512-etm@openssh.com",
    "hmac-sha1-etm@openssh.com",
    "umac-64@openssh.com",
    "umac-128@openssh.com",
    "hmac-sha2-256",
    "hmac-sha2-512",
    "hmac-sha1",
  ],
  hostKey: [...plainKeys.map(certificateAlgorithm), ...plainKeys],
  caSignature: plainKeys,
};

/**
 * The names that a list stands for: `+list` adds to the defaults, `-list` takes away from them, `^list` puts first, anything else replaces
 * them. Wildcards stand for what `all` has.
 * @param all every name there is, those of `defaults` among them
 * @returns empty when nothing is left, or for a negation outside of `-list`: ssh refuses to go on
 */
export const assembleAlgorithms = (
  list: AlgorithmList,
  defaults: readonly string[],
  all: readonly string[],
): string[] => {
  if (list === null || list === "") return [...defaults];
  const written = list.slice(1);
  switch (list[0]) {
    case "-":
      return defaults.filter((name) => !matchPatternList(name, written, false));
    case "+":
      return expand([...defaults, ...written.split(",")], all);
    case "^":
      return expand([...written.split(","), ...defaults], all);
    default:
      return expand(list.split(","), all);
  }
};

const expand = (patterns: readonly string[], all: readonly string[]): string[] => {
  if (patterns.some((pattern) => pattern.startsWith("!"))) return [];
  return [...new Set(patterns.flatMap((pattern) => all.filter((name) => matchPatternList(name, pattern, false))))];
};
