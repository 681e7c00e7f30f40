import { readFileSync, writeFileSync } from "node:fs";
import { type KeyOptions, type KeyPair, makeKey } from "../../support/keys.ts";

/** In front of bcrypt's rounds, in a key that ssh-keygen has encrypted with its usual cipher (PROTOCOL.key). */
const fieldsBefore = [
  "openssh-key-v1\0",
  "\0\0\0\x0aaes256-ctr",
  "\0\0\0\x06bcrypt",
  "\0\0\0\x18",
  "\0\0\0\x10",
  "s".repeat(16),
];

/** An encrypted key whose file asks for hours of work with any passphrase. */
export const makeEndlessKey = async (options: Pick<KeyOptions, "path"> = {}): Promise<KeyPair> => {
  const key = await makeKey({ ...options, passphrase: "correct horse", rounds: 1 });
  const [begin = "", ...lines] = readFileSync(key.path, "latin1").trim().split("\n");
  const bytes = Buffer.from(lines.slice(0, -1).join(""), "base64");
  const at = fieldsBefore.join("").length;
  if (bytes.readUInt32BE(at) !== 1) throw new Error("the rounds of the key are somewhere else");
  bytes.writeUInt32BE(1_000_000, at);
  writeFileSync(key.path, [begin, bytes.toString("base64"), lines.at(-1), ""].join("\n"));
  return key;
};
