import { afterAll, expect, test } from "bun:test";
import { algorithmsFor } from "../../../src/ssh/key-exchange/algorithms.ts";
import { cleanup } from "../../support/cleanup.ts";
import { mustRun } from "../../support/command.ts";
import { type KeyOptions, type KeyPair, makeKey, readPublicKey } from "../../support/keys.ts";
import { startSshd } from "../../support/sshd.ts";
import { open, run } from "../open.ts";
import { plainChoice } from "../plain-choice.ts";

afterAll(cleanup);

/** An sshd that shows one key, with a certificate. */
const certifiedSshd = async (options: KeyOptions) => {
  const [authority, host, login] = await Promise.all([makeKey(), makeKey(options), makeKey()]);
  await mustRun(["ssh-keygen", "-q", "-s", authority.path, "-h", "-I", "test", "-n", "127.0.0.1", `${host.path}.pub`]);
  const certificate = readPublicKey(`${host.path}-cert.pub`);
  const sshd = await startSshd({
    hostKeys: [],
    options: [`HostKey ${host.path}`, `HostCertificate ${host.path}-cert.pub`],
    authorizedKeys: [login.line],
  });
  return { sshd, host, certificate, login };
};

const shownKey = async (server: { port: number; user: string }, login: KeyPair, hostKeyAlgorithms: string) => {
  const shown: Buffer[] = [];
  const connection = await open({
    ...{ port: server.port, user: server.user, keys: [login.path] },
    algorithms: algorithmsFor({ ...plainChoice, hostKeyAlgorithms }),
    rekeyLimit: { bytes: 50_000, ms: null },
    verifyHostKey: async (key) => {
      shown.push(key);
      return true;
    },
  });
  // Enough for new keys, which have to come with the same certificate.
  const result = await run(connection, "head -c 200000 /dev/zero; echo hello");
  expect(result).toMatchObject({ stdout: expect.stringMatching(/hello\n$/), exitCode: 0 });
  expect(shown).toHaveLength(1);
  return shown[0];
};

test.each<[string, KeyOptions]>([
  ["ssh-ed25519-cert-v01@openssh.com", { type: "ed25519" }],
  ["ecdsa-sha2-nistp256-cert-v01@openssh.com", { type: "ecdsa", bits: 256 }],
  ["ecdsa-sha2-nistp384-cert-v01@openssh.com", { type: "ecdsa", bits: 384 }],
  ["ecdsa-sha2-nistp521-cert-v01@openssh.com", { type: "ecdsa", bits: 521 }],
  ["rsa-sha2-512-cert-v01@openssh.com", { type: "rsa", bits: 2048 }],
])("%s: the whole certificate is judged, and its key signs", async (algorithm, key) => {
  const { sshd, certificate, host, login } = await certifiedSshd(key);
  expect(await shownKey(sshd, login, algorithm)).toEqual(Buffer.from(certificate.blob));
  if (key.type === "rsa") {
    const other = "rsa-sha2-256-cert-v01@openssh.com";
    expect(await shownKey(sshd, login, other)).toEqual(Buffer.from(certificate.blob));
  }
  // Without certificates among the algorithms it is the plain key.
  const plain = algorithm.replace("-cert-v01@openssh.com", "");
  expect(await shownKey(sshd, login, plain)).toEqual(Buffer.from(host.blob));
});
