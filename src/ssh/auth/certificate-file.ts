/** OpenSSH user certificates in files: CertificateFile, and `-cert.pub` beside a key. */
import { SshMcpError } from "../../core/errors.ts";
import { escapeLine } from "../../core/escape.ts";
import { quoteWord } from "../../core/quote.ts";
import { isThere } from "../../files/is-there.ts";
import { type Certificate, isCertificateType, parseCertificate } from "../certificate.ts";
import { fingerprint } from "../public-key.ts";
import { readPublicKey } from "./key-file.ts";
import { type PublicKey, plainBlob } from "./public-key.ts";

export interface CertificateFile {
  path: string;
  key: PublicKey;
  certificate: Certificate;
}

/** @returns null when there is none, or none that a user can log in with: ssh(1) passes over it */
export const readCertificate = async (path: string): Promise<CertificateFile | null> => {
  try {
    return await mustReadCertificate(path);
  } catch {
    return null;
  }
};

/** @throws SshMcpError KEY_INVALID */
export const mustReadCertificate = async (path: string): Promise<CertificateFile> => {
  const key = await readPublicKey(path);
  if (key === null) {
    throw unusable(path, (await isThere(path)) ? "it is no certificate, or it is damaged" : "there is no such file");
  }
  const certificate = parseCertificate(key.blob);
  if (certificate === null) {
    throw unusable(path, isCertificateType(key.type) ? "it is damaged" : "it is no certificate but a plain key");
  }
  if (certificate.kind !== "user") throw unusable(path, "it is a host's certificate, not a user's");
  return { path, key, certificate };
};

/**
 * The certificate that ssh(1) takes beside a key file without being told; null when there is none, or none of use.
 * @param key what the file holds, where that is known
 * @returns with what keeps it from being of use, for messages
 */
export const readBeside = async (
  keyPath: string,
  key: PublicKey | null,
): Promise<{ certificate: CertificateFile | null; flaw: string | null }> => {
  let flaw: string | null = null;
  for (const path of [`${keyPath}-cert`, `${keyPath}-cert.pub`]) {
    if (!(await isThere(path))) continue;
    try {
      const certificate = await mustReadCertificate(path);
      const isOther = key !== null && !plainBlob(key).equals(certificate.certificate.publicKey);
      return { certificate, flaw: isOther ? certificateOfAnother(certificate, [keyPath]).message : null };
    } catch (error) {
      if (!(error instanceof SshMcpError)) throw error;
      flaw ??= error.message;
    }
  }
  return { certificate: null, flaw };
};

/** @param keys what it should be for */
export const certificateOfAnother = ({ path, certificate }: CertificateFile, keys: readonly string[]): SshMcpError =>
  unusable(
    path,
    `it is for another key (${fingerprint(certificate.publicKey)}) than ${keys.map(escapeLine).join(", ")}`,
  );

/** What of its dates keeps a server from taking it, by this machine's clock; null when nothing does. */
export const datesOf = ({ path, certificate }: CertificateFile, now: Date): string | null => {
  const seconds = BigInt(Math.floor(now.getTime() / 1000));
  const { validAfter, validBefore } = certificate;
  if (seconds >= validBefore) return `the certificate ${escapeLine(path)} expired at ${when(validBefore)}`;
  if (seconds < validAfter) return `the certificate ${escapeLine(path)} is not valid before ${when(validAfter)}`;
  return null;
};

/** The last second that a Date can tell. */
const lastSecond = 8_640_000_000_000n;

const when = (seconds: bigint): string =>
  new Date(Number(seconds < lastSecond ? seconds : lastSecond) * 1000).toISOString().replace(".000Z", "Z");

const unusable = (path: string, why: string): SshMcpError =>
  new SshMcpError("KEY_INVALID", `the certificate ${escapeLine(path)} cannot be used: ${why}`, {
    hint: `ssh-keygen -L -f ${quoteWord(path)}`,
  });
