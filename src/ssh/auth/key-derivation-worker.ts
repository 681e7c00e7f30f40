/** A thread of its own, started by key-derivation.ts: takes one question, gives one answer, and is ended by whoever asked. */
import { pbkdf } from "bcrypt-pbkdf";
import type { KeyDerivation } from "./key-derivation.ts";

declare const self: Worker;

self.onmessage = ({ data }: MessageEvent<KeyDerivation>) => {
  const { passphrase, salt, rounds, length } = data;
  const key = new Uint8Array(length);
  const isDerived = pbkdf(passphrase, passphrase.length, salt, salt.length, key, length, rounds) === 0;
  self.postMessage(isDerived ? key : null);
};
