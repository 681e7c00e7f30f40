/**
 * What is offered in the key exchange (RFC 4253, section 7.1). No SHA-1, no CBC. Classic Diffie-Hellman is left
 * out: it blocks Bun's event loop for 0.4 to 26 s, and with it every other session; all servers since OpenSSH 5.7
 * and Dropbear 2013.60 have elliptic curves.
 */
import type ssh2 from "ssh2";

const keyExchange = [
  "curve25519-sha256",
  "curve25519-sha256@libssh.org",
  "ecdh-sha2-nistp256",
  "ecdh-sha2-nistp384",
  "ecdh-sha2-nistp521",
] as const;

const hostKeys = [
  "ssh-ed25519",
  "ecdsa-sha2-nistp256",
  "ecdsa-sha2-nistp384",
  "ecdsa-sha2-nistp521",
  "rsa-sha2-512",
  "rsa-sha2-256",
] as const;

const ciphers = ["aes128-gcm@openssh.com", "aes256-gcm@openssh.com", "aes128-ctr", "aes192-ctr", "aes256-ctr"] as const;

const macs = [
  "hmac-sha2-256-etm@openssh.com",
  "hmac-sha2-512-etm@openssh.com",
  "hmac-sha2-256",
  "hmac-sha2-512",
] as const;

/**
 * @param knownKeyTypes types of the host's keys in known_hosts: their algorithms come first, so that a host known by
 *   one key is not met as unknown by another
 */
export const algorithmsFor = (knownKeyTypes: readonly string[]): ssh2.Algorithms => {
  const isKnown = (algorithm: string): boolean =>
    knownKeyTypes.includes(algorithm.startsWith("rsa-sha2-") ? "ssh-rsa" : algorithm);
  return {
    kex: [...keyExchange],
    serverHostKey: [...hostKeys.filter(isKnown), ...hostKeys.filter((algorithm) => !isKnown(algorithm))],
    cipher: [...ciphers],
    hmac: [...macs],
    compress: ["none"],
  };
};
