import { describe, expect, test } from "bun:test";
import { decodeKey } from "../../../src/ssh/host-keys/known-hosts-line.ts";
import { ecdsa, ed25519, rsa, unknownType } from "./known-hosts-keys.ts";

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
