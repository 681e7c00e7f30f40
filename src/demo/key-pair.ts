import ssh2 from "ssh2";

/**
 * A new ed25519 key, both halves in OpenSSH's text form. ssh2 leaves out a first byte of the public key that is zero, and then reads neither
 * half back: one key in 256 is made again.
 */
export const makeKeyPair = (): { public: string; private: string } => {
  for (;;) {
    const pair = ssh2.utils.generateKeyPairSync("ed25519");
    if (!(ssh2.utils.parseKey(pair.private) instanceof Error)) return pair;
  }
};
