import { describe, expect, test } from "bun:test";
import { createHash } from "node:crypto";
import { chosenGroup, makeKeyPair, namedGroup, sharedSecret } from "../../../src/ssh/key-exchange/diffie-hellman.ts";

const bytesOf = (number: bigint): Buffer => {
  const digits = number.toString(16);
  const bytes = Buffer.from(digits.length % 2 === 0 ? digits : `0${digits}`, "hex");
  return (bytes[0] ?? 0) >= 0x80 ? Buffer.concat([Buffer.of(0), bytes]) : bytes;
};

const group14 = namedGroup("modp14");
const asked = { minBits: 2048, maxBits: 8192 };

describe("the named groups", () => {
  test("of 1024 bits: RFC 2409, section 6.2", () => {
    expect(namedGroup("modp2")).toEqual({
      generator: 2n,
      prime: BigInt(
        `0x${[
          "FFFFFFFFFFFFFFFFC90FDAA22168C234C4C6628B80DC1CD129024E088A67CC74020BBEA63B139B22514A08798E3404DD",
          "EF9519B3CD3A431B302B0A6DF25F14374FE1356D6D51C245E485B576625E7EC6F44C42E9A637ED6B0BFF5CB6F406B7ED",
          "EE386BFB5A899FA5AE9F24117C4B1FE649286651ECE65381FFFFFFFFFFFFFFFF",
        ].join("")}`,
      ),
    });
  });

  // Real servers agree with us on what they are; this is for whoever changes the formula.
  test.each([
    ["modp14", 2048, "e71e1291b2af378f8506df9d265b38d687f70a0585053c26b30d1e312df84c09"],
    ["modp16", 4096, "233836aba654664fc65121b25f1760c0e72456e834bc42315fa21d38ade81cac"],
    ["modp18", 8192, "a408aa7fd5e69ae6886c3b3fd50051efc417d62cf224cebf8d8aeb49654185ed"],
  ])("%s of %d bits: RFC 3526", (name, bits, digest) => {
    const { prime } = namedGroup(name);
    expect(prime.toString(2)).toHaveLength(bits);
    expect(createHash("sha256").update(prime.toString(16)).digest("hex")).toBe(digest);
  });

  test("no other", () => {
    expect(() => namedGroup("modp5")).toThrow("no group is called modp5");
  });
});

test("both sides have the same secret", () => {
  const ours = makeKeyPair(group14);
  const theirs = makeKeyPair(group14);
  expect(ours.publicKey).not.toEqual(theirs.publicKey);
  const secret = sharedSecret(
    group14,
    ours.exponent,
    bytesOf(BigInt(`0x${Buffer.from(theirs.publicKey).toString("hex")}`)),
  );
  expect(sharedSecret(group14, theirs.exponent, Buffer.concat([Buffer.of(0), ours.publicKey]))).toEqual(secret);
});

describe("what a server may not send", () => {
  const { exponent } = makeKeyPair(group14);

  test.each<[string, Buffer]>([
    ["nothing", Buffer.alloc(0)],
    ["0", Buffer.of(0)],
    ["1", Buffer.of(1)],
    ["p - 1", bytesOf(group14.prime - 1n)],
    ["p", bytesOf(group14.prime)],
    ["p + 5", bytesOf(group14.prime + 5n)],
    ["a number of three bits", bytesOf(0b111n << 1000n)],
  ])("the public key %s", (_what, key) => {
    expect(() => sharedSecret(group14, exponent, key)).toThrow("key is not safe");
  });

  test("a negative public key", () => {
    expect(() => sharedSecret(group14, exponent, Buffer.alloc(256, 0xff))).toThrow("negative");
  });

  test.each<[string, bigint, bigint, string]>([
    ["a group that is too small", namedGroup("modp2").prime, 2n, "1024 bits, not of 2048 to 8192"],
    ["one that is too large", (1n << 8192n) + 1n, 2n, "8193 bits, not of 2048 to 8192"],
    ["an even prime", group14.prime + 1n, 2n, "that is none"],
    ["the generator 0", group14.prime, 0n, "that is none"],
    ["the generator 1", group14.prime, 1n, "that is none"],
    ["the generator p - 1", group14.prime, group14.prime - 1n, "that is none"],
  ])("%s", (_what, prime, generator, words) => {
    expect(() => chosenGroup({ prime: bytesOf(prime), generator: bytesOf(generator), ...asked })).toThrow(words);
  });

  test("a group whose keys are all the same", () => {
    // 2^2047 + 1 with the generator 2^2047: every power of it is 1 or -1.
    const prime = (1n << 2047n) + 1n;
    const chosen = { prime: bytesOf(prime), generator: bytesOf(prime - 1n), ...asked };
    expect(() => makeKeyPair(chosenGroup(chosen))).toThrow("that is none");
    expect(() => makeKeyPair({ prime: 9n, generator: 3n })).toThrow("that is none");
  });
});
