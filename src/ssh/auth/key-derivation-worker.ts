/** A thread of its own, started by key-derivation.ts: takes one question, gives one answer, and is ended by whoever asked. */
import { argon2Sync, createPrivateKey } from "node:crypto";
import { pbkdf } from "bcrypt-pbkdf";
import type { KeyDerivation } from "./key-derivation.ts";
import { openPbes2 } from "./pbes2.ts";

declare const self: Worker;

const answer = (question: KeyDerivation): Uint8Array | null => {
  const { passphrase } = question;
  switch (question.kind) {
    case "bcrypt": {
      const { salt, rounds, length } = question;
      const key = new Uint8Array(length);
      return pbkdf(passphrase, passphrase.length, salt, salt.length, key, length, rounds) === 0 ? key : null;
    }
    case "argon2": {
      const { flavour, memory, passes, parallelism, salt, length } = question;
      const parameters = { message: passphrase, nonce: salt, parallelism, tagLength: length, memory, passes };
      return new Uint8Array(argon2Sync(flavour, parameters));
    }
    case "pem":
      return openPem(question.text, passphrase);
  }
};

const openPem = (text: string, passphrase: Uint8Array): Uint8Array | null => {
  try {
    const key = createPrivateKey({ key: text, passphrase: Buffer.from(passphrase) });
    return new Uint8Array(key.export({ type: "pkcs8", format: "der" }));
  } catch {
    return openPkcs8(text, passphrase);
  }
};

const openPkcs8 = (text: string, passphrase: Uint8Array): Uint8Array | null => {
  const base64 = /-----BEGIN ENCRYPTED PRIVATE KEY-----([A-Za-z0-9+/=\s]+)-----END/.exec(text)?.[1];
  try {
    return base64 === undefined ? null : new Uint8Array(openPbes2(Buffer.from(base64, "base64"), passphrase));
  } catch {
    // A wrong passphrase, or what is inside is no key: the two cannot be told apart.
    return null;
  }
};

self.onmessage = ({ data }: MessageEvent<KeyDerivation>) => self.postMessage(answer(data));
