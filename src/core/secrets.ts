/** What operations know of the keychain. */
import type { CallScope } from "./call-scope.ts";
import type { DialRequest } from "./dial-request.ts";

/** A place in the keychain of the caller. */
export interface SecretPlace {
  /** What it is filed under. */
  account: string;
  /** What is kept there, in words. */
  what: string;
  /** @throws SshMcpError KEY_INVALID for a file that takes no passphrase: there is nothing to ask for */
  mayKeep(): Promise<void>;
  /**
   * @throws SshMcpError UNSUPPORTED where there is no keychain, PRECONDITION_FAILED where it is locked, KEY_INVALID for a passphrase that does not
   *   open its key, CANCELED
   */
  keep(secret: string): Promise<void>;
  /** @returns whether there was something. @throws as `keep` */
  forget(): Promise<boolean>;
}

export interface Secrets {
  /**
   * Where the keychain keeps what a login takes: the password of a target, or the passphrase of a key file.
   * @throws SshMcpError as a connection to the target would before it dials
   */
  place(of: DialRequest | { keyFile: string }, scope: CallScope): Promise<SecretPlace>;
}
