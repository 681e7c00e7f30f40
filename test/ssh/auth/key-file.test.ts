import { afterAll, describe, expect, test } from "bun:test";
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { decryptKey, type EncryptedKeyFile, readKeyFile } from "../../../src/ssh/auth/key-file.ts";
import { readOpensshKey } from "../../../src/ssh/auth/openssh-key.ts";
import { isSignedBy } from "../../../src/ssh/signature.ts";
import { cleanup } from "../../support/cleanup.ts";
import { mustRun, runCommand } from "../../support/command.ts";
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

const [begin, end] = ["-----BEGIN OPENSSH PRIVATE KEY-----", "-----END OPENSSH PRIVATE KEY-----"];
const bytesOf = (path: string): Buffer =>
  Buffer.from(readFileSync(path, "latin1").replace(begin, "").replace(end, ""), "base64");
const armoured = (bytes: Buffer): string => `${begin}\n${bytes.toString("base64")}\n${end}\n`;

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
    ["ed25519", "chacha20-poly1305@openssh.com"],
    ["rsa", "chacha20-poly1305@openssh.com"],
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

  test.each(["aes256-gcm@openssh.com", "chacha20-poly1305@openssh.com"])(
    "%s: a changed byte is seen",
    async (cipher) => {
      const path = await sealed("ed25519", cipher);
      const whole = bytesOf(path);
      // Of the encrypted part, and of the tag behind it.
      for (const back of [1, 16, 17, 100]) {
        const changed = Buffer.from(whole);
        changed[whole.length - back] = (changed[whole.length - back] ?? 0) ^ 1;
        writeFileSync(path, armoured(changed));
        expect(await decryptKey(await readEncrypted(path), "sésame", patience)).toBeNull();
      }
    },
  );

  test("cut short anywhere is damaged, and nobody is asked for a passphrase", async () => {
    const path = await sealed("ed25519", "aes256-gcm@openssh.com");
    const whole = bytesOf(path);
    const fileOf = (length: number) => armoured(whole.subarray(0, length));
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

test.each(["none", "aes256-ctr", "aes256-gcm@openssh.com"])(
  "bytes behind the key (%s): damaged, as for ssh-keygen",
  async (cipher) => {
    const path = cipher === "none" ? (await makeKey()).path : await sealed("ed25519", cipher);
    rmSync(`${path}.pub`);
    writeFileSync(path, armoured(Buffer.concat([bytesOf(path), Buffer.alloc(8)])));
    await expect(readKeyFile(path)).rejects.toMatchObject({
      code: "KEY_INVALID",
      message: expect.stringMatching(/damaged/),
    });
    const passphrase = cipher === "none" ? "" : "sésame";
    const oracle = await runCommand(["ssh-keygen", "-y", "-P", passphrase, "-f", path]);
    expect(oracle.status).toBe(255);
  },
);

test("a file that is too large for a key is not read", async () => {
  const path = join(tempDir("key"), "id");
  writeFileSync(path, "x".repeat(32 * 1024 + 1), { mode: 0o600 });
  await expect(readKeyFile(path)).rejects.toMatchObject({
    code: "KEY_INVALID",
    message: expect.stringContaining("32769 bytes"),
  });
});
