import { afterAll, describe, expect, test } from "bun:test";
import { SshMcpError } from "../../../src/core/errors.ts";
import { decodeKey, fingerprint, keyType } from "../../../src/ssh/host-keys/known-hosts-key.ts";
import { cleanup } from "../../support/cleanup.ts";
import { makeKey } from "../../support/keys.ts";
import { ecdsa, ed25519, rsa, unknownType } from "./known-hosts-keys.ts";

afterAll(cleanup);

test.each(["ed25519", "ecdsa", "rsa"] as const)("%s keys of ssh-keygen are read as it reads them", async (type) => {
  const key = await makeKey({ type });
  const [algorithm = "", base64 = ""] = key.line.split(" ");
  expect(keyType(key.blob)).toBe(algorithm);
  expect(fingerprint(key.blob)).toBe(key.fingerprint);
  expect(decodeKey(algorithm, base64)?.type).toBe(algorithm);
  expect(Buffer.compare(decodeKey(algorithm, base64)?.key ?? Buffer.alloc(0), key.blob)).toBe(0);
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

describe("decodeKey", () => {
  const base64 = (key: Uint8Array) => Buffer.from(key).toString("base64");

  test.each([
    ["ssh-ed25519", base64(ed25519(1)), "ssh-ed25519"],
    ["ssh-rsa", base64(rsa(1)), "ssh-rsa"],
    ["rsa-sha2-512", base64(rsa(1)), "ssh-rsa"],
    ["ssh-rsa", base64(rsa(1, 1024)), "ssh-rsa"],
    ["ecdsa-sha2-nistp256", base64(ecdsa), "ecdsa-sha2-nistp256"],
  ])("%s", (type, encoded, expected) => {
    expect(decodeKey(type, encoded)?.type).toBe(expected);
  });

  test.each([
    ["another type", "ssh-rsa", base64(ed25519(1))],
    ["a type nobody knows", "ssh-quantum", base64(unknownType)],
    ["a cut key", "ssh-ed25519", base64(ed25519(1).subarray(0, -1))],
    ["more after the key", "ssh-ed25519", base64(Buffer.concat([ed25519(1), Buffer.alloc(4)]))],
    ["a short Ed25519 key", "ssh-ed25519", base64(Buffer.from("\0\0\0\x0bssh-ed25519\0\0\0\x01x", "latin1"))],
    ["an RSA key of 1016 bits", "ssh-rsa", base64(rsa(1, 1016))],
    ["no base64", "ssh-ed25519", `${base64(ed25519(1))}*`],
    ["base64 without its padding", "ecdsa-sha2-nistp256", base64(ecdsa).replace(/=+$/, "")],
    ["nothing", "ssh-ed25519", ""],
  ])("refuses %s", (_, type, encoded) => {
    expect(decodeKey(type, encoded)).toBeNull();
  });
});
