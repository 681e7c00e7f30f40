import { sign } from "node:crypto";
import { access } from "node:fs/promises";
import { promisify } from "node:util";
import type { ParsedKey } from "ssh2";
import { SshMcpError } from "../../core/errors.ts";
import { escapeLine } from "../../core/escape.ts";
import type { Ask } from "../../core/session.ts";
import { pathToType } from "../../files/process-path.ts";
import { type AgentKey, listAgentKeys } from "./agent.ts";
import { decryptKey, type KeyFile, readKeyFile } from "./key-file.ts";

/** Passphrases that may be tried for one key, as ssh(1)'s NumberOfPasswordPrompts has it. */
const passphraseTries = 3;

/** One key to offer: what the server is shown first, and how to sign once it agrees. */
export interface Identity {
  /** May need the passphrase when nothing tells the public key; null when it was not given. */
  publicKey(): Promise<ParsedKey | null>;
  sign(data: Buffer, options: { hash?: "sha1" | "sha256" | "sha512" }): Promise<Buffer>;
}

/** The login that the keys are for. */
export interface LoginUnderWay {
  /** Aborts when it is over, however it went: what is still being done for it has become useless. */
  over: AbortSignal;
  /** Runs something that counts in none of its limits. */
  offTheClock<T>(work: () => Promise<T>): Promise<T>;
}

export interface IdentityOptions {
  /** Files the caller named, read beforehand: one that cannot be used is an error before anything is dialled. */
  named: readonly KeyFile[];
  /** Files of ssh_config or the defaults: what cannot be used is passed over, as ssh(1) does. */
  configured: readonly string[];
  identitiesOnly: boolean;
  agentSocket: string | null;
  ask: Ask;
  login: LoginUnderWay;
  /** For questions, see Question. */
  destination: string;
  connectCommand: string;
}

/**
 * The keys to offer, in ssh(1)'s order: agent keys that a file names, the agent's others unless
 * IdentitiesOnly, then keys only in files.
 */
export const collectIdentities = async (options: IdentityOptions): Promise<Identity[]> => {
  const files = [...options.named, ...(await readConfigured(options.configured))];
  const inAgent = await listAgentKeys(options.agentSocket);
  const blobs = new Map(files.map((file) => [file, knownBlob(file)]));
  const order = (entry: AgentKey): number => [...blobs.values()].indexOf(blobOf(entry.key));
  const matching = inAgent.filter((entry) => order(entry) !== -1).sort((a, b) => order(a) - order(b));
  const others = options.identitiesOnly ? [] : inAgent.filter((entry) => order(entry) === -1);
  const agentBlobs = new Set(inAgent.map((entry) => blobOf(entry.key)));
  const onlyInFiles = files.filter((file) => file.kind !== "public" && !agentBlobs.has(blobs.get(file) ?? ""));
  return [...[...matching, ...others].map(agentIdentity), ...onlyInFiles.map((file) => fileIdentity(file, options))];
};

const readConfigured = async (paths: readonly string[]): Promise<KeyFile[]> => {
  const files: KeyFile[] = [];
  for (const path of paths) {
    try {
      // Most of the default files are not there; that is no event.
      await access(path);
      files.push(await readKeyFile(path));
    } catch {
      // ssh(1) passes over what it cannot use, and so do we: another key, or a password, may do.
    }
  }
  return files;
};

const blobOf = (key: ParsedKey): string => key.getPublicSSH().toString("base64");

const knownBlob = (file: KeyFile): string | null => {
  if (file.kind === "encrypted") return file.publicKey === null ? null : blobOf(file.publicKey);
  return blobOf(file.key);
};

const agentIdentity = ({ key, agent }: AgentKey): Identity => ({
  publicKey: async () => key,
  sign: (data, options) =>
    new Promise((resolve, reject) => {
      agent.sign(key, data, options, (error, signature) => {
        if (error || signature === undefined) reject(error ?? new Error("the agent gave no signature"));
        else resolve(signature);
      });
    }),
});

const fileIdentity = (file: KeyFile, options: IdentityOptions): Identity => {
  let opened: Promise<ParsedKey> | null = null;
  const privateKey = (): Promise<ParsedKey> => {
    opened ??= file.kind === "encrypted" ? askPassphrase(file, options) : Promise.resolve(file.key);
    return opened;
  };
  return {
    publicKey: async () => (file.kind === "encrypted" ? (file.publicKey ?? (await privateKey())) : file.key),
    sign: async (data, { hash }) => signWith(await privateKey(), data, hash),
  };
};

/** Bytes of a public key from which on a signature is not made while everything else waits: RSA of 4096 bits has 535. */
const largeKey = 500;

const signWith = async (key: ParsedKey, data: Buffer, hash: string | undefined): Promise<Buffer> => {
  if (hash !== undefined && key.getPublicSSH().length > largeKey) {
    // With a callback it is another thread's work: 6 ms at 4096 bits, 40 at 8192, a second at 16384.
    return promisify<string, Buffer, string, Buffer>(sign)(hash, data, key.getPrivatePEM());
  }
  const signature: Buffer | Error = key.sign(data, hash);
  if (signature instanceof Error) throw signature;
  return signature;
};

/** @throws SshMcpError AUTH_REQUIRED when nobody can be asked, KEY_INVALID when no passphrase fits, CANCELED */
const askPassphrase = async (file: KeyFile & { kind: "encrypted" }, options: IdentityOptions): Promise<ParsedKey> => {
  for (let tries = 0; tries < passphraseTries; tries++) {
    const passphrase = await options.ask({
      kind: "passphrase",
      text: `Enter passphrase for key '${file.path}': `,
      echo: false,
      destination: options.destination,
      wanted: `the passphrase of ${escapeLine(file.path)}`,
      connectCommand: options.connectCommand,
    });
    if (passphrase === "") break;
    // As with the time a person takes: how long it is was decided when the key was made.
    const key = await options.login.offTheClock(() => decryptKey(file, passphrase, options.login.over));
    if (key !== null) return key;
  }
  throw new SshMcpError("KEY_INVALID", `the key file ${file.path} cannot be used: no passphrase fits`, {
    hint: `ssh-keygen -y -f ${pathToType(file.path, "KEY")}`,
  });
};
