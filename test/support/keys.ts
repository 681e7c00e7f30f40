import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { mustRun } from "./command.ts";
import { tempDir } from "./temp.ts";

export type KeyType = "ed25519" | "ecdsa" | "rsa";

export interface PublicKey {
  /** `ssh-ed25519`, `ecdsa-sha2-nistp256`, `ssh-rsa`. */
  algorithm: string;
  /** The blob on the wire (RFC 4253, section 6.6). */
  blob: Uint8Array;
  /** `algorithm base64`, without a comment: what authorized_keys and known_hosts lines are made of. */
  line: string;
  /** As ssh shows it: `SHA256:` and unpadded base64. */
  fingerprint: string;
}

export interface KeyPair extends PublicKey {
  /** The private key file, 0600; `.pub` lies beside it. */
  path: string;
}

export interface KeyOptions {
  type?: KeyType;
  bits?: number;
  /** Empty for none. */
  passphrase?: string;
  /** `OpenSSH` is ssh-keygen's own format; the others are what older tools write. */
  format?: "OpenSSH" | "PEM" | "PKCS8";
  /** bcrypt rounds of an encrypted OpenSSH key; 16 is ssh-keygen's default, fewer keep tests quick. */
  rounds?: number;
  /** The file to write; by default one in a fresh directory. */
  path?: string;
  comment?: string;
}

/** Makes a key pair with ssh-keygen. */
export const makeKey = async (options: KeyOptions = {}): Promise<KeyPair> => {
  const { type = "ed25519", passphrase = "", format = "OpenSSH", comment = "test" } = options;
  const path = options.path ?? join(tempDir("key"), `id_${type}`);
  const argv = ["ssh-keygen", "-q", "-t", type, "-N", passphrase, "-C", comment, "-f", path];
  if (options.bits !== undefined) argv.push("-b", String(options.bits));
  if (options.rounds !== undefined) argv.push("-a", String(options.rounds));
  if (format !== "OpenSSH") argv.push("-m", format);
  await mustRun(argv);
  return { ...readPublicKey(`${path}.pub`), path };
};

export const readPublicKey = (path: string): PublicKey => parsePublicKey(readFileSync(path, "utf8"));

/** @param line `algorithm base64 [comment]`, as in a .pub file */
export const parsePublicKey = (line: string): PublicKey => {
  const [algorithm = "", base64 = ""] = line.trim().split(/\s+/);
  const blob = new Uint8Array(Buffer.from(base64, "base64"));
  const digest = createHash("sha256").update(blob).digest("base64").replace(/=+$/, "");
  return { algorithm, blob, line: `${algorithm} ${base64}`, fingerprint: `SHA256:${digest}` };
};

/** A known_hosts line for a key, in ssh's spelling: a port other than 22 is written `[host]:port`. */
export const knownHostsLine = (host: string, port: number, key: PublicKey): string =>
  `${port === 22 ? host : `[${host}]:${port}`} ${key.line}\n`;
