import type { Become } from "../../core/command-form.ts";
import { formatLimit } from "../../core/duration.ts";
import { SshMcpError } from "../../core/errors.ts";
import type { RemoteFiles } from "../../core/files/remote-files.ts";
import type { Caller } from "../../core/operation.ts";
import type { Connection } from "../../ssh/connection.ts";
import type { SftpLink } from "../../ssh/sftp/sftp-link.ts";

/** Without a request for so long it ends. */
const idleLimitMs = 60_000;
/** Further channels end sooner: they were for one transfer. */
const furtherIdleMs = 2_000;
/** A server that has answered nothing for so long stands still; where somebody else still waits, it may be that a disk is slow. */
const silenceMs = 5_000;
const sharedSilenceMs = 60_000;
/** A channel of another user serves no call that begins later: who may become that user is asked again. */
const otherUserMs = 600_000;

/** A link, with what a channel of the connection adds to it. */
export interface FilesLink extends SftpLink {
  readonly isEnded: boolean;
  /** When the server last sent anything, by `performance.now()`. */
  readonly heardAt: number;
}

/** Whose files they are: of the login's user for everybody who may use the session, of another user for one caller alone. */
export interface FilesOwner {
  become: Become | null;
  caller: Caller;
}

/** A request under way. */
export interface Lease {
  /** More than once is fine. */
  end(): void;
  /** Nobody waits for its answer any more; it still ends with it. The server is asked whether it answers at all. */
  abandon(): void;
}

export interface KeptFilesOptions {
  first: FilesLink;
  files: RemoteFiles;
  connection: Connection;
  owner: FilesOwner;
  /** Milliseconds since some moment, the machine's sleep included. */
  now: () => number;
  /** Told once, when nothing may use it any more. */
  onEnd: () => void;
}

/** The SFTP of one user on one connection: its channels, how they are used, and when they end. */
export class KeptFiles {
  readonly files: RemoteFiles;
  readonly connection: Connection;
  readonly owner: FilesOwner;
  readonly #first: FilesLink;
  /** Those that are open. */
  readonly #further = new Set<FilesLink>();
  readonly #onEnd: () => void;
  readonly #now: () => number;
  readonly #openedAt: number;
  #leases = 0;
  #abandoned = 0;
  #isDoubted = false;
  #isOpen = true;
  #isRetired = false;
  /** Take each channel back from being idle. */
  #busy: (() => void)[] = [];
  #idle: ReturnType<typeof setTimeout> | undefined;
  #furtherIdle: ReturnType<typeof setTimeout> | undefined;
  #patience: ReturnType<typeof setTimeout> | undefined;

  constructor({ first, files, connection, owner, now, onEnd }: KeptFilesOptions) {
    this.#first = first;
    this.files = files;
    this.connection = connection;
    this.owner = owner;
    this.#onEnd = onEnd;
    this.#now = now;
    this.#openedAt = now();
    void first.ended.then(() => this.end());
    // Whoever opened it comes first: another that waits would take its channel before it was of any use.
    const { end } = this.begin();
    setImmediate(end);
  }

  /** Whether requests may still be made. */
  get isOpen(): boolean {
    return this.#isOpen && !this.#first.isEnded;
  }

  /** Whether calls that begin now may use it. */
  get isForNew(): boolean {
    const isOld = this.owner.become !== null && this.#now() - this.#openedAt > otherUserMs;
    return this.isOpen && !this.#isRetired && !isOld && !this.#isDoubted;
  }

  /** Whether it may stand still: what is not under way on it yet had better go elsewhere. */
  get isDoubted(): boolean {
    return this.#isDoubted;
  }

  /** Further channels that are open. */
  get further(): number {
    return this.#further.size;
  }

  /** Notes a request: it is not idle until that ends. To be called only while it is open. */
  begin(): Lease {
    if (this.#leases === 0) this.#wake();
    this.#leases += 1;
    let [isOver, isAbandoned] = [false, false];
    return {
      end: () => {
        if (isOver) return;
        isOver = true;
        this.#leases -= 1;
        if (isAbandoned) this.#abandoned -= 1;
        if (this.#leases === 0) this.#rest();
      },
      abandon: () => {
        if (isOver || isAbandoned) return;
        isAbandoned = true;
        this.#abandoned += 1;
        this.doubt();
      },
    };
  }

  /**
   * Asks the server for something that is always there, when somebody has waited in vain: one that stands still, as before a file whose bytes never come,
   * answers nothing else. Until it answers no other call uses it; when it does not, it ends.
   */
  doubt(): void {
    if (!this.isOpen || this.#isDoubted) return;
    this.#isDoubted = true;
    const { end } = this.begin();
    const answered = (): void => {
      clearTimeout(this.#patience);
      this.#isDoubted = false;
      end();
    };
    this.#wait(performance.now());
    this.files.lstat("/").then(answered, answered);
  }

  /** Adds a channel, which ends before the first one does. */
  add(link: FilesLink): void {
    this.#further.add(link);
    void link.ended.then(() => {
      this.#further.delete(link);
      if (this.#leases === 0) this.#restAgain();
    });
    if (!this.#isOpen) link.end();
  }

  /** No later call uses it; it ends when nothing is under way. */
  retire(): void {
    this.#isRetired = true;
    if (this.#leases === 0) this.end();
  }

  /** @param reason for whoever still waits */
  end(reason?: SshMcpError): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#wake();
    clearTimeout(this.#patience);
    for (const link of this.#further) link.end(reason);
    this.#first.end(reason);
    this.#onEnd();
  }

  /** Nothing is under way: its channels give way to whoever needs one. */
  #rest(): void {
    if (!this.isOpen) return;
    if (this.#isRetired) {
      this.end();
      return;
    }
    this.#idle = setTimeout(() => this.end(), idleLimitMs);
    this.#idle.unref();
    if (this.#further.size > 0) {
      this.#furtherIdle = setTimeout(() => this.#endFurther(), furtherIdleMs);
      this.#furtherIdle.unref();
    }
    const links = [...[...this.#further].map((link) => () => link.end()), () => this.end()];
    for (const end of links) this.#busy.push(this.connection.keepIdle(end));
    // It may have had to end at once.
    if (!this.#isOpen) this.#wake();
  }

  #wake(): void {
    clearTimeout(this.#idle);
    clearTimeout(this.#furtherIdle);
    for (const busy of this.#busy) busy();
    this.#busy = [];
  }

  #endFurther(): void {
    for (const link of this.#further) link.end();
  }

  /** What is counted as idle has changed. */
  #restAgain(): void {
    this.#wake();
    this.#rest();
  }

  /** Ends it when the server has been silent for too long since then. */
  #wait(since: number): void {
    // One lease is the question's own.
    const isShared = this.#leases - this.#abandoned > 1;
    const limit = isShared ? sharedSilenceMs : silenceMs;
    const left = Math.max(since, this.#first.heardAt) + limit - performance.now();
    if (left <= 0) {
      this.end(silent(limit));
      return;
    }
    this.#patience = setTimeout(() => this.#wait(since), Math.min(left, silenceMs));
    this.#patience.unref();
  }
}

const silent = (limitMs: number): SshMcpError =>
  new SshMcpError(
    "CONNECTION_LOST",
    `the SFTP server answered nothing for ${formatLimit(limitMs)}; its channel was given up`,
  );
