/** Messages of the SSH agent protocol (draft-miller-ssh-agent), without a socket. */
import { WireReader, wireString } from "../wire-reader.ts";
import { type PublicKey, publicKeyOf } from "./public-key.ts";
import { uint32 } from "./wire-numbers.ts";

/** Section 6.1. */
const message = {
  success: 6,
  requestIdentities: 11,
  identitiesAnswer: 12,
  signRequest: 13,
  signResponse: 14,
  addIdentity: 17,
  addIdentityConstrained: 25,
} as const;

/** Section 6.3: without a flag an RSA key signs with SHA-1. */
const signFlags: Readonly<Record<string, number>> = { "rsa-sha2-256": 2, "rsa-sha2-512": 4 };
/** Section 6.2. */
const constrain = { lifetime: 1, confirm: 2 } as const;

/** ssh(1)'s MAX_AGENT_IDENTITIES. */
const mostIdentities = 2048;

export interface AgentIdentity extends PublicKey {
  /** What the agent has it under: untrusted. */
  comment: string;
}

export interface KeyConstraints {
  /** Seconds until the agent forgets it; null is never. */
  lifetime: number | null;
  /** Whether the agent asks before each use. */
  confirm: boolean;
}

export const identitiesRequest = (): Buffer => Buffer.of(message.requestIdentities);

/** @returns the keys in the agent's order, each as it came; null for an answer that is none */
export const readIdentities = (answer: Buffer): AgentIdentity[] | null => {
  const reader = new WireReader(answer);
  if (reader.byte() !== message.identitiesAnswer) return null;
  const count = reader.uint32();
  if (reader.isCut || count > mostIdentities) return null;
  const found: AgentIdentity[] = [];
  for (let index = 0; index < count; index++) {
    const key = publicKeyOf(reader.string());
    const comment = reader.string().toString("utf8");
    if (reader.isCut) return null;
    if (key !== null) found.push({ ...key, comment });
  }
  return found;
};

/** @param algorithm what the signature is to name */
export const signRequest = ({ blob }: PublicKey, data: Buffer, algorithm: string): Buffer =>
  Buffer.concat([
    Buffer.of(message.signRequest),
    wireString(blob),
    wireString(data),
    uint32(signFlags[algorithm] ?? 0),
  ]);

/** @returns the signature in wire form, whatever it holds; null when the agent refused */
export const readSignature = (answer: Buffer): Buffer | null => {
  const reader = new WireReader(answer);
  if (reader.byte() !== message.signResponse) return null;
  const signature = reader.string();
  return reader.isCut || signature.length === 0 ? null : signature;
};

/** @param fields of `PrivateKey.agentFields` */
export const addRequest = (fields: Buffer, comment: string, { lifetime, confirm }: KeyConstraints): Buffer => {
  const constraints = [
    ...(lifetime === null ? [] : [Buffer.of(constrain.lifetime), uint32(lifetime)]),
    ...(confirm ? [Buffer.of(constrain.confirm)] : []),
  ];
  const type = constraints.length === 0 ? message.addIdentity : message.addIdentityConstrained;
  return Buffer.concat([Buffer.of(type), fields, wireString(comment), ...constraints]);
};

export const isSuccess = (answer: Buffer): boolean => answer[0] === message.success;
