/** OpenSSH user certificates: where ssh(1) gets in with one we do. */
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { copyFileSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { cleanup } from "../../../support/cleanup.ts";
import { mustRun } from "../../../support/command.ts";
import { type KeyPair, type KeyType, makeKey } from "../../../support/keys.ts";
import { startSshAgent } from "../../../support/ssh-agent.ts";
import { type Sshd, startSshd } from "../../../support/sshd.ts";
import { tempDir } from "../../../support/temp.ts";
import { dial, type Login, ours, sshGetsIn } from "../dialling.ts";

afterAll(cleanup);
setDefaultTimeout(30_000);

let authority: KeyPair;
let stranger: KeyPair;
let sshd: Sshd;
beforeAll(async () => {
  [authority, stranger] = await Promise.all([makeKey(), makeKey()]);
  const trusted = join(tempDir("ca"), "authorities");
  writeFileSync(trusted, `${authority.line}\n`);
  // RSA's certificates are taken with SHA-2 alone, as by default.
  sshd = await startSshd({ options: [`TrustedUserCAKeys ${trusted}`] });
});

interface Wish {
  by?: KeyPair;
  principal?: string;
  validity?: string;
  more?: readonly string[];
}

/** Certifies a key: the certificate lies beside it, as ssh-keygen writes it. */
const certify = async (key: KeyPair, { by = authority, principal = sshd.user, validity, more = [] }: Wish = {}) => {
  const dates = validity === undefined ? [] : ["-V", validity];
  const argv = ["ssh-keygen", "-q", "-s", by.path, "-I", "test", "-n", principal, ...dates, ...more];
  await mustRun([...argv, `${key.path}.pub`]);
  return `${key.path}-cert.pub`;
};

const asBoth = async (login: Omit<Login, "server" | "user">): Promise<string> => {
  const whole = { server: sshd, user: sshd.user, ...login };
  const outcome = await ours(whole);
  expect(outcome === "in").toBe(await sshGetsIn(whole));
  return outcome;
};

test.each<[KeyType, number | undefined]>([
  ["ed25519", undefined],
  ["ecdsa", 256],
  ["ecdsa", 521],
  ["rsa", 2048],
])("%s: beside the key, and in the agent", async (type, bits) => {
  const key = await makeKey({ type, ...(bits === undefined ? {} : { bits }) });
  await certify(key);
  const agent = await startSshAgent();
  await agent.add(key.path);
  const login = { server: sshd, user: sshd.user };
  expect(await ours({ ...login, keys: [key.path] })).toBe("in");
  expect(await ours({ ...login, agent: agent.socket })).toBe("in");
});

test("beside the key, by CertificateFile, and in the agent: as ssh", async () => {
  const key = await makeKey();
  const certificate = await certify(key);
  const agent = await startSshAgent();
  await agent.add(key.path);
  expect(await asBoth({ keys: [key.path] })).toBe("in");
  expect(await asBoth({ agent: agent.socket })).toBe("in");
  expect(await asBoth({ agent: agent.socket, keys: [key.path], options: ["IdentitiesOnly=yes"] })).toBe("in");
  const elsewhere = join(tempDir("certificate"), "work.pub");
  copyFileSync(certificate, elsewhere);
  rmSync(certificate);
  const options = [`CertificateFile=${elsewhere}`];
  expect(await asBoth({ keys: [key.path] })).toBe("AUTH_FAILED");
  expect(await asBoth({ keys: [key.path], options })).toBe("in");
  // The key itself is in the agent alone.
  await agent.clear();
  await agent.add(key.path);
  expect(await asBoth({ agent: agent.socket, options })).toBe("in");
  expect(await asBoth({ options: [...options, "IdentitiesOnly=yes"], agent: agent.socket })).toBe("AUTH_FAILED");
});

test("RSA's with SHA-256 where that is all that is accepted", async () => {
  const key = await makeKey({ type: "rsa", bits: 2048 });
  await certify(key);
  const options = ["PubkeyAcceptedAlgorithms=rsa-sha2-256-cert-v01@openssh.com"];
  expect(await asBoth({ keys: [key.path], options })).toBe("in");
  const without = ["PubkeyAcceptedAlgorithms=-*cert*"];
  expect(await asBoth({ keys: [key.path], options: without })).toBe("AUTH_FAILED");
});

test("an encrypted key that does not tell its public key", async () => {
  const key = await makeKey({ type: "rsa", bits: 2048, format: "PEM", passphrase: "secret" });
  await certify(key);
  rmSync(`${key.path}.pub`);
  const connection = await dial({ server: sshd, user: sshd.user, keys: [key.path], answers: () => "secret" });
  expect(connection.login.authMethod).toBe("publickey");
});

describe("refused by the server, and the error says why where it is known", () => {
  test.each<[string, () => Wish, RegExp]>([
    ["expired", () => ({ validity: "20200101:20210101" }), /-cert\.pub expired at 2021/],
    ["not yet valid", () => ({ validity: "20990101:21000101" }), /-cert\.pub is not valid before 2099/],
    ["for another principal", () => ({ principal: "somebody-else" }), /permission denied/],
    ["by another authority", () => ({ by: stranger }), /permission denied/],
    ["for another address", () => ({ more: ["-O", "source-address=192.0.2.0/24"] }), /permission denied/],
  ])("%s", async (_what, wish, message) => {
    const key = await makeKey();
    await certify(key, wish());
    expect(await asBoth({ keys: [key.path] })).toBe("AUTH_FAILED");
    const refused = dial({ server: sshd, user: sshd.user, keys: [key.path] });
    await expect(refused).rejects.toMatchObject({ message: expect.stringMatching(message) });
  });
});

describe("refused by name, before anything is dialled, when the person named it", () => {
  const nowhere = { server: { host: "127.0.0.1", port: 1, knownHosts: () => "" }, user: "nobody" };
  const refused = async (login: Omit<Login, "server" | "user">, message: RegExp): Promise<void> => {
    await expect(dial({ ...nowhere, ...login })).rejects.toMatchObject({
      code: "KEY_INVALID",
      message: expect.stringMatching(message),
    });
  };

  test("for another key", async () => {
    const [key, other] = await Promise.all([makeKey(), makeKey()]);
    const certificate = await certify(other);
    await refused({ keys: [key.path], options: [`CertificateFile=${certificate}`] }, /is for another key \(SHA256:/);
  });

  test("a host's", async () => {
    const key = await makeKey();
    const certificate = await certify(key, { more: ["-h"] });
    await refused({ keys: [key.path], options: [`CertificateFile=${certificate}`] }, /host's certificate/);
  });

  test("damaged, missing, or no certificate at all", async () => {
    const key = await makeKey();
    const certificate = await certify(key);
    await refused({ options: [`CertificateFile=${key.path}.pub`] }, /plain key/);
    await refused({ options: ["CertificateFile=/nowhere/cert"] }, /no such file/);
    const whole = readFileSync(certificate, "latin1");
    const [type = "", base64 = ""] = whole.split(" ");
    const bytes = Buffer.from(base64, "base64");
    for (const length of [20, 60, bytes.length - 1]) {
      writeFileSync(certificate, `${type} ${bytes.subarray(0, length).toString("base64")}\n`);
      await refused({ options: [`CertificateFile=${certificate}`] }, /damaged/);
    }
    truncateSync(certificate);
    await refused({ options: [`CertificateFile=${certificate}`] }, /damaged/);
    // By -i, as by CertificateFile.
    await refused({ keys: [certificate] }, /damaged/);
  });

  test("a certificate as -i whose key is nowhere", async () => {
    const key = await makeKey();
    const certificate = await certify(key);
    rmSync(key.path);
    await refused({ keys: [certificate] }, /public key alone/);
  });
});

describe("beside a key that is named, and of no use: passed over, as ssh does", () => {
  const flaws: [string, (path: string) => Promise<void>, RegExp][] = [
    [
      "for another key",
      async (path) => copyFileSync(await certify(await makeKey()), path),
      /-cert\.pub cannot be used: it is for another key/,
    ],
    ["garbage", async (path) => writeFileSync(path, "garbage\n"), /-cert\.pub cannot be used: it is no certificate/],
    [
      "cut short",
      async (path) => {
        const [type, base64 = ""] = readFileSync(await certify(await makeKey()), "latin1").split(" ");
        writeFileSync(path, `${type} ${base64.slice(0, 200)}\n`);
      },
      /-cert\.pub cannot be used: it is damaged/,
    ],
    [
      "a host's",
      async (path) => copyFileSync(await certify(await makeKey(), { more: ["-h"] }), path),
      /-cert\.pub cannot be used: it is a host's certificate/,
    ],
  ];
  test.each(flaws)("%s", async (_what, write, message) => {
    const key = await makeKey();
    await write(`${key.path}-cert.pub`);
    // Where the login fails, what is wrong with it is told.
    expect(await asBoth({ keys: [key.path] })).not.toBe("in");
    const denied = dial({ server: sshd, user: sshd.user, keys: [key.path] });
    await expect(denied).rejects.toMatchObject({ message: expect.stringMatching(message) });
    sshd.authorize(key.line);
    expect(await asBoth({ keys: [key.path] })).toBe("in");
    expect(await asBoth({ options: [`IdentityFile=${key.path}`] })).toBe("in");
  });
});

test("any CertificateFile turns those beside keys off, `none` and one of ssh_config that is not there too: as ssh", async () => {
  const key = await makeKey();
  await certify(key);
  expect(await asBoth({ keys: [key.path] })).toBe("in");
  expect(await asBoth({ keys: [key.path], options: ["CertificateFile=none"] })).toBe("AUTH_FAILED");
});

test("a certificate of ssh_config that is for another key than -i is passed over: as ssh", async () => {
  const [key, other] = await Promise.all([makeKey(), makeKey()]);
  const certificate = await certify(other);
  sshd.authorize(key.line);
  const configFile = join(tempDir("config"), "config");
  writeFileSync(configFile, `CertificateFile ${certificate}\n`);
  expect(await asBoth({ keys: [key.path], configFile })).toBe("in");
  writeFileSync(configFile, "CertificateFile /nowhere\n");
  expect(await asBoth({ keys: [key.path], configFile })).toBe("in");
});
