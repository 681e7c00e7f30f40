import { afterAll, expect, test } from "bun:test";
import { SshMcpError } from "../../src/core/errors.ts";
import { fingerprint, isShortRsaKey, keyBits, keyType, wholeKeyType } from "../../src/ssh/public-key.ts";
import { cleanup } from "../support/cleanup.ts";
import { mustRun } from "../support/command.ts";
import { makeKey } from "../support/keys.ts";
import { ed25519, rsa } from "./host-keys/known-hosts-keys.ts";

afterAll(cleanup);

test.each(["ed25519", "ecdsa", "rsa"] as const)("%s keys of ssh-keygen are read as it reads them", async (type) => {
  const key = await makeKey({ type });
  const [algorithm = ""] = key.line.split(" ");
  expect(keyType(key.blob)).toBe(algorithm);
  expect(fingerprint(key.blob)).toBe(key.fingerprint);
  expect(wholeKeyType(key.blob)).toBe(algorithm);
  const [bits = ""] = (await mustRun(["ssh-keygen", "-l", "-f", `${key.path}.pub`])).split(" ");
  expect(keyBits(key.blob)).toBe(Number(bits));
});

test.each([
  ["nothing", Buffer.alloc(0)],
  ["a cut length", Buffer.from([0, 0])],
  ["a length past the end", Buffer.from([255, 255, 255, 255, 1])],
  ["a type with a newline", Buffer.from("\0\0\0\x0bssh-rsa\nabc", "latin1")],
  ["an empty type", Buffer.alloc(4)],
])("keyType refuses %s", (_, blob) => {
  expect(() => keyType(blob)).toThrow(
    new SshMcpError("PROTOCOL_ERROR", "the server's host key is not a public key in wire form"),
  );
});

test("an RSA key is whole from 1024 bits on, and short below", () => {
  const sizes = [1024, 1016].map((bits) => rsa(1, bits));
  expect(sizes.map(wholeKeyType)).toEqual(["ssh-rsa", null]);
  expect(sizes.map(isShortRsaKey)).toEqual([false, true]);
  expect(sizes.map(keyBits)).toEqual([1024, 1016]);
  // What is cut, or no RSA key, is not short.
  expect([rsa(1, 512).subarray(0, -1), ed25519(1), Buffer.alloc(0)].map(isShortRsaKey)).toEqual([false, false, false]);
});
