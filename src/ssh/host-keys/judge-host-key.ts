/** What known_hosts says of the key or the certificate a server shows, as sshconnect.c check_host_key of OpenSSH 9.2 decides it. */
import { SshMcpError } from "../../core/errors.ts";
import { escapeLine } from "../../core/escape.ts";
import { type Certificate, isCertificateType, parseCertificate, verifyCertificate } from "../certificate.ts";
import { fingerprint, keyType } from "../public-key.ts";
import { signatureAlgorithms } from "../signature.ts";
import { WireReader } from "../wire-reader.ts";
import { type HostCertificateFacts, hostCertificateProblem } from "./host-certificate.ts";
import { checkHostKey, type HostKeyVerdict, type KnownHost, type KnownKey } from "./known-hosts.ts";

export interface Judgement {
  verdict: HostKeyVerdict;
  /** The plain key, in wire form: of a certificate, the one that it certifies. */
  key: Uint8Array;
  /** Whether it is the certificate that was accepted, not the key in it. */
  byAuthority: boolean;
  /** Why the certificate was passed over, to be read behind "its certificate"; null where there is none, or no authority is known for the host. */
  passedOver: string | null;
}

/** What a server shows, read. */
export interface ShownKey {
  key: Uint8Array;
  certificate: Certificate | null;
}

/**
 * Reads what a server shows.
 * @param blob a public key or a certificate in wire form
 * @throws SshMcpError PROTOCOL_ERROR when it is neither, and for a certificate that nobody signed
 */
export const readShownKey = (blob: Uint8Array): ShownKey => {
  const type = new WireReader(blob).string().toString("latin1");
  if (!isCertificateType(type)) return { key: blob, certificate: null };
  const certificate = parseCertificate(blob);
  if (certificate === null) throw notReadable("the server's host certificate is damaged");
  // What is not verified here, as SHA-1, is passed over by whoever judges, and the key in it stands for itself, as in ssh.
  if (signatureAlgorithms.has(certificate.signatureAlgorithm) && !verifyCertificate(certificate)) {
    throw notReadable("the server's host certificate is not signed by the authority that it names");
  }
  return { key: certificate.publicKey, certificate };
};

/** A certificate that does not hold is passed over, as in ssh: then the key in it has to be known itself. */
export const judgeHostKey = (known: KnownHost, shown: ShownKey, facts: HostCertificateFacts): Judgement => {
  const { key, certificate } = shown;
  if (certificate === null) {
    return { verdict: checkHostKey(known, key), key, byAuthority: false, passedOver: null };
  }
  const { signatureKey } = certificate;
  const revoked = known.revoked.find((one) => isSame(one, key) || isSame(one, signatureKey));
  if (revoked !== undefined) {
    return { verdict: { status: "revoked", by: revoked }, key, byAuthority: false, passedOver: null };
  }
  const authorities = [...known.certAuthorities, ...known.certAuthoritiesWithoutPort];
  const by = authorities.find((one) => isSame(one, signatureKey));
  const problem =
    by === undefined
      ? foreign(certificate, authorities)
      : (hostCertificateProblem(certificate, facts) ?? unverifiable(certificate));
  if (by !== undefined && problem === null) {
    return { verdict: { status: "match", by }, key, byAuthority: true, passedOver: null };
  }
  return { verdict: checkHostKey(known, key), key, byAuthority: false, passedOver: problem };
};

/** CASignatureAlgorithms may name what is not verified here: nothing is taken on its word. */
const unverifiable = (certificate: Certificate): string | null =>
  verifyCertificate(certificate)
    ? null
    : `is signed by ${escapeLine(certificate.signatureAlgorithm)}, which ssh-mcp does not take`;

/** An authority is said to be another one only where there is one to compare with. */
const foreign = ({ signatureKey }: Certificate, authorities: readonly KnownKey[]): string | null =>
  authorities.length === 0 ? null : `is signed by another authority, ${describeKey(signatureKey)}`;

/** `ssh-ed25519 SHA256:…` */
export const describeKey = (key: Uint8Array): string => `${keyType(key)} ${fingerprint(key)}`;

const isSame = (one: KnownKey, key: Uint8Array): boolean => Buffer.compare(one.key, key) === 0;

const notReadable = (message: string): SshMcpError => new SshMcpError("PROTOCOL_ERROR", message);
