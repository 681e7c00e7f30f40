/** Public keys as they are offered: the bytes on the wire, whatever they mean. */
import { parseCertificate } from "../certificate.ts";
import { WireReader } from "../wire-reader.ts";

export interface PublicKey {
  /** The name that the blob begins with: `ssh-ed25519`, `ssh-rsa-cert-v01@openssh.com`. */
  type: string;
  /** In wire form (RFC 4253, section 6.6). */
  blob: Buffer;
}

/** @returns null for bytes that begin with no name of a key type */
export const publicKeyOf = (blob: Buffer): PublicKey | null => {
  const type = new WireReader(blob).string().toString("latin1");
  // RFC 4251, section 6: names are printable US-ASCII, at most 64 characters, without commas.
  return /^[!-+\--~]{1,64}$/.test(type) ? { type, blob } : null;
};

/**
 * The key of a `.pub` file: the first line that is `TYPE BASE64 COMMENT`, as sshd(8) has it without options.
 * @returns null when there is none
 */
export const publicKeyOfText = (text: string): PublicKey | null => {
  for (const line of text.split("\n")) {
    const [type = "", base64 = ""] = line.trim().split(/[ \t]+/, 2);
    if (type === "" || type.startsWith("#")) continue;
    const key = publicKeyOf(Buffer.from(base64, "base64"));
    return key?.type === type ? key : null;
  }
  return null;
};

/** The blob of the key itself, also when a certificate tells it. */
export const plainBlob = ({ blob }: PublicKey): Buffer => Buffer.from(parseCertificate(blob)?.publicKey ?? blob);

/** Bits of an RSA key's modulus, of a certificate's too; null for keys of another kind. */
export const rsaBits = ({ type, blob }: PublicKey): number | null => {
  if (type !== "ssh-rsa" && !/^(ssh-rsa|rsa-sha2-(256|512))-cert-v01@openssh\.com$/.test(type)) return null;
  const reader = new WireReader(blob);
  reader.string();
  // A certificate has a nonce before the key (PROTOCOL.certkeys).
  if (type !== "ssh-rsa") reader.string();
  reader.string();
  const modulus = reader.string();
  const first = modulus.findIndex((byte) => byte !== 0);
  if (first === -1) return 0;
  return (modulus.length - first) * 8 - Math.clz32(modulus[first] ?? 0) + 24;
};
