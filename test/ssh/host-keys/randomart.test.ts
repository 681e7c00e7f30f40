import { afterAll, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { shownType } from "../../../src/ssh/host-keys/host-key-question.ts";
import { randomart } from "../../../src/ssh/host-keys/randomart.ts";
import { fingerprint, keyBits } from "../../../src/ssh/public-key.ts";
import { cleanup } from "../../support/cleanup.ts";
import { mustRun } from "../../support/command.ts";
import { makeKey } from "../../support/keys.ts";
import { tempDir } from "../../support/temp.ts";
import { ecdsa, rsa, text } from "./known-hosts-keys.ts";

afterAll(cleanup);

const ed25519 = (seed: number): Buffer => {
  const key = Buffer.alloc(51);
  key.writeUInt32BE(11);
  key.write("ssh-ed25519", 4);
  key.writeUInt32BE(32, 15);
  Buffer.from(new Bun.CryptoHasher("sha256").update(String(seed)).digest()).copy(key, 19);
  return key;
};

test("keys are described and drawn as ssh-keygen -lv does it, five hundred of them", async () => {
  const file = join(tempDir("art"), "keys");
  const large = await makeKey({ type: "ecdsa", bits: 521 });
  const keys = [
    ...Array.from({ length: 497 }, (_, seed) => ed25519(seed)),
    ...[ecdsa, rsa(3), rsa(9, 4096), Buffer.from(large.blob)],
  ];
  writeFileSync(file, keys.map((key) => `${text(key)}\n`).join(""));
  const expected = await mustRun(["ssh-keygen", "-lv", "-f", file]);
  const ours = keys.map(
    (key) => `${keyBits(key)} ${fingerprint(key)} no comment (${shownType(key)})\n${randomart(key)}\n`,
  );
  expect(ours.join("")).toBe(expected);
});

test("a security key has a shorter title", () => {
  const wire = (...strings: (string | Buffer)[]) =>
    Buffer.concat(
      strings
        .map((string) => [Buffer.alloc(4), Buffer.from(string)] as const)
        .flatMap(([length, bytes]) => {
          length.writeUInt32BE(bytes.length);
          return [length, bytes];
        }),
    );
  const key = wire("sk-ssh-ed25519@openssh.com", Buffer.alloc(32, 1), "ssh:");
  expect([shownType(key), keyBits(key)]).toEqual(["ED25519-SK", 256]);
  expect(randomart(key).split("\n")[0]).toBe("+[ED25519-SK 256]-+");
});
