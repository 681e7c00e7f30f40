import { afterAll, describe, expect, test } from "bun:test";
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { decryptKey, type EncryptedKeyFile, readKeyFile } from "../../../src/ssh/auth/key-file.ts";
import { readOpensshKey } from "../../../src/ssh/auth/openssh-key.ts";
import { isSignedBy } from "../../../src/ssh/signature.ts";
import { cleanup } from "../../support/cleanup.ts";
import { mustRun } from "../../support/command.ts";
import { makeKey, readPublicKey } from "../../support/keys.ts";
import { tempDir } from "../../support/temp.ts";

afterAll(cleanup);

const patience = new AbortController().signal;

const readEncrypted = async (path: string): Promise<EncryptedKeyFile> => {
  const file = await readKeyFile(path);
  if (file.kind !== "encrypted") throw new Error(`${path} is ${file.kind}`);
  return file;
};

/** A key that ssh-keygen encrypted with a cipher. */
const sealed = async (type: string, cipher: string): Promise<string> => {
  const path = join(tempDir("key"), "id");
  await mustRun(["ssh-keygen", "-q", "-t", type, "-N", "sésame", "-a", "1", "-Z", cipher, "-f", path]);
  return path;
};

describe("an encrypted key", () => {
  test.each([
    ["ed25519", "aes256-ctr"],
    ["ecdsa", "aes192-ctr"],
    ["rsa", "aes128-ctr"],
    ["ed25519", "aes256-cbc"],
    ["ed25519", "aes192-cbc"],
    ["ed25519", "aes128-cbc"],
    ["ecdsa", "3des-cbc"],
    ["ed25519", "aes256-gcm@openssh.com"],
    ["rsa", "aes128-gcm@openssh.com"],
  ])("%s with %s: the right passphrase opens it, a wrong one does not", async (type, cipher) => {
    const path = await sealed(type, cipher);
    const { blob } = readPublicKey(`${path}.pub`);
    rmSync(`${path}.pub`);
    const file = await readEncrypted(path);
    // It stands in the clear, so that the server can be asked before the person is.
    expect(file.publicKey?.blob).toEqual(Buffer.from(blob));
    for (const passphrase of ["sesame", ""]) expect(await decryptKey(file, passphrase, patience)).toBeNull();
    const key = await decryptKey(file, "sésame", patience);
    const data = Buffer.from("signed");
    const signature = await key?.sign(type === "rsa" ? "rsa-sha2-256" : (key?.type ?? ""), data);
    expect(isSignedBy(blob, data, signature ?? Buffer.alloc(0))).toBe(true);
  });

  test("of the older formats", async () => {
    const { path, blob } = await makeKey({ type: "rsa", format: "PEM", passphrase: "secret" });
    const file = await readEncrypted(path);
    expect(await decryptKey(file, "wrong", patience)).toBeNull();
    expect((await decryptKey(file, "secret", patience))?.blob).toEqual(Buffer.from(blob));
  });

  test("with a cipher that Bun does not have: KEY_INVALID", async () => {
    const refused = readKeyFile(await sealed("ed25519", "chacha20-poly1305@openssh.com"));
    await expect(refused).rejects.toMatchObject({ code: "KEY_INVALID", message: expect.stringContaining("chacha20") });
  });

  test("cut short anywhere is damaged, and nobody is asked for a passphrase", async () => {
    const path = await sealed("ed25519", "aes256-gcm@openssh.com");
    const [begin = "", ...lines] = readFileSync(path, "latin1").trim().split("\n");
    const whole = Buffer.from(lines.slice(0, -1).join(""), "base64");
    const fileOf = (length: number) =>
      [begin, whole.subarray(0, length).toString("base64"), lines.at(-1), ""].join("\n");
    // The last sixteen bytes are the tag, which the cipher looks at.
    for (let length = 0; length < whole.length - 16; length++) {
      expect(readOpensshKey(Buffer.from(fileOf(length)))).toBeNull();
    }
    writeFileSync(path, fileOf(whole.length - 17));
    await expect(readKeyFile(path)).rejects.toMatchObject({
      code: "KEY_INVALID",
      message: expect.stringMatching(/damaged/),
    });
    writeFileSync(path, fileOf(whole.length - 1));
    expect(await decryptKey(await readEncrypted(path), "sésame", patience)).toBeNull();
  });
});

/** Fills the largest file that is read at all; what ssh2 alone would need a second for, and half an hour at a megabyte. */
const filled = (head: string, unit: string, tail: string): string => {
  const count = Math.floor((32 * 1024 - head.length - tail.length) / unit.length);
  return head + unit.repeat(count) + tail;
};
const ppk = "PuTTY-User-Key-File-2: ssh-rsa\nEncryption: none\nComment: x\nPublic-Lines: 1\n";

test.each([
  ["headers and no end", filled("-----BEGIN RSA PRIVATE KEY-----\n", "a:c\n", "")],
  ["one end after the other", filled("-----BEGIN EC PRIVATE KEY-----\n", "a:b\n-----END EC PRIVATE KEY-----\n", "x")],
  ["private lines without a MAC", filled(ppk, "x\nPrivate-Lines: 1\n", "")],
])("a file made to keep a parser busy is refused at once: %s", async (_what, text) => {
  const path = join(tempDir("key"), "id");
  writeFileSync(path, text, { mode: 0o600 });
  const startedAt = performance.now();
  await expect(readKeyFile(path)).rejects.toMatchObject({ code: "KEY_INVALID" });
  expect(performance.now() - startedAt).toBeLessThan(200);
});

test("a file that is too large for a key is not read", async () => {
  const path = join(tempDir("key"), "id");
  writeFileSync(path, "x".repeat(32 * 1024 + 1), { mode: 0o600 });
  await expect(readKeyFile(path)).rejects.toMatchObject({
    code: "KEY_INVALID",
    message: expect.stringContaining("32769 bytes"),
  });
});
