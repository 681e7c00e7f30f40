import { afterAll, expect, test } from "bun:test";
import { readFileSync, statSync } from "node:fs";
import { cleanup } from "./cleanup.ts";
import { mustRun, runCommand } from "./command.ts";
import { type KeyOptions, knownHostsLine, makeKey } from "./keys.ts";

afterAll(cleanup);

const kinds: [KeyOptions, string, string][] = [
  [{}, "ssh-ed25519", "-----BEGIN OPENSSH PRIVATE KEY-----"],
  [{ type: "ecdsa", bits: 384, format: "PEM" }, "ecdsa-sha2-nistp384", "-----BEGIN EC PRIVATE KEY-----"],
  [{ type: "rsa", bits: 2048, format: "PKCS8" }, "ssh-rsa", "-----BEGIN PRIVATE KEY-----"],
];

test.each(kinds)("makes a key, %p", async (options, algorithm, begin) => {
  const key = await makeKey(options);
  expect(key.algorithm).toBe(algorithm);
  expect(readFileSync(key.path, "utf8")).toStartWith(begin);
  expect(statSync(key.path).mode & 0o777).toBe(0o600);
  expect(await mustRun(["ssh-keygen", "-l", "-f", key.path])).toContain(` ${key.fingerprint} `);
  expect(await mustRun(["ssh-keygen", "-y", "-f", key.path])).toStartWith(key.line);
  expect(Buffer.from(key.blob).subarray(4).toString("latin1")).toStartWith(algorithm);
});

test("a passphrase is needed where one was given", async () => {
  const key = await makeKey({ passphrase: "open sesame", rounds: 1 });
  const open = (word: string) => runCommand(["ssh-keygen", "-y", "-P", word, "-f", key.path]);
  expect((await open("open sesame")).status).toBe(0);
  expect((await open("")).status).not.toBe(0);
});

test("known_hosts lines are spelled as ssh looks for them", async () => {
  const key = await makeKey();
  expect(knownHostsLine("h", 22, key)).toBe(`h ${key.line}\n`);
  expect(knownHostsLine("127.0.0.1", 2222, key)).toBe(`[127.0.0.1]:2222 ${key.line}\n`);
});
