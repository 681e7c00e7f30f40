/** The two files of ours that commands write: `ssh_config` and `config.toml` of the base directory, one writer at a time. */
import { lstatSync, readlinkSync, realpathSync } from "node:fs";
import { posix } from "node:path";
import { ownConfigFile } from "../../config/own-config/own-file.ts";
import { readSettingsText, settingsFile } from "../../config/settings.ts";
import { readConfigFile } from "../../config/ssh-config/files/file.ts";
import { errorCode } from "../../core/error-code.ts";
import { SshMcpError } from "../../core/errors.ts";
import { quoteWord } from "../../core/quote.ts";
import { writeAtomically } from "../../files/atomic-write.ts";
import { type Lock, tryLock } from "../../files/lock.ts";
import { makePrivateDirectory } from "../../files/private-directory.ts";

/** Whoever writes needs milliseconds. */
const patienceMs = 10_000;
const pauseMs = 5;

export class OwnFiles {
  readonly config: string;
  readonly settings: string;
  readonly #base: string;

  /** @param base the base directory */
  constructor(base: string) {
    this.#base = base;
    this.config = ownConfigFile(base);
    this.settings = settingsFile(base);
  }

  /** @returns empty when there is none. @throws SshMcpError CONFIG_INVALID for what cannot be read, or is no UTF-8 */
  readConfig(): string {
    const text = readConfigFile(this.config, "default", null)?.text ?? "";
    // What was no UTF-8 would be written back as something else.
    if (!text.includes("\ufffd")) return text;
    throw new SshMcpError("CONFIG_INVALID", `${this.config} is not UTF-8`, { hint: `file ${quoteWord(this.config)}` });
  }

  /** @returns empty when there is none. @throws SshMcpError CONFIG_INVALID */
  readSettings(): string {
    return readSettingsText(this.settings) ?? "";
  }

  /** @throws SshMcpError LOCAL_IO; the file is as it was then */
  async write(path: string, text: string): Promise<void> {
    await writeAtomically(target(path), text, 0o600);
  }

  /** @returns false when there is one already, which stays as it is. @throws SshMcpError LOCAL_IO */
  async create(path: string, text: string): Promise<boolean> {
    if (lstatSync(path, { throwIfNoEntry: false }) !== undefined) return false;
    await writeAtomically(path, text, 0o600);
    return true;
  }

  /**
   * Nobody else writes meanwhile, in whatever process. A reader is not kept out: it sees the old file or the new one.
   * @param signal ends the waiting; what has begun goes on to its end
   * @throws SshMcpError LOCAL_IO, CANCELED
   */
  async alone<T>(signal: AbortSignal, work: () => Promise<T>): Promise<T> {
    makePrivateDirectory(this.#base);
    const lock = await this.#lock(signal);
    try {
      return await work();
    } finally {
      lock.release();
    }
  }

  async #lock(signal: AbortSignal): Promise<Lock> {
    const path = posix.join(this.#base, "hosts.lock");
    for (let waited = 0; waited < patienceMs; waited += pauseMs) {
      if (signal.aborted) throw new SshMcpError("CANCELED", "canceled before anything was written");
      const lock = tryLock(path);
      if (lock !== null) return lock;
      await Bun.sleep(pauseMs);
    }
    throw new SshMcpError("LOCAL_IO", `another process holds ${path}`, { hint: `fuser ${quoteWord(path)}` });
  }
}

/** A link is kept: people keep their settings together elsewhere. One that leads to no file yet is where it will be. */
const target = (path: string): string => {
  let at = path;
  for (let links = 0; links < mostLinks; links++) {
    try {
      const folder = realpathSync(posix.dirname(at));
      const file = posix.join(folder, posix.basename(at));
      if (lstatSync(file, { throwIfNoEntry: false })?.isSymbolicLink() !== true) return file;
      at = posix.resolve(folder, readlinkSync(file));
    } catch (cause) {
      throw new SshMcpError("LOCAL_IO", `${path} is a link that cannot be followed to ${at} (${errorCode(cause)})`, {
        hint: `ls -l ${quoteWord(path)}`,
        cause,
      });
    }
  }
  throw new SshMcpError("LOCAL_IO", `${path} leads through more than ${mostLinks} links`, {
    hint: `ls -l ${quoteWord(path)}`,
  });
};

/** As many as Linux follows. */
const mostLinks = 40;
