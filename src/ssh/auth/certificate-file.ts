/** OpenSSH user certificates in files: CertificateFile, and `-cert.pub` beside a key. */
import { access } from "node:fs/promises";
import { SshMcpError } from "../../core/errors.ts";
import { escapeLine } from "../../core/escape.ts";
import { quoteWord } from "../../core/quote.ts";
import { type Certificate, isCertificateType, parseCertificate } from "../certificate.ts";
import { fingerprint } from "../host-keys/known-hosts-key.ts";
import { readPublicKey } from "./key-file.ts";
import type { PublicKey } from "./public-key.ts";

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
    const isThere = await access(path).then(
      () => true,
      () => false,
    );
    throw unusable(path, isThere ? "it is no certificate, or it is damaged" : "there is no such file");
  }
  const certificate = parseCertificate(key.blob);
  if (certificate === null) {
    throw unusable(path, isCertificateType(key.type) ? "it is damaged" : "it is no certificate but a plain key");
  }
  if (certificate.kind !== "user") throw unusable(path, "it is a host's certificate, not a user's");
  return { path, key, certificate };
};

/** The certificate that ssh(1) takes beside a key file without being told; null when there is none. */
export const certificateBeside = async (keyPath: string): Promise<CertificateFile | null> =>
  (await readCertificate(`${keyPath}-cert`)) ?? (await readCertificate(`${keyPath}-cert.pub`));

/** As `certificateBeside`, of a key that the person named. @throws SshMcpError KEY_INVALID for one that is there and is no use */
export const mustReadBeside = async (keyPath: string): Promise<CertificateFile | null> => {
  for (const path of [`${keyPath}-cert`, `${keyPath}-cert.pub`]) {
    const isThere = await access(path).then(
      () => true,
      () => false,
    );
    if (isThere) return await mustReadCertificate(path);
  }
  return null;
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
