import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { type Certificate, parseCertificate, plainType, verifyCertificate } from "../../src/ssh/certificate.ts";
import { cleanup } from "../support/cleanup.ts";
import { mustRun } from "../support/command.ts";
import { type KeyPair, makeKey } from "../support/keys.ts";
import { tempDir } from "../support/temp.ts";

afterAll(cleanup);

const blobOf = (path: string): Buffer => Buffer.from(readFileSync(path, "utf8").split(" ")[1] ?? "", "base64");

/** The certificate that ssh-keygen makes of a key. */
const sign = async (ca: KeyPair, key: KeyPair, ...options: string[]): Promise<Buffer> => {
  await mustRun(["ssh-keygen", "-q", "-s", ca.path, "-I", "some id", ...options, `${key.path}.pub`]);
  return blobOf(`${key.path}-cert.pub`);
};

const parsed = (blob: Uint8Array): Certificate => {
  const certificate = parseCertificate(blob);
  if (certificate === null) throw new Error("no certificate");
  return certificate;
};

let ca: KeyPair;
let key: KeyPair;
let good: Buffer;

beforeAll(async () => {
  [ca, key] = await Promise.all([makeKey(), makeKey()]);
  good = await sign(ca, key, "-h", "-n", "web,*.example.com", "-z", "18446744073709551615", "-V", "20200101:20300101");
});

describe("parseCertificate", () => {
  test("reads what ssh-keygen has signed", () => {
    const certificate = parsed(good);
    expect(certificate).toMatchObject({
      type: "ssh-ed25519-cert-v01@openssh.com",
      serial: 18446744073709551615n,
      kind: "host",
      keyId: "some id",
      principals: ["web", "*.example.com"],
      criticalOptions: [],
      extensions: [],
      signatureAlgorithm: "ssh-ed25519",
    });
    expect(Buffer.from(certificate.publicKey)).toEqual(Buffer.from(key.blob));
    expect(Buffer.from(certificate.signatureKey)).toEqual(Buffer.from(ca.blob));
    const days = Number(certificate.validBefore - certificate.validAfter) / 86_400;
    expect(Math.round(days)).toBe(3653);
  });

  test("reads options, of which the data is in wire form, and no end", async () => {
    const subject = await makeKey({ type: "ecdsa" });
    const blob = await sign(ca, subject, "-n", "ana", "-O", "force-command=id", "-O", "clear", "-O", "permit-pty");
    const { kind, criticalOptions, extensions, validAfter, validBefore } = parsed(blob);
    expect(kind).toBe("user");
    expect([validAfter, validBefore]).toEqual([0n, 2n ** 64n - 1n]);
    expect(extensions).toEqual([{ name: "permit-pty", data: Buffer.alloc(0) }]);
    expect(criticalOptions.length).toBeLessThanOrEqual(1);
  });

  test("is null for every cut of it, for bytes behind it, and for a plain key", () => {
    for (let length = 0; length < good.length; length++) expect(parseCertificate(good.subarray(0, length))).toBeNull();
    expect(parseCertificate(Buffer.concat([good, Buffer.from([0])]))).toBeNull();
    expect(parseCertificate(key.blob)).toBeNull();
  });

  test("no bit of it can be turned: it is no certificate then, or not signed", () => {
    for (let bit = 0; bit < good.length * 8; bit += 5) {
      const turned = Buffer.from(good);
      turned.writeUInt8((turned[bit >> 3] ?? 0) ^ (1 << (bit & 7)), bit >> 3);
      const certificate = parseCertificate(turned);
      expect([bit, certificate !== null && verifyCertificate(certificate)]).toEqual([bit, false]);
    }
  });
});

describe("verifyCertificate", () => {
  test.each([
    ["ed25519", undefined, []],
    ["ecdsa", 256, []],
    ["ecdsa", 384, []],
    ["ecdsa", 521, []],
    ["rsa", 2048, []],
    ["rsa", 2048, ["-t", "rsa-sha2-256"]],
  ] as const)("takes a signature by %s %p %p", async (type, bits, options) => {
    const authority = await makeKey({ type, ...(bits === undefined ? {} : { bits }) });
    for (const subject of [await makeKey({ type: "rsa", bits: 2048 }), await makeKey({ type: "ecdsa", bits: 521 })]) {
      const certificate = parsed(await sign(authority, subject, ...options));
      expect(verifyCertificate(certificate)).toBe(true);
      expect(Buffer.from(certificate.publicKey)).toEqual(Buffer.from(subject.blob));
      expect(verifyCertificate({ ...certificate, signatureKey: ca.blob })).toBe(false);
    }
  });

  test("takes no SHA-1", async () => {
    const authority = await makeKey({ type: "rsa", bits: 2048 });
    const certificate = parsed(await sign(authority, key, "-t", "ssh-rsa"));
    expect(certificate.signatureAlgorithm).toBe("ssh-rsa");
    expect(verifyCertificate(certificate)).toBe(false);
  });

  test("takes no certificate for an authority", async () => {
    const inner = join(tempDir("ca"), "id");
    const authority = await makeKey({ path: inner });
    const certified = await sign(ca, authority);
    // What an authority's key is in a certificate, replaced by a certificate of that authority.
    const blob = await sign(authority, key);
    const at = blob.indexOf(Buffer.from(authority.blob));
    const length = Buffer.alloc(4);
    length.writeUInt32BE(certified.length);
    const nested = Buffer.concat([
      blob.subarray(0, at - 4),
      length,
      certified,
      blob.subarray(at + authority.blob.length),
    ]);
    expect(parseCertificate(nested)).toBeNull();
  });
});

test("plainType", () => {
  expect(["ssh-rsa-cert-v01@openssh.com", "sk-ssh-ed25519-cert-v01@openssh.com", "ssh-ed25519"].map(plainType)).toEqual(
    ["ssh-rsa", "sk-ssh-ed25519@openssh.com", "ssh-ed25519"],
  );
});
