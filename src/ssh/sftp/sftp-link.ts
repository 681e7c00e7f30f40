import type { SshMcpError } from "../../core/errors.ts";

/** A pipe of bytes to one SFTP server: a channel of a connection, or a process. */
export interface SftpLink {
  /** Queues in order and never blocks; after the end it does nothing. The bytes must not be changed afterwards. */
  send(bytes: Uint8Array): void;
  /**
   * Set once, before the first byte is handed over. The chunk is the receiver's own from then on, unless it returns true: then it has copied what
   * it needs of it.
   */
  onData: (chunk: Uint8Array) => boolean | undefined;
  /** Resolves once with the reason, whoever ended it; never rejects. What the server still sent was handed over before. */
  readonly ended: Promise<SshMcpError>;
  /** Ends it at once, without waiting for what is queued. The first reason stays. */
  end(reason?: SshMcpError): void;
}
