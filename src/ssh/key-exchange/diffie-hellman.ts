/**
 * Diffie-Hellman in a multiplicative group (RFC 4253, section 8; RFC 4419; RFC 8268), in big integers: 3 ms for 2048 bits and 30 ms for 8192, where
 * Bun's own tests the prime of every group for up to half a minute. A private exponent is used once, so how long an operation takes
 * tells nobody anything of use.
 */
import { randomBytes } from "node:crypto";

/** p and g. */
export interface Group {
  prime: bigint;
  generator: bigint;
}

/** A group that the server chose (RFC 4419), as it came, and the sizes that were asked for. */
export interface ChosenGroup {
  prime: Uint8Array;
  generator: Uint8Array;
  minBits: number;
  maxBits: number;
}

/**
 * Bits of a private exponent: twice those of the longest cipher key. OpenSSH's dh_gen_key takes twice the longest key, IV or block of the
 * exchange, MAC keys among them, and never less than this: only for hmac-sha2-512 and chacha20-poly1305 does it take more, 1024.
 */
const exponentBits = 512;

/** Bits of each group, and the number that makes its prime safe: RFC 2409, section 6.2; RFC 3526. */
const named: ReadonlyMap<string, { bits: number; addend: bigint }> = new Map([
  ["modp2", { bits: 1024, addend: 129093n }],
  ["modp14", { bits: 2048, addend: 124476n }],
  ["modp16", { bits: 4096, addend: 240904n }],
  ["modp18", { bits: 8192, addend: 4743158n }],
]);

/**
 * A group by its name in OpenSSL, computed as RFC 3526 defines it: 2^n - 2^(n-64) - 1 + 2^64 * ([2^(n-130) pi] + addend).
 * @throws Error when there is none of that name
 */
export const namedGroup = (name: string): Group => {
  const group = named.get(name);
  if (group === undefined) throw new Error(`no group is called ${name}`);
  const n = BigInt(group.bits);
  const prime = (1n << n) - (1n << (n - 64n)) - 1n + ((pi(n - 130n) + group.addend) << 64n);
  return { prime, generator: 2n };
};

/** The integer part of 2^bits * pi, by Machin's formula. */
const pi = (bits: bigint): bigint => {
  const spare = 64n;
  const one = 1n << (bits + spare);
  const arctanOfInverse = (x: bigint): bigint => {
    let sum = 0n;
    let power = one / x;
    for (let divisor = 1n; power > 0n; divisor += 2n, power /= x * x) {
      sum += divisor % 4n === 1n ? power / divisor : -(power / divisor);
    }
    return sum;
  };
  return (4n * (4n * arctanOfInverse(5n) - arctanOfInverse(239n))) >> spare;
};

/**
 * @param group numbers in wire form (RFC 4251, section 5, mpint)
 * @throws Error for a group of another size than was asked for, or with a generator that generates nothing
 */
export const chosenGroup = ({ prime, generator, minBits, maxBits }: ChosenGroup): Group => {
  const group = { prime: unsigned(prime), generator: unsigned(generator) };
  const bits = group.prime.toString(2).length;
  if (bits < minBits || bits > maxBits) {
    throw new Error(`the server chose a Diffie-Hellman group of ${bits} bits, not of ${minBits} to ${maxBits}`);
  }
  if (group.prime % 2n === 0n || !isElement(group, group.generator)) {
    throw new Error("the server chose a Diffie-Hellman group that is none");
  }
  return group;
};

/** @throws Error for a group in which there are no good keys */
export const makeKeyPair = (group: Group): { exponent: bigint; publicKey: Uint8Array } => {
  const exponent = unsigned(Buffer.concat([Buffer.of(0), randomBytes(exponentBits / 8)]));
  const publicKey = power(group.generator, exponent, group.prime);
  if (!isPublicKey(group, publicKey)) throw new Error("the server chose a Diffie-Hellman group that is none");
  return { exponent, publicKey: bytes(publicKey) };
};

/**
 * The secret that both sides share.
 * @param peerKey the other side's public key, in wire form
 * @throws Error for a key that would tell others what the secret is
 */
export const sharedSecret = (group: Group, exponent: bigint, peerKey: Uint8Array): Uint8Array => {
  const peer = unsigned(peerKey);
  if (!isPublicKey(group, peer)) throw new Error("the server's Diffie-Hellman key is not safe");
  return bytes(power(peer, exponent, group.prime));
};

const isElement = ({ prime }: Group, value: bigint): boolean => value > 1n && value < prime - 1n;

/** OpenSSH's dh_pub_is_valid: no element of a tiny subgroup, and no number of next to no bits. */
const isPublicKey = (group: Group, key: bigint): boolean =>
  isElement(group, key) && key.toString(2).replaceAll("0", "").length >= 4;

/** base^exponent modulo `modulus`, five bits at a time. */
const power = (base: bigint, exponent: bigint, modulus: bigint): bigint => {
  const powers = [1n];
  for (let index = 1; index < 32; index++) powers.push(((powers[index - 1] ?? 1n) * base) % modulus);
  let result = 1n;
  for (const digit of exponent.toString(32)) {
    for (let bit = 0; bit < 5; bit++) result = (result * result) % modulus;
    result = (result * (powers[Number.parseInt(digit, 32)] ?? 1n)) % modulus;
  }
  return result;
};

/** @throws Error for a negative number */
const unsigned = (number: Uint8Array): bigint => {
  if ((number[0] ?? 0) >= 0x80) throw new Error("the server sent a negative number in the key exchange");
  return BigInt(`0x0${Buffer.from(number).toString("hex")}`);
};

const bytes = (number: bigint): Uint8Array => {
  const digits = number.toString(16);
  return new Uint8Array(Buffer.from(digits.padStart(digits.length + (digits.length % 2), "0"), "hex"));
};
