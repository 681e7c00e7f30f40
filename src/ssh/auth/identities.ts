import { SshMcpError } from "../../core/errors.ts";
import { escapeLine } from "../../core/escape.ts";
import type { Ask } from "../../core/question.ts";
import { pathToType } from "../../files/process-path.ts";
import { isCertificateType, parseCertificate } from "../certificate.ts";
import { signatureAlgorithm } from "../signature.ts";
import type { Agent } from "./agent.ts";
import type { AgentIdentity } from "./agent-protocol.ts";
import { type CertificateFile, certificateOfAnother } from "./certificate-file.ts";
import { type IdentityFile, type IdentityFiles, publicKeyOfFile, tooSmall } from "./identity-files.ts";
import { decryptKey, type EncryptedKeyFile, invalidKey, type KeyFile } from "./key-file.ts";
import type { PrivateKey } from "./private-key.ts";
import { type PublicKey, plainBlob, rsaBits } from "./public-key.ts";
import { isAccepted, isKnownType, type KeyAlgorithms } from "./signature-algorithms.ts";

/** One key to offer: what the server is shown first, and how to sign once it agrees. */
export interface Identity {
  /** For messages: a path, or what the agent calls it; escaped. */
  name: string;
  /** The certificate file that it is, for what keeps a server from taking it. */
  certificate: CertificateFile | null;
  /** What keeps something of its files from being of use; for messages. */
  flaws: readonly string[];
  /** May need the passphrase when nothing tells the public key. @throws SshMcpError as `sign` */
  publicKey(): Promise<PublicKey>;
  /**
   * @param algorithm what the signature is to name
   * @returns a signature in wire form
   * @throws SshMcpError AUTH_REQUIRED when nobody can be asked for a passphrase, KEY_INVALID when none fits or nothing signs, CANCELED
   */
  sign(algorithm: string, data: Buffer): Promise<Buffer>;
}

/** The login that the keys are for. */
export interface LoginUnderWay {
  /** Aborts when it is over, however it went: what is still being done for it has become useless. */
  over: AbortSignal;
  /** Runs something that counts in none of its limits. */
  offTheClock<T>(work: () => Promise<T>): Promise<T>;
}

export interface IdentityOptions {
  files: IdentityFiles;
  identitiesOnly: boolean;
  /** Whether keys in files sign, and not only say which of the agent's keys come first. */
  filesSign: boolean;
  agent: Agent | null;
  algorithms: KeyAlgorithms;
  /** RequiredRSASize. */
  requiredRsaBits: number;
  /** Passphrases that may be tried for one key (NumberOfPasswordPrompts); 0 asks nobody. */
  passphraseTries: number;
  /** Told of a key from a file that is about to sign (AddKeysToAgent). */
  opened: (key: PrivateKey, path: string) => Promise<void>;
  ask: Ask;
  login: LoginUnderWay;
  /** For questions, see Question. */
  destination: string;
  connectCommand: string;
}

/** What is offered in one go: a key, or a certificate with whatever signs for it. */
interface Offer {
  key: PublicKey | null;
  file: FileKey | null;
  inAgent: AgentIdentity | null;
  certificate: CertificateFile | null;
  flaws: readonly string[];
}

/**
 * The keys to offer, in ssh(1)'s order (pubkey_prepare in sshconnect2.c): certificates that were named; keys of the agent that a file names, in
 * the agent's order; its others unless IdentitiesOnly; then what is only in files. Without those that PubkeyAcceptedAlgorithms leaves out.
 */
export const collectIdentities = async (options: IdentityOptions): Promise<Identity[]> => {
  const { files, agent, identitiesOnly, algorithms, requiredRsaBits } = options;
  const ofFiles = files.keys.flatMap((each) => offersOf(each, options));
  const ofAgent = (await (agent?.identities() ?? [])).filter(
    (key) => (rsaBits(key) ?? requiredRsaBits) >= requiredRsaBits,
  );
  const matching: Offer[] = [];
  const others: Offer[] = [];
  const left = new Set(ofFiles);
  for (const inAgent of ofAgent) {
    const named = [...left].find(({ key }) => key?.blob.equals(inAgent.blob) === true);
    if (named !== undefined) {
      left.delete(named);
      matching.push({ ...named, inAgent });
    } else if (!identitiesOnly) {
      others.push({ key: inAgent, file: null, inAgent, certificate: null, flaws: [] });
    }
  }
  // A kind of key that ssh(1) has never heard of counts against the server's limit as any other does: it waits.
  const [known, foreign] = [others.filter(isKnown), others.filter((offer) => !isKnown(offer))];
  const certificates = files.certificates.map((certificate) => ({
    ...{ key: certificate.key, file: null, inAgent: null, certificate, flaws: [] },
  }));
  const all = [...certificates, ...matching, ...known, ...left, ...foreign];
  return all
    .filter(({ key }) => key === null || isAccepted(key, algorithms))
    .map((offer) => identityOf(offer, signerOf(offer, all), options))
    .filter((identity) => identity !== null);
};

const isKnown = ({ key }: Offer): boolean => key !== null && isKnownType(key.type);

const offersOf = ({ file, certificate, flaws }: IdentityFile, options: IdentityOptions): Offer[] => {
  const opened = new FileKey(file, options);
  const plain = { key: publicKeyOfFile(file), file: opened, inAgent: null, certificate: null, flaws };
  return certificate === null ? [plain] : [plain, { ...plain, key: certificate.key, certificate }];
};

interface Signer {
  inAgent: AgentIdentity | null;
  file: FileKey | null;
}

/** Who signs for an offer; null for a key whose private part is nowhere: it is not offered. */
const signerOf = (offer: Offer, all: readonly Offer[]): Signer | null => {
  const { key, inAgent, file } = offer;
  if (inAgent !== null) return { inAgent, file: null };
  if (key === null || !isCertificateType(key.type))
    return file?.hasPrivatePart === true ? { inAgent: null, file } : null;
  const certified = parseCertificate(key.blob)?.publicKey;
  const same = all.filter((other) => certified !== undefined && other.key?.blob.equals(certified) === true);
  const held = same.find((other) => other.inAgent !== null);
  if (held !== undefined) return { inAgent: held.inAgent, file: null };
  const inFile =
    same.find((other) => other.file?.hasPrivatePart === true) ?? (file?.hasPrivatePart === true ? offer : null);
  // A file that does not tell its public key may be the certificate's: opening it shows.
  return inFile === null || inFile === undefined ? null : { inAgent: null, file: inFile.file };
};

const identityOf = (offer: Offer, signer: Signer | null, { agent, login }: IdentityOptions): Identity | null => {
  if (signer === null) return null;
  const { inAgent, file } = signer;
  const { certificate, flaws } = offer;
  const name = escapeLine(certificate?.path ?? offer.file?.path ?? inAgent?.comment ?? "");
  return {
    name,
    certificate,
    flaws,
    publicKey: async () => offer.key ?? (await (file as FileKey).open()),
    sign: async (algorithm, data) => {
      if (inAgent === null || agent === null) return await (file as FileKey).sign(algorithm, data, certificate);
      // A person may have to touch the key, or to say yes.
      const signing = login.offTheClock(() => agent.sign(inAgent, data, algorithm, login.over));
      const signature = await signing.catch((cause: unknown) => {
        throw refused(name, cause instanceof Error ? cause.message : "it did not answer", cause);
      });
      if (signature === null) throw refused(name, "it refused to sign");
      const made = signatureAlgorithm(signature);
      // What nobody here knows is passed on as it is.
      if (isKnownType(inAgent.type) && made !== algorithm) {
        throw refused(name, `it made a signature of type ${escapeLine(made ?? "")} instead of ${algorithm}`);
      }
      return signature;
    },
  };
};

const refused = (name: string, why: string, cause?: unknown): SshMcpError =>
  new SshMcpError("KEY_INVALID", `the agent's key ${name} cannot be used: ${escapeLine(why)}`, {
    cause,
    hint: "ssh-add -l",
  });

/** A key in a file, opened when its turn comes and once only. */
class FileKey {
  readonly path: string;
  readonly hasPrivatePart: boolean;
  readonly #file: KeyFile;
  readonly #options: IdentityOptions;
  #opened: Promise<PrivateKey> | null = null;
  #isTold = false;

  constructor(file: KeyFile, options: IdentityOptions) {
    this.path = file.path;
    this.hasPrivatePart = file.kind !== "public" && options.filesSign;
    this.#file = file;
    this.#options = options;
  }

  open(): Promise<PrivateKey> {
    const file = this.#file;
    if (file.kind === "public") throw new SshMcpError("INTERNAL", "a public key cannot sign");
    this.#opened ??= file.kind === "private" ? Promise.resolve(file.key) : askPassphrase(file, this.#options);
    return this.#opened;
  }

  async sign(algorithm: string, data: Buffer, certificate: CertificateFile | null): Promise<Buffer> {
    const key = await this.open();
    const file = this.#file as Exclude<KeyFile, { kind: "public" }>;
    const expected = certificate?.key ?? file.publicKey ?? key;
    // Its `.pub` or its certificate said another key than the file holds.
    if (certificate !== null && !key.blob.equals(certificate.certificate.publicKey))
      throw certificateOfAnother(certificate, [this.path]);
    if (!key.blob.equals(plainBlob(expected)))
      throw invalidKey(this.path, "it does not belong to the public key beside it", undefined, file.opener);
    const small = tooSmall(this.path, key, this.#options.requiredRsaBits);
    if (small !== null) throw small;
    if (!this.#isTold) {
      this.#isTold = true;
      await this.#options.opened(key, this.path);
    }
    return await key.sign(algorithm, data);
  }
}

const askPassphrase = async (file: EncryptedKeyFile, options: IdentityOptions): Promise<PrivateKey> => {
  for (let tries = 0; tries < options.passphraseTries; tries++) {
    const passphrase = await options.ask({
      kind: "passphrase",
      text: `Enter passphrase for key '${file.path}': `,
      echo: false,
      destination: options.destination,
      wanted: `the passphrase of ${escapeLine(file.path)}`,
      connectCommand: options.connectCommand,
      keyFile: file.path,
    });
    if (passphrase === "") break;
    // As with the time a person takes: how long it is was decided when the key was made.
    const key = await options.login.offTheClock(() => decryptKey(file, passphrase, options.login.over));
    if (key !== null) return key;
  }
  if (options.passphraseTries > 0) throw invalidKey(file.path, "no passphrase fits", undefined, file.opener);
  const why = "nobody is asked for its passphrase (BatchMode)";
  throw invalidKey(file.path, why, undefined, `ssh-add ${pathToType(file.path, "KEY")}`);
};
