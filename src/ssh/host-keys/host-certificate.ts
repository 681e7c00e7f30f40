/** Whether a host certificate holds for a host: sshkey_cert_check_host of OpenSSH 9.2, as its client calls it. */
import { escapeLine } from "../../core/escape.ts";
import type { Certificate } from "../certificate.ts";

export interface HostCertificateFacts {
  /** HostKeyAlias, or the name that is dialled, in lower case and without a port. */
  name: string;
  /** Seconds since 1970. */
  now: bigint;
  /** CASignatureAlgorithms. */
  caSignatureAlgorithms: readonly string[];
}

/**
 * What is wrong with a certificate, to be read behind "its certificate"; null when nothing is. Who signed it, and whether that is so, is not
 * looked at. As in ssh, principals of hosts are names and no patterns, and a certificate without any is for every host.
 */
export const hostCertificateProblem = (
  certificate: Certificate,
  { name, now, caSignatureAlgorithms }: HostCertificateFacts,
): string | null => {
  const { kind, validAfter, validBefore, principals, criticalOptions, signatureAlgorithm } = certificate;
  if (kind !== "host") return "is one of a user, not of a host";
  if (now < validAfter) return `is not valid before ${date(validAfter)}`;
  if (now >= validBefore) return `has expired on ${date(validBefore)}`;
  if (principals.length > 0 && !principals.includes(name)) {
    return `is not for ${escapeLine(name)}, but for ${listed(principals)}`;
  }
  const [option] = criticalOptions;
  if (option !== undefined) return `has the critical option ${escapeLine(option.name)}, which hosts do not have`;
  if (caSignatureAlgorithms.includes(signatureAlgorithm)) return null;
  return `is signed by ${escapeLine(signatureAlgorithm)}, which CASignatureAlgorithms does not have`;
};

/** How many of its names a message has. */
const listedNames = 5;

const listed = (names: readonly string[]): string => {
  const more = names.length > listedNames ? [`${names.length - listedNames} more`] : [];
  return [...names.slice(0, listedNames).map((name) => escapeLine(name.slice(0, 80))), ...more].join(", ");
};

/** The last second that a Date holds: a certificate may name later ones. */
const lastSecond = 8_640_000_000_000n;

const date = (seconds: bigint): string =>
  new Date(Number(seconds < lastSecond ? seconds : lastSecond) * 1000).toISOString().replace(/\.\d+Z$/, "Z");
