/** The key files and certificates of a login, read before it: what the person named must be of use, the rest is passed over as ssh(1) does. */
import { SshMcpError } from "../../core/errors.ts";
import { escapeLine } from "../../core/escape.ts";
import { isThere } from "../../files/is-there.ts";
import { pathToType } from "../../files/process-path.ts";
import type { Agent } from "./agent.ts";
import {
  type CertificateFile,
  certificateOfAnother,
  mustReadCertificate,
  readBeside,
  readCertificate,
} from "./certificate-file.ts";
import { invalidKey, type KeyFile, keyFileOf, readKeyFile, readPublicKey } from "./key-file.ts";
import { type PublicKey, plainBlob, rsaBits } from "./public-key.ts";

export interface IdentityFile {
  file: KeyFile;
  /** The certificate beside it. */
  certificate: CertificateFile | null;
  /** What keeps something beside the key from being of use; for messages. */
  flaws: readonly string[];
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
  /** Those of CertificateFile that the person named. */
  namedCertificates: readonly string[];
  /** Those of ssh_config. */
  configuredCertificates: readonly string[];
  /** Whether certificates beside keys count. */
  readsBeside: boolean;
  /** RequiredRSASize. */
  requiredRsaBits: number;
  /** What a path holds that only the caller's process could read. */
  given: (path: string) => Uint8Array | undefined;
}

/** @throws SshMcpError KEY_INVALID for what the person named and cannot be used */
export const readNamedFiles = async (wanted: WantedFiles): Promise<IdentityFiles> => {
  const keys = await Promise.all(wanted.named.map((path) => namedKey(path, wanted)));
  const certificates = await Promise.all([
    ...wanted.namedCertificates.map(mustReadCertificate),
    ...wanted.configuredCertificates.map(readCertificate),
  ]);
  return { keys, certificates: certificates.filter((each) => each !== null) };
};

/**
 * What the agent decides of named files: whether it has the key of a file that holds none, and of a certificate that no file is for.
 * @throws SshMcpError KEY_INVALID
 */
export const mustBeUsable = async (
  { keys, certificates }: IdentityFiles,
  wanted: WantedFiles,
  agent: Agent | null,
): Promise<void> => {
  const elsewhere = await withoutPrivatePart(keys, wanted);
  // What ssh_config names need not be for the key that the person does.
  const named = certificates.filter(({ path }) => wanted.namedCertificates.includes(path));
  const strays = await strayCertificates(named, keys, wanted);
  if (elsewhere.length === 0 && strays.length === 0) return;
  const held = (await agent?.identities()) ?? [];
  const isHeld = (blob: Uint8Array): boolean => held.some((key) => key.blob.equals(blob));
  const missing = elsewhere.find(({ key }) => !isHeld(key.blob) && !isHeld(plainBlob(key)));
  if (missing !== undefined) throw await nowhere(missing);
  const stray = strays.find(({ certificate }) => !isHeld(certificate.publicKey));
  if (stray !== undefined) throw certificateOfAnother(stray, [...wanted.named, "those of the agent"]);
};

type PublicFile = KeyFile & { kind: "public" };

/** Named files of public keys whose private part no other file has. One that does not tell its public key may have any. */
const withoutPrivatePart = async (keys: readonly IdentityFile[], wanted: WantedFiles): Promise<PublicFile[]> => {
  const found = keys.flatMap(({ file }) => (file.kind === "public" ? [file] : []));
  if (found.length === 0) return [];
  const others = [...keys, ...(await readConfiguredFiles(wanted))].filter(({ file }) => file.kind !== "public");
  const told = others.map(({ file }) => publicKeyOfFile(file));
  const isElsewhere = ({ key }: PublicFile): boolean =>
    told.some((other) => other === null || plainBlob(other).equals(plainBlob(key)));
  return found.filter((file) => !isElsewhere(file));
};

const nowhere = async ({ path, key, why }: PublicFile): Promise<SshMcpError> => {
  const file = path.replace(/(-cert)?\.pub$/, "");
  const isAddable = key.type.startsWith("sk-") || (file !== path && (await isThere(file)));
  return invalidKey(
    path,
    why ?? "it holds a public key alone, and the agent does not have its private part",
    undefined,
    isAddable ? `ssh-add ${pathToType(file, "KEY")}` : "ssh-add -l",
  );
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
export const readConfiguredFiles = async (wanted: WantedFiles): Promise<IdentityFile[]> => {
  const found: IdentityFile[] = [];
  for (const path of wanted.configured) {
    const file = await configuredKey(path);
    if (file === null || tooSmall(path, publicKeyOfFile(file), wanted.requiredRsaBits) !== null) continue;
    found.push(await withBeside(file, wanted));
  }
  return found;
};

/** What lies beside a key was not named: nothing of it is a reason to fail, as in ssh(1). */
const withBeside = async (file: KeyFile, { readsBeside }: WantedFiles): Promise<IdentityFile> => {
  const { certificate, flaw } = readsBeside ? await readBeside(file.path, publicKeyOfFile(file)) : noCertificate;
  const isOther = file.kind !== "public" && file.isBesideAnother;
  const flaws = isOther ? [`${escapeLine(file.path)}.pub beside it is another key's`] : [];
  return { file, certificate, flaws: flaw === null ? flaws : [...flaws, flaw] };
};

const noCertificate = { certificate: null, flaw: null };

/** What is known of a file's public key; null when only the passphrase tells. */
export const publicKeyOfFile = (file: KeyFile): PublicKey | null =>
  file.kind === "public" ? file.key : file.publicKey;

const namedKey = async (path: string, wanted: WantedFiles): Promise<IdentityFile> => {
  const content = wanted.given(path);
  const file = content === undefined ? await namedFile(path) : keyFileOf(path, Buffer.from(content));
  const small = tooSmall(path, publicKeyOfFile(file), wanted.requiredRsaBits);
  if (small !== null) throw small;
  return content === undefined ? await withBeside(file, wanted) : { file, certificate: null, flaws: [] };
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

/** The error for an RSA key that is shorter than RequiredRSASize wants; null for any other. */
export const tooSmall = (path: string, key: PublicKey | null, required: number): SshMcpError | null => {
  const bits = key === null ? null : rsaBits(key);
  if (bits === null || bits >= required) return null;
  const why = `${bits} bits are too few for RSA: RequiredRSASize asks for ${required}`;
  return invalidKey(path, why, undefined, newKey);
};

/** What helps where a key is no use any more. */
const newKey = "ssh-keygen -t ed25519";
