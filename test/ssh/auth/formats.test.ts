/** Every type of key in every format that people have it in, against a real server. */
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { generateKeyPairSync } from "node:crypto";
import { chmodSync, readFileSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { readKeyFile } from "../../../src/ssh/auth/key-file.ts";
import { privateKeyOf } from "../../../src/ssh/auth/private-key.ts";
import { cleanup } from "../../support/cleanup.ts";
import { mustRun } from "../../support/command.ts";
import { readPublicKey } from "../../support/keys.ts";
import { type Sshd, startSshd } from "../../support/sshd.ts";
import { tempDir } from "../../support/temp.ts";
import { open } from "../open.ts";

afterAll(cleanup);
setDefaultTimeout(30_000);

let sshd: Sshd;
beforeAll(async () => {
  sshd = await startSshd();
});

const types: Record<string, readonly string[]> = {
  rsa: ["-t", "rsa", "-b", "2048"],
  ed25519: ["-t", "ed25519"],
  ecdsa256: ["-t", "ecdsa", "-b", "256"],
  ecdsa384: ["-t", "ecdsa", "-b", "384"],
  ecdsa521: ["-t", "ecdsa", "-b", "521"],
};
const secret = "gar sécret";

/** What writes a key of ssh-keygen's in another format, in its place. */
const formats: Record<string, (path: string, passphrase: string) => Promise<unknown>> = {
  OpenSSH: (path, passphrase) => mustRun(["ssh-keygen", "-q", "-p", "-a", "2", "-P", "", "-N", passphrase, "-f", path]),
  PEM: (path, passphrase) => mustRun(["ssh-keygen", "-q", "-p", "-m", "PEM", "-P", "", "-N", passphrase, "-f", path]),
  PKCS8: (path, passphrase) =>
    mustRun(["ssh-keygen", "-q", "-p", "-m", "PKCS8", "-P", "", "-N", passphrase, "-f", path]),
  PPK2: (path, passphrase) => putty(path, passphrase, "version=2"),
  PPK3: (path, passphrase) => putty(path, passphrase, "version=3,memory=256,passes=2"),
};

const putty = async (path: string, passphrase: string, parameters: string): Promise<void> => {
  const file = join(tempDir("passphrase"), "new");
  writeFileSync(file, passphrase);
  const given = ["-O", "private", "--ppk-param", parameters, "--new-passphrase", file, "-o", `${path}.ppk`];
  await mustRun(["puttygen", path, ...given]);
  await mustRun(["mv", `${path}.ppk`, path]);
  chmodSync(path, 0o600);
};

/** One of each type: making one can take seconds. */
const made = new Map<string, string>();

const makeIn = async (type: string, format: string, passphrase = "") => {
  let original = made.get(type);
  if (original === undefined) {
    original = join(tempDir("key"), "original");
    await mustRun(["ssh-keygen", "-q", ...(types[type] ?? []), "-N", "", "-f", original]);
    made.set(type, original);
    sshd.authorize(readPublicKey(`${original}.pub`).line);
  }
  const key = readPublicKey(`${original}.pub`);
  // Without a `.pub` beside it all that is known is what the file itself says.
  const path = join(tempDir("key"), "id");
  writeFileSync(path, readFileSync(original), { mode: 0o600 });
  await formats[format]?.(path, passphrase);
  return { path, ...key };
};

const login = async (path: string, ...answers: string[]) => {
  const asked: string[] = [];
  const connection = await open({
    ...{ port: sshd.port, user: sshd.user, keys: [path] },
    answers: ({ text }) => {
      asked.push(text);
      return answers[asked.length - 1] ?? "";
    },
  });
  expect(connection.login.authMethod).toBe("publickey");
  await connection.close();
  return asked;
};

// ssh-keygen 9.2 writes ed25519 in its own format whatever it is asked for.
const table = Object.keys(types).flatMap((type) =>
  Object.keys(formats)
    .filter((format) => type !== "ed25519" || (format !== "PEM" && format !== "PKCS8"))
    .map((format): [string, string] => [type, format]),
);

test.each(table)("%s in %s, plain, and with a passphrase that is wrong once", async (type, format) => {
  const plain = await makeIn(type, format);
  expect(await login(plain.path)).toEqual([]);
  const encrypted = await makeIn(type, format, secret);
  expect(await login(encrypted.path, "wrong", secret)).toHaveLength(2);
  const read = await readKeyFile(encrypted.path);
  const told = read.kind === "encrypted" ? read.publicKey : null;
  // The older formats do not tell their public key before the passphrase is there.
  expect(told?.blob ?? null).toEqual(format === "PEM" || format === "PKCS8" ? null : Buffer.from(encrypted.blob));
});

test.each([
  ["PBKDF2 with SHA-512", ["pkcs8", "-topk8", "-v2", "aes-256-cbc", "-v2prf", "hmacWithSHA512"]],
  ["PBKDF2 with SHA-1 and 3DES", ["pkcs8", "-topk8", "-v2", "des3", "-v2prf", "hmacWithSHA1"]],
  ["scrypt", ["pkcs8", "-topk8", "-scrypt"]],
  ["the older PBE", ["pkcs8", "-topk8", "-v1", "PBE-SHA1-3DES"]],
  ["3DES in PEM", ["rsa", "-traditional", "-des3"]],
])("RSA as openssl encrypts it: %s", async (_what, argv) => {
  const { path } = await makeIn("rsa", "PEM");
  const encrypted = join(tempDir("key"), "id");
  await mustRun(["openssl", ...argv, "-in", path, "-out", encrypted, "-passout", `pass:${secret}`]);
  chmodSync(encrypted, 0o600);
  expect(await login(encrypted, "wrong", secret)).toHaveLength(2);
});

test("ed25519 in PKCS#8, as openssl writes it", async () => {
  const { privateKey } = generateKeyPairSync("ed25519");
  const key = privateKeyOf(privateKey);
  sshd.authorize(`ssh-ed25519 ${key?.blob.toString("base64")}`);
  const path = join(tempDir("key"), "id");
  writeFileSync(path, privateKey.export({ type: "pkcs8", format: "pem" }), { mode: 0o600 });
  expect(await login(path)).toEqual([]);
});

describe("refused by name, before anything is dialled", () => {
  const refused = async (path: string, message: RegExp): Promise<void> => {
    const opening = open({ port: 1, user: "nobody", keys: [path] });
    await expect(opening).rejects.toMatchObject({ code: "KEY_INVALID", message: expect.stringMatching(message) });
  };

  test.each(table)("%s in %s that is cut", async (type, format) => {
    const { path } = await makeIn(type, format);
    truncateSync(path, Math.floor(readFileSync(path).length * 0.8));
    await refused(path, /damaged/);
  });

  test("PuTTY's, changed", async () => {
    const { path } = await makeIn("ed25519", "PPK3");
    writeFileSync(path, readFileSync(path, "latin1").replace(/^Comment: .*/m, "Comment: mine"));
    await refused(path, /damaged/);
  });

  test("PuTTY's, with parameters that would take the machine", async () => {
    const { path } = await makeIn("ed25519", "PPK3", secret);
    writeFileSync(path, readFileSync(path, "latin1").replace(/^Argon2-Memory: .*/m, "Argon2-Memory: 99999999"));
    await refused(path, /Argon2 parameters/);
  });

  test("PuTTY's first version", async () => {
    const { path } = await makeIn("rsa", "PPK2");
    writeFileSync(path, readFileSync(path, "latin1").replace("File-2", "File-1"));
    await refused(path, /versions 2 and 3/);
  });

  test("DSA", async () => {
    const path = join(tempDir("key"), "id");
    await mustRun(["ssh-keygen", "-q", "-t", "dsa", "-N", "", "-f", path]);
    await refused(path, /ssh-dss are not supported/);
    await mustRun(["ssh-keygen", "-q", "-p", "-m", "PEM", "-N", "", "-f", path]);
    await refused(path, /of type dsa are not supported/);
  });

  test("a private part that belongs to another public key", async () => {
    const { path, blob } = await makeIn("ed25519", "OpenSSH");
    const [, ...lines] = readFileSync(path, "latin1").trim().split("\n");
    const bytes = Buffer.from(lines.slice(0, -1).join(""), "base64");
    // The last byte of the public key, where it stands in the clear.
    const at = bytes.indexOf(Buffer.from(blob)) + blob.length - 1;
    bytes.writeUInt8(bytes.readUInt8(at) ^ 1, at);
    const text = bytes.toString("base64");
    writeFileSync(path, `-----BEGIN OPENSSH PRIVATE KEY-----\n${text}\n-----END OPENSSH PRIVATE KEY-----\n`);
    await refused(path, /damaged/);
  });

  test("a security key's file that the agent does not have", async () => {
    const { path } = await makeIn("ed25519", "OpenSSH");
    const [, ...lines] = readFileSync(path, "latin1").trim().split("\n");
    const bytes = Buffer.from(lines.slice(0, -1).join(""), "base64").toString("latin1");
    // What counts is the public part, which stands in the clear.
    const string = (text: string) => `\0\0\0${String.fromCharCode(text.length)}${text}`;
    const sk = string("sk-ssh-ed25519@openssh.com") + string("x".repeat(32)) + string("ssh:");
    const plain = `\0\0\0\x33${string("ssh-ed25519")}`;
    const at = bytes.indexOf(plain);
    const changed = bytes.slice(0, at) + string(sk) + bytes.slice(at + 4 + 0x33);
    const text = Buffer.from(changed, "latin1").toString("base64");
    writeFileSync(path, `-----BEGIN OPENSSH PRIVATE KEY-----\n${text}\n-----END OPENSSH PRIVATE KEY-----\n`);
    await refused(path, /security key/);
  });
});
