/**
 * The broker's place among the files: a socket that appears under its name only when it is listening, and that is given up when the name
 * becomes another's. The caller holds the lock of the place, so that two brokers never do this at once.
 */
import { chmodSync, lstatSync, readdirSync, renameSync, unlinkSync } from "node:fs";
import { posix } from "node:path";
import { errorCode } from "../../core/error-code.ts";
import { SshMcpError } from "../../core/errors.ts";
import { quoteWords } from "../../core/quote.ts";
import { inodeOf } from "../../files/inode.ts";
import { peerPid, peerUid } from "../../files/peer-uid.ts";
import type { Transport } from "../wire/protocol.ts";
import { type ListeningSocket, listenOnSocket } from "../wire/socket-transport.ts";

const watchMs = 2000;
/** Older than this, a socket that has not got its name yet was left by a process that was killed. */
const leftoverMs = 60_000;

export interface ListenerOptions {
  path: string;
  accept: (transport: Transport) => void;
  /** Told of a connection of another user, which was closed at once. */
  strange: (uid: number) => void;
  /** Told once, when the path leads elsewhere: nobody finds this broker any more. */
  lost: () => void;
}

/** @throws SshMcpError BROKER_UNAVAILABLE when there can be no socket at the path; LOCAL_IO when the disk does not do it */
export const listenAt = (options: ListenerOptions): Listener => new Listener(options);

export class Listener {
  readonly #path: string;
  readonly #socket: ListeningSocket;
  /** Of our own socket. */
  readonly #inode: string;
  readonly #watch: ReturnType<typeof setInterval>;
  #open = true;

  constructor({ path, accept, strange, lost }: ListenerOptions) {
    this.#path = path;
    removeLeftovers(posix.dirname(path));
    const unnamed = posix.join(posix.dirname(path), `${unnamedPrefix}${crypto.randomUUID().slice(0, 8)}`);
    try {
      this.#socket = listenOnSocket(unnamed, (transport, file) => {
        const uid = strangerAt(file);
        if (uid === null) {
          transport.peer = file === null ? null : peerPid(file);
          return accept(transport);
        }
        transport.abort();
        strange(uid);
      });
    } catch (cause) {
      throw failed(path, cause);
    }
    try {
      chmodSync(unnamed, 0o600);
      this.#inode = inodeOf(unnamed) ?? "";
      renameSync(unnamed, path);
    } catch (cause) {
      // This removes the unnamed socket as well.
      this.#socket.stop();
      throw failed(path, cause);
    }
    this.#watch = setInterval(() => {
      if (!this.#isOurs()) {
        clearInterval(this.#watch);
        lost();
      }
    }, watchMs);
  }

  /** Takes no further connections and removes the socket, unless the path is another's by now. */
  close(): void {
    if (!this.#open) return;
    this.#open = false;
    clearInterval(this.#watch);
    if (this.#isOurs()) unlinkSync(this.#path);
    // It removes what is at the path that it was bound to: nothing, since the rename.
    this.#socket.stop();
  }

  #isOurs(): boolean {
    return inodeOf(this.#path) === this.#inode;
  }
}

/**
 * Another user may get this far when the directories' modes were opened by mistake. Null for our own, and where the system does not say: the
 * modes are all that protects then.
 */
const strangerAt = (file: number | null): number | null => {
  const uid = file === null ? null : peerUid(file);
  return uid === process.getuid?.() ? null : uid;
};

/** Not longer than the name it gets: socket paths have a limit. */
const unnamedPrefix = ".n";

/** One that cannot be removed is in nobody's way. */
const removeLeftovers = (directory: string): void => {
  try {
    for (const name of readdirSync(directory)) {
      if (!/^\.n[0-9a-f]{8}$/.test(name)) continue;
      const path = posix.join(directory, name);
      const stats = lstatSync(path, { throwIfNoEntry: false });
      if (stats !== undefined && Date.now() - stats.mtimeMs > leftoverMs) unlinkSync(path);
    }
  } catch {
    // Whether there can be a socket is told by making it.
  }
};

const failed = (path: string, cause: unknown): SshMcpError => {
  const code = errorCode(cause);
  if (code === "EISDIR" || code === "ENOTEMPTY" || code === "EEXIST" || code === "ENOTDIR") {
    return new SshMcpError(
      "BROKER_UNAVAILABLE",
      `the broker's socket ${path} cannot be made: a directory is in its place`,
      {
        hint: quoteWords(["mv", path, `${path}.old`]),
        retryable: false,
        cause,
      },
    );
  }
  return new SshMcpError("LOCAL_IO", `the broker's socket ${path} cannot be made (${code})`, {
    hint: quoteWords(["ls", "-ld", posix.dirname(path)]),
    cause,
  });
};
