/** Private keys that are in our hands, as node:crypto holds them. */
import { createPrivateKey, createPublicKey, type JsonWebKey, type KeyObject, sign } from "node:crypto";
import { promisify } from "node:util";
import { wireString } from "../wire-reader.ts";
import type { PublicKey } from "./public-key.ts";
import { mpint } from "./wire-numbers.ts";

export interface PrivateKey extends PublicKey {
  /** What its file says of it; none where the format has no room for that. Untrusted. */
  comment?: string;
  /**
   * A signature in wire form: `string ALGORITHM, string SIGNATURE`.
   * @param algorithm of RFC 8332 for an RSA key; another one has only its own
   */
  sign(algorithm: string, data: Buffer): Promise<Buffer>;
  /** What an agent wants of it (draft-miller-ssh-agent, section 3.2), without the comment. */
  agentFields(): Buffer;
}

interface Curve {
  /** RFC 5656, section 10.1. */
  name: string;
  hash: string;
  /** Bytes of a coordinate. */
  size: number;
}

/** By their names in JWK (RFC 7518, section 6.2.1.1). */
export const curves: ReadonlyMap<string, Curve> = new Map([
  ["P-256", { name: "nistp256", hash: "sha256", size: 32 }],
  ["P-384", { name: "nistp384", hash: "sha384", size: 48 }],
  ["P-521", { name: "nistp521", hash: "sha512", size: 66 }],
]);

/** @returns null for a kind of key that ssh does not know, DSA among them */
export const privateKeyOf = (key: KeyObject): PrivateKey | null => {
  if (key.asymmetricKeyType === "rsa") return rsaKey(key);
  if (key.asymmetricKeyType === "ed25519") return ed25519Key(key);
  return key.asymmetricKeyType === "ec" ? ecdsaKey(key) : null;
};

/**
 * @param publicBlob what the file says that the public key is; another one means that it is damaged
 * @returns null for numbers that are no key
 */
export const privateKeyFrom = (jwk: JsonWebKey, publicBlob: Buffer | null): PrivateKey | null => {
  try {
    const key = privateKeyOf(createPrivateKey({ key: jwk, format: "jwk" }));
    return key !== null && (publicBlob === null || key.blob.equals(publicBlob)) ? key : null;
  } catch {
    return null;
  }
};

type Parts = Readonly<Record<string, Buffer>>;

const partsOf = (key: KeyObject): Parts => {
  const parts: Record<string, Buffer> = {};
  for (const [name, value] of Object.entries(key.export({ format: "jwk" }))) {
    if (typeof value === "string") parts[name] = Buffer.from(value, "base64url");
  }
  return parts;
};

const part = (parts: Parts, name: string): Buffer => parts[name] ?? Buffer.alloc(0);

/** With a callback the work is another thread's: RSA takes 6 ms at 4096 bits, 40 at 8192, a second at 16384. */
const signElsewhere = promisify<string | null, Buffer, Parameters<typeof sign>[2], Buffer>(sign);

const rsaHashes: Readonly<Record<string, string>> = {
  "rsa-sha2-512": "sha512",
  "rsa-sha2-256": "sha256",
  "ssh-rsa": "sha1",
};

const rsaKey = (key: KeyObject): PrivateKey => {
  const open = partsOf(createPublicKey(key));
  return {
    type: "ssh-rsa",
    blob: Buffer.concat([wireString("ssh-rsa"), mpint(part(open, "e")), mpint(part(open, "n"))]),
    sign: async (algorithm, data) => {
      const hash = rsaHashes[algorithm];
      if (hash === undefined) throw new Error(`an RSA key makes no ${algorithm} signature`);
      return Buffer.concat([wireString(algorithm), wireString(await signElsewhere(hash, data, key))]);
    },
    agentFields: () => {
      const parts = partsOf(key);
      return Buffer.concat([
        wireString("ssh-rsa"),
        ...["n", "e", "d", "qi", "p", "q"].map((name) => mpint(part(parts, name))),
      ]);
    },
  };
};

const ed25519Key = (key: KeyObject): PrivateKey => {
  const type = "ssh-ed25519";
  const point = part(partsOf(createPublicKey(key)), "x");
  return {
    type,
    blob: Buffer.concat([wireString(type), wireString(point)]),
    sign: async (_algorithm, data) =>
      Buffer.concat([wireString(type), wireString(await signElsewhere(null, data, key))]),
    agentFields: () =>
      Buffer.concat([wireString(type), wireString(point), wireString(Buffer.concat([part(partsOf(key), "d"), point]))]),
  };
};

const ecdsaKey = (key: KeyObject): PrivateKey | null => {
  const { crv, x, y } = createPublicKey(key).export({ format: "jwk" });
  const curve = curves.get(crv ?? "");
  if (curve === undefined || x === undefined || y === undefined) return null;
  const type = `ecdsa-sha2-${curve.name}`;
  const point = Buffer.concat([Buffer.of(4), Buffer.from(x, "base64url"), Buffer.from(y, "base64url")]);
  const blob = Buffer.concat([wireString(type), wireString(curve.name), wireString(point)]);
  return {
    type,
    blob,
    sign: async (_algorithm, data) => {
      const pair = await signElsewhere(curve.hash, data, { key, dsaEncoding: "ieee-p1363" });
      const half = pair.length / 2;
      // RFC 5656, section 3.1.2.
      const signature = Buffer.concat([mpint(pair.subarray(0, half)), mpint(pair.subarray(half))]);
      return Buffer.concat([wireString(type), wireString(signature)]);
    },
    agentFields: () => Buffer.concat([blob, mpint(part(partsOf(key), "d"))]),
  };
};
