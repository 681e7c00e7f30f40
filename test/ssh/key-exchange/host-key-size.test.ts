import { expect, test } from "bun:test";
import { mustBeLongEnough } from "../../../src/ssh/key-exchange/host-key-size.ts";
import { wireString } from "./kex-server.ts";

const rsa = (modulus: Uint8Array): Buffer =>
  Buffer.concat([wireString("ssh-rsa"), wireString(Buffer.of(1, 0, 1)), wireString(modulus)]);
const certificate = (modulus: Uint8Array): Buffer =>
  Buffer.concat([
    ...[wireString("ssh-rsa-cert-v01@openssh.com"), wireString(Buffer.alloc(32, 1))],
    ...[wireString(Buffer.of(1, 0, 1)), wireString(modulus), Buffer.alloc(100)],
  ]);

/** A number of so many bits, with the zero that keeps it positive. */
const modulusOf = (bits: number): Buffer => {
  const digits = (1n << BigInt(bits - 1)).toString(16);
  return Buffer.concat([Buffer.of(0), Buffer.from(digits.padStart(digits.length + (digits.length % 2), "0"), "hex")]);
};

test.each([
  ["a key", rsa],
  ["a certificate", certificate],
])("%s: the modulus counts, and less than 1024 bits never do", (_what, made) => {
  expect(() => mustBeLongEnough(made(modulusOf(2048)), 2048, "db1")).not.toThrow();
  expect(() => mustBeLongEnough(made(modulusOf(2047)), 2048, "db1")).toThrow("has 2047 bits; at least 2048");
  expect(() => mustBeLongEnough(made(modulusOf(1024)), 0, "db1")).not.toThrow();
  expect(() => mustBeLongEnough(made(modulusOf(1023)), 0, "db1")).toThrow("has 1023 bits; at least 1024");
  expect(() => mustBeLongEnough(made(Buffer.alloc(512)), 0, "db1")).toThrow("has 0 bits");
});

test("a key that is cut counts as no bits, and one of another type has no size", () => {
  expect(() => mustBeLongEnough(rsa(modulusOf(4096)).subarray(0, 100), 0, "db1")).toThrow("has 0 bits");
  expect(() => mustBeLongEnough(wireString("ssh-rsa"), 0, "db1")).toThrow("has 0 bits");
  expect(() => mustBeLongEnough(wireString("ssh-ed25519"), 16_384, "db1")).not.toThrow();
  expect(() => mustBeLongEnough(Buffer.alloc(0), 16_384, "db1")).not.toThrow();
});
