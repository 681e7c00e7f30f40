/** Of Node 24 and Bun 1.4, before their types have it. */
import "node:crypto";

declare module "node:crypto" {
  /**
   * RFC 9106. Blocks for as long as the parameters ask.
   * @throws Error for parameters that are out of its bounds
   */
  export const argon2Sync: (
    algorithm: "argon2d" | "argon2i" | "argon2id",
    parameters: {
      message: Uint8Array;
      nonce: Uint8Array;
      parallelism: number;
      /** Bytes of the result. */
      tagLength: number;
      /** KiB. */
      memory: number;
      passes: number;
    },
  ) => Buffer;
}
