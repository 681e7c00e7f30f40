/** The key files and certificates of a login, read before it: what the person named must be of use, the rest is passed over as ssh(1) does. */
import { access } from "node:fs/promises";
import { SshMcpError } from "../../core/errors.ts";
import { pathToType } from "../../files/process-path.ts";
import type { Agent } from "./agent.ts";
import {
  type CertificateFile,
  certificateBeside,
  certificateOfAnother,
  mustReadBeside,
  mustReadCertificate,
  readCertificate,
} from "./certificate-file.ts";
import { invalidKey, type KeyFile, keyFileOf, readKeyFile, readPublicKey } from "./key-file.ts";
import { type PublicKey, rsaBits } from "./public-key.ts";

export interface IdentityFile {
  file: KeyFile;
  /** The certificate beside it. */
  certificate: CertificateFile | null;
}

export interface IdentityFiles {
  keys: readonly IdentityFile[];
  /** Those of CertificateFile. */
  certificates: readonly CertificateFile[];
}

export interface WantedFiles {
  /** Files that the person named. */
  named: readonly string[];
  /** Files of ssh_config or the defaults. */
  configured: readonly string[];
  /** CertificateFile; when it says anything, certificates beside keys do not count. */
  certificates: readonly string[];
  /** Whether the person named the certificates. */
  certificatesNamed: boolean;
  /** RequiredRSASize. */
  requiredRsaBits: number;
  /** What a path holds that only the caller's process could read. */
  given: (path: string) => Uint8Array | undefined;
}

/** @throws SshMcpError KEY_INVALID for what the person named and cannot be used */
export const readNamedFiles = async (wanted: WantedFiles): Promise<IdentityFiles> => {
  const keys = await Promise.all(wanted.named.map((path) => namedKey(path, wanted)));
  const read = wanted.certificatesNamed ? mustReadCertificate : readCertificate;
  const certificates = await Promise.all(wanted.certificates.map(read));
  return { keys, certificates: certificates.filter((each) => each !== null) };
};

/**
 * What the agent decides of named files: whether it has the key of a security key's file, and of a certificate that no file is for.
 * @throws SshMcpError KEY_INVALID
 */
export const mustBeUsable = async (
  { keys, certificates }: IdentityFiles,
  wanted: WantedFiles,
  agent: Agent | null,
): Promise<void> => {
  const elsewhere = keys.flatMap(({ file }) => (file.kind === "public" && file.why !== undefined ? [file] : []));
  const isStrict = wanted.certificatesNamed || wanted.named.length > 0;
  const strays = isStrict ? await strayCertificates(certificates, keys, wanted) : [];
  if (elsewhere.length === 0 && strays.length === 0) return;
  const held = (await agent?.identities()) ?? [];
  const isHeld = (blob: Uint8Array): boolean => held.some((key) => key.blob.equals(blob));
  const missing = elsewhere.find(({ key }) => !isHeld(key.blob));
  if (missing !== undefined) {
    const { path, why = "" } = missing;
    throw invalidKey(
      path,
      why,
      undefined,
      missing.key.type.startsWith("sk-") ? `ssh-add ${pathToType(path, "KEY")}` : undefined,
    );
  }
  const stray = strays.find(({ certificate }) => !isHeld(certificate.publicKey));
  if (stray !== undefined) throw certificateOfAnother(stray, [...wanted.named, "those of the agent"]);
};

/** Those that are for none of the files' keys. A file that does not tell its public key may have any. */
const strayCertificates = async (
  certificates: readonly CertificateFile[],
  keys: readonly IdentityFile[],
  wanted: WantedFiles,
): Promise<CertificateFile[]> => {
  if (certificates.length === 0) return [];
  const all = [...keys, ...(await readConfiguredFiles(wanted))].map(({ file }) => publicKeyOfFile(file));
  if (all.includes(null)) return [];
  return certificates.filter(({ certificate }) => !all.some((key) => key?.blob.equals(certificate.publicKey) === true));
};

/** @returns the files that can be used */
export const readConfiguredFiles = async ({
  configured,
  certificates,
  requiredRsaBits,
}: WantedFiles): Promise<IdentityFile[]> => {
  const found: IdentityFile[] = [];
  for (const path of configured) {
    const file = await configuredKey(path);
    if (file === null || isTooSmall(file, requiredRsaBits) !== null) continue;
    found.push({ file, certificate: certificates.length > 0 ? null : await certificateBeside(path) });
  }
  return found;
};

/** What is known of a file's public key; null when only the passphrase tells. */
export const publicKeyOfFile = (file: KeyFile): PublicKey | null =>
  file.kind === "encrypted" ? file.publicKey : file.key;

const namedKey = async (path: string, wanted: WantedFiles): Promise<IdentityFile> => {
  const content = wanted.given(path);
  const file = content === undefined ? await namedFile(path) : keyFileOf(path, Buffer.from(content));
  const small = isTooSmall(file, wanted.requiredRsaBits);
  if (small !== null) throw small;
  if (content !== undefined || wanted.certificates.length > 0) return { file, certificate: null };
  const certificate = await mustReadBeside(path);
  const key = publicKeyOfFile(file);
  if (certificate !== null && key !== null && !key.blob.equals(certificate.certificate.publicKey)) {
    throw certificateOfAnother(certificate, [path]);
  }
  return { file, certificate };
};

/** A key whose private part is in the agent alone is named by its file all the same. */
const namedFile = async (path: string): Promise<KeyFile> => {
  try {
    return await readKeyFile(path);
  } catch (error) {
    const key = (await isThere(path)) ? null : await readPublicKey(`${path}.pub`);
    if (key === null) throw error;
    return { kind: "public", path, key, why: "there is no such file, and the agent has no such key" };
  }
};

const configuredKey = async (path: string): Promise<KeyFile | null> => {
  try {
    // Most of the default files are not there; that is no event.
    if (await isThere(path)) return await readKeyFile(path);
  } catch (error) {
    if (!(error instanceof SshMcpError)) throw error;
    // What cannot be used may be in the agent.
  }
  const key = await readPublicKey(`${path}.pub`);
  return key === null ? null : { kind: "public", path, key };
};

const isThere = (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    () => false,
  );

const isTooSmall = (file: KeyFile, required: number): SshMcpError | null => {
  const key = publicKeyOfFile(file);
  const bits = key === null ? null : rsaBits(key);
  if (bits === null || bits >= required) return null;
  return invalidKey(file.path, `${bits} bits are too few for RSA: RequiredRSASize asks for ${required}`);
};
