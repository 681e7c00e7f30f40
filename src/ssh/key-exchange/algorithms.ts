/**
 * What is offered in the key exchange (RFC 4253, section 7.1): what OpenSSH offers, as far as ssh2 has it, in the same order but for the
 * ciphers, where AES-GCM is much the fastest. Chacha20, umac and sntrup761 are not to be had.
 */
import type ssh2 from "ssh2";
import type { ResolvedHost } from "../../config/ssh-config/resolved-host.ts";
import {
  type AlgorithmKind,
  assembleAlgorithms,
  certificateAlgorithm,
  opensshAlgorithms,
  opensshDefaults,
} from "../../config/ssh-config/values/algorithm-list.ts";
import { SshMcpError } from "../../core/errors.ts";
import { escapeLine } from "../../core/escape.ts";

const plainHostKeys = [
  "ssh-ed25519",
  "ecdsa-sha2-nistp256",
  "ecdsa-sha2-nistp384",
  "ecdsa-sha2-nistp521",
  "rsa-sha2-512",
  "rsa-sha2-256",
];

/** Offered when nothing is said. */
export const defaultAlgorithms: Record<AlgorithmKind, readonly string[]> = {
  // OpenSSH's, but for what is not to be had here.
  kex: opensshDefaults.kex.filter((name) => !name.startsWith("sntrup761")),
  cipher: ["aes128-gcm@openssh.com", "aes256-gcm@openssh.com", "aes128-ctr", "aes192-ctr", "aes256-ctr"],
  mac: [
    "hmac-sha2-256-etm@openssh.com",
    "hmac-sha2-512-etm@openssh.com",
    "hmac-sha1-etm@openssh.com",
    "hmac-sha2-256",
    "hmac-sha2-512",
    "hmac-sha1",
  ],
  hostKey: [...plainHostKeys.map(certificateAlgorithm), ...plainHostKeys],
};

/** What old devices need and `legacy = true` adds, at the end: offered by default, they would be what an attacker asks for. */
export const legacyAlgorithms: Record<AlgorithmKind, readonly string[]> = {
  kex: ["diffie-hellman-group-exchange-sha1", "diffie-hellman-group14-sha1", "diffie-hellman-group1-sha1"],
  cipher: ["aes128-cbc", "aes192-cbc", "aes256-cbc", "3des-cbc"],
  mac: ["hmac-sha1-96", "hmac-md5"],
  hostKey: ["ssh-rsa"],
};

const asked: Record<AlgorithmKind, readonly string[]> = {
  kex: [],
  cipher: [],
  mac: ["hmac-md5-96"],
  hostKey: [certificateAlgorithm("ssh-rsa")],
};

/** All that can be had when ssh_config asks for it. */
export const supportedAlgorithms: Record<AlgorithmKind, readonly string[]> = {
  kex: [...defaultAlgorithms.kex, ...legacyAlgorithms.kex],
  cipher: [...defaultAlgorithms.cipher, ...legacyAlgorithms.cipher],
  mac: [...defaultAlgorithms.mac, ...legacyAlgorithms.mac, ...asked.mac],
  hostKey: [...defaultAlgorithms.hostKey, ...legacyAlgorithms.hostKey, ...asked.hostKey],
};

export interface AlgorithmChoice
  extends Pick<ResolvedHost, "kexAlgorithms" | "ciphers" | "macs" | "hostKeyAlgorithms" | "compression"> {
  /** Whether what old devices need is added to the defaults. An exact list of ssh_config's stays as it is. */
  legacy: boolean;
  /**
   * Types of the host's keys in known_hosts (`ssh-rsa`, not `rsa-sha2-512`): their algorithms come first, so that a host known by one key is not
   * met as unknown by another. Any certificate's type (`…-cert-v01@openssh.com`) stands for a certificate authority: all certificates come first.
   */
  knownKeyTypes: readonly string[];
}

const listed = {
  kex: { key: "kexAlgorithms", keyword: "KexAlgorithms" },
  cipher: { key: "ciphers", keyword: "Ciphers" },
  mac: { key: "macs", keyword: "MACs" },
  hostKey: { key: "hostKeyAlgorithms", keyword: "HostKeyAlgorithms" },
} as const;

/** ssh_config's keyword for a list. */
export const keywordOf = (kind: AlgorithmKind): string => listed[kind].keyword;

/** @throws SshMcpError CONFIG_INVALID when a list of ssh_config's has nothing that can be had */
export const algorithmsFor = (choice: AlgorithmChoice): ssh2.Algorithms => {
  const hostKeys = chosen("hostKey", choice);
  return {
    kex: chosen("kex", choice),
    serverHostKey: keepsItsOrder(choice.hostKeyAlgorithms) ? hostKeys : knownFirst(hostKeys, choice.knownKeyTypes),
    cipher: chosen("cipher", choice),
    hmac: chosen("mac", choice),
    compress: choice.compression ? ["zlib@openssh.com", "zlib", "none"] : ["none", "zlib@openssh.com", "zlib"],
  } as ssh2.Algorithms;
};

const chosen = (kind: AlgorithmKind, choice: AlgorithmChoice): string[] => {
  const list = choice[listed[kind].key];
  const defaults = [...defaultAlgorithms[kind], ...(choice.legacy ? legacyAlgorithms[kind] : [])];
  const names = assembleAlgorithms(list, defaults, opensshAlgorithms[kind]);
  const had = names.filter((name) => supportedAlgorithms[kind].includes(name));
  if (had.length > 0) return had;
  throw new SshMcpError(
    "CONFIG_INVALID",
    `${keywordOf(kind)} ${escapeLine(list ?? "")} leaves nothing to offer: ssh-mcp has ${supportedAlgorithms[kind].join(",")}`,
    { hint: `add to ssh_config, for this host: ${keywordOf(kind)} ${defaultAlgorithms[kind][0]}` },
  );
};

/** ssh(1) asks known_hosts for the order only when the list is the default's, added to or taken from. */
const keepsItsOrder = (list: string | null): boolean => list !== null && !/^[+-]/.test(list);

/** sshconnect2.c, order_hostkeyalgs. */
const knownFirst = (algorithms: readonly string[], knownKeyTypes: readonly string[]): string[] => {
  const hasAuthority = knownKeyTypes.some(isCertificate);
  const isKnown = (algorithm: string): boolean => knownKeyTypes.includes(plainKeyType(algorithm));
  // The best one is known, as a certificate or not: the order is fine as it is.
  if (algorithms[0] !== undefined && isKnown(algorithms[0])) return [...algorithms];
  const isFirst = (algorithm: string): boolean => (hasAuthority && isCertificate(algorithm)) || isKnown(algorithm);
  return [...algorithms.filter(isFirst), ...algorithms.filter((algorithm) => !isFirst(algorithm))];
};

const isCertificate = (algorithm: string): boolean => algorithm.endsWith("-cert-v01@openssh.com");

const plainKeyType = (algorithm: string): string =>
  algorithm.replace("-cert-v01@openssh.com", "").replace(/^rsa-sha2-.*/, "ssh-rsa");
