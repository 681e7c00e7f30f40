/** Version 1.0.2, which ssh2 brings; it has no types of its own. */
declare module "bcrypt-pbkdf" {
  /**
   * Fills `key` with what is derived; blocks for about ten milliseconds a round and 32 bytes.
   * @returns 0, or -1 for an empty passphrase or salt, no rounds, or a key of more than 1024 bytes
   */
  export const pbkdf: (
    passphrase: Uint8Array,
    passphraseLength: number,
    salt: Uint8Array,
    saltLength: number,
    key: Uint8Array,
    keyLength: number,
    rounds: number,
  ) => number;
}
