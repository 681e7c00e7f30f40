/**
 * What a passphrase has to go through to open a key: bcrypt_pbkdf in OpenSSH's format (0.3 s at ssh-keygen's 16 rounds), Argon2 in PuTTY's, PBKDF2
 * in PKCS#8; as long as the file says. On a thread of its own, so that everything else goes on, and so that it can be ended at any moment.
 */
import { SshMcpError } from "../../core/errors.ts";

interface Question {
  passphrase: Uint8Array<ArrayBuffer>;
}

interface Bytes extends Question {
  salt: Uint8Array;
  /** Bytes of key wanted. */
  length: number;
}

export type KeyDerivation =
  | (Bytes & { kind: "bcrypt"; rounds: number })
  /** RFC 9106; `memory` in KiB. */
  | (Bytes & {
      kind: "argon2";
      flavour: "argon2id" | "argon2i" | "argon2d";
      memory: number;
      passes: number;
      parallelism: number;
    })
  /** A PEM file of whatever OpenSSL writes: the answer is the key itself, as PKCS#8 in DER. */
  | (Question & { kind: "pem"; text: string });

/**
 * The thread's code by an absolute path: Bun looks for a relative one in the folder this process was started in. In the compiled program all
 * modules are one file at the root, and the thread's is beside it under its own path.
 */
const worker = import.meta.dir.startsWith("/$bunfs/")
  ? new URL("./src/ssh/auth/key-derivation-worker.js", import.meta.url)
  : new URL("./key-derivation-worker.ts", import.meta.url);

/**
 * @param question its passphrase is handed over: nothing is left in it afterwards
 * @returns null for what cannot be derived from: an empty passphrase or salt, no rounds, a PEM file that the passphrase does not open
 * @throws SshMcpError CANCELED when `signal` aborts first; the thread has no more work then
 */
export const deriveKey = async (question: KeyDerivation, signal: AbortSignal): Promise<Uint8Array | null> => {
  const canceled = (): SshMcpError => new SshMcpError("CANCELED", "the key's decryption was canceled");
  if (signal.aborted) throw canceled();
  const { promise, resolve, reject } = Promise.withResolvers<Uint8Array | null>();
  const thread = new Worker(worker);
  const cancel = (): void => reject(canceled());
  signal.addEventListener("abort", cancel, { once: true });
  thread.onmessage = ({ data }: MessageEvent<Uint8Array | null>) => resolve(data);
  thread.onerror = ({ message }) => reject(new SshMcpError("INTERNAL", `a key could not be derived: ${message}`));
  try {
    thread.postMessage(question, [question.passphrase.buffer]);
    return await promise;
  } finally {
    signal.removeEventListener("abort", cancel);
    thread.terminate();
  }
};
