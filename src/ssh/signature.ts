/** Signatures by public keys in wire form: RFC 4253, section 6.6; RFC 5656, 8332, 8709; PROTOCOL.u2f of OpenSSH. */
import { createHash, createPublicKey, type JsonWebKey, type KeyObject, verify } from "node:crypto";
import { fewestRsaBits } from "../config/ssh-config/resolved-host.ts";
import { WireReader } from "./wire-reader.ts";

/** The algorithm a signature names; null when it is no signature. */
export const signatureAlgorithm = (signature: Uint8Array): string | null => {
  const reader = new WireReader(signature);
  const algorithm = reader.string().toString("latin1");
  return reader.isCut ? null : algorithm;
};

/**
 * Whether a signature is this key's, of these bytes. RSA with SHA-1 and DSA are taken for no signatures, and neither is one by a certificate.
 * @param key in wire form
 * @param signature in wire form: the algorithm, then what it produced
 */
export const isSignedBy = (key: Uint8Array, data: Uint8Array, signature: Uint8Array): boolean => {
  const fields = new WireReader(key);
  const type = fields.string().toString("latin1");
  const reader = new WireReader(signature);
  const algorithm = reader.string().toString("latin1");
  const value = reader.string();
  const verifier = verifiers.get(type);
  if (verifier === undefined || !verifier.algorithms.includes(algorithm)) return false;
  try {
    return verifier.verify({ fields, algorithm, data, value, rest: reader }) && reader.isDone && fields.isDone;
  } catch {
    // No such point, no such number: what the key or the signature holds is not one.
    return false;
  }
};

interface Verification {
  /** Behind the key's type. */
  fields: WireReader;
  algorithm: string;
  data: Uint8Array;
  value: Buffer;
  /** Behind the signature's value. */
  rest: WireReader;
}

interface Verifier {
  algorithms: readonly string[];
  verify(verification: Verification): boolean;
}

const ed25519Key = (fields: WireReader): KeyObject =>
  importKey({ kty: "OKP", crv: "Ed25519", x: fields.string().toString("base64url") });

const verifyEd25519 = (key: KeyObject, data: Uint8Array, value: Buffer): boolean =>
  value.length === 64 && verify(null, data, key, value);

interface Curve {
  jwk: string;
  hash: string;
  /** Bytes of a coordinate. */
  size: number;
}

const curves: ReadonlyMap<string, Curve> = new Map([
  ["nistp256", { jwk: "P-256", hash: "sha256", size: 32 }],
  ["nistp384", { jwk: "P-384", hash: "sha384", size: 48 }],
  ["nistp521", { jwk: "P-521", hash: "sha512", size: 66 }],
]);

const ecdsaKey = (fields: WireReader, curveName: string): { key: KeyObject; curve: Curve } => {
  const curve = curves.get(curveName);
  const named = fields.string().toString("latin1");
  const point = fields.string();
  if (curve === undefined || named !== curveName) throw new Error("another curve");
  // The uncompressed form alone: RFC 5656, section 3.1, leaves it to each side, and OpenSSH takes no other.
  if (point.length !== 1 + 2 * curve.size || point[0] !== 4) throw new Error("no point");
  const [x, y] = [point.subarray(1, 1 + curve.size), point.subarray(1 + curve.size)];
  const key = importKey({ kty: "EC", crv: curve.jwk, x: x.toString("base64url"), y: y.toString("base64url") });
  return { key, curve };
};

const verifyEcdsa = ({ key, curve }: ReturnType<typeof ecdsaKey>, data: Uint8Array, value: Buffer): boolean => {
  const numbers = new WireReader(value);
  const pair = Buffer.concat([fixedLength(numbers.string(), curve.size), fixedLength(numbers.string(), curve.size)]);
  return numbers.isDone && verify(curve.hash, data, { key, dsaEncoding: "ieee-p1363" }, pair);
};

const ecdsa = (curve: string): [string, Verifier] => {
  const name = `ecdsa-sha2-${curve}`;
  return [
    name,
    {
      algorithms: [name],
      verify: ({ fields, data, value }) => verifyEcdsa(ecdsaKey(fields, curve), data, value),
    },
  ];
};

/** Bits of a modulus: the most that OpenSSH takes. */
const mostRsaBits = 16384;

const rsa: Verifier = {
  algorithms: ["rsa-sha2-512", "rsa-sha2-256"],
  verify: ({ fields, algorithm, data, value }) => {
    const exponent = fields.string();
    const modulus = withoutZeros(fields.string());
    if (modulus.length * 8 < fewestRsaBits || modulus.length * 8 > mostRsaBits) return false;
    const key = importKey({ kty: "RSA", e: exponent.toString("base64url"), n: modulus.toString("base64url") });
    // Some leave out zeros in front: ssh-rsa.c takes that.
    return verify(algorithm === "rsa-sha2-512" ? "sha512" : "sha256", data, key, fixedLength(value, modulus.length));
  },
};

/** What a security key signs: PROTOCOL.u2f, "SSH U2F Signatures". */
const securityKeyData = (fields: WireReader, data: Uint8Array, rest: WireReader): Buffer => {
  const application = sha256(fields.string());
  const state = Buffer.alloc(5);
  state.writeUInt8(rest.byte());
  state.writeUInt32BE(rest.uint32(), 1);
  return Buffer.concat([application, state, sha256(data)]);
};

const sha256 = (data: Uint8Array): Buffer => createHash("sha256").update(data).digest();

const verifiers: ReadonlyMap<string, Verifier> = new Map<string, Verifier>([
  [
    "ssh-ed25519",
    {
      algorithms: ["ssh-ed25519"],
      verify: ({ fields, data, value }) => verifyEd25519(ed25519Key(fields), data, value),
    },
  ],
  ecdsa("nistp256"),
  ecdsa("nistp384"),
  ecdsa("nistp521"),
  ["ssh-rsa", rsa],
  [
    "sk-ssh-ed25519@openssh.com",
    {
      algorithms: ["sk-ssh-ed25519@openssh.com"],
      verify: ({ fields, data, value, rest }) => {
        const key = ed25519Key(fields);
        return verifyEd25519(key, securityKeyData(fields, data, rest), value);
      },
    },
  ],
  [
    "sk-ecdsa-sha2-nistp256@openssh.com",
    {
      algorithms: ["sk-ecdsa-sha2-nistp256@openssh.com"],
      verify: ({ fields, data, value, rest }) => {
        const key = ecdsaKey(fields, "nistp256");
        return verifyEcdsa(key, securityKeyData(fields, data, rest), value);
      },
    },
  ],
]);

/** Every algorithm that is known here. */
export const signatureAlgorithms: ReadonlySet<string> = new Set(
  [...verifiers.values()].flatMap(({ algorithms }) => algorithms),
);

const importKey = (key: JsonWebKey): KeyObject => createPublicKey({ key, format: "jwk" });

const withoutZeros = (number: Buffer): Buffer => {
  const first = number.findIndex((byte) => byte !== 0);
  return number.subarray(first < 0 ? number.length : first);
};

/** @throws when the number needs more bytes */
const fixedLength = (number: Buffer, length: number): Buffer => {
  const digits = withoutZeros(number);
  if (digits.length > length) throw new Error("too large a number");
  return Buffer.concat([Buffer.alloc(length - digits.length), digits]);
};
