import { SshMcpError } from "../../core/errors.ts";
import { shown } from "../../core/escape.ts";
import type { DirectoryEntry, FileChanges, FileFacts } from "../../core/files/file-facts.ts";
import { pathText } from "../../core/files/path-text.ts";
import type { OpenRemoteFile, RemoteFiles, WriteOptions } from "../../core/files/remote-files.ts";
import { home, shPath } from "../../core/files/remote-scripts.ts";
import { quoteWord } from "../../core/quote.ts";
import { piped } from "./chunk-pipe.ts";
import { definesFacts, EntryReader, factsIn, listsHere } from "./facts-text.ts";
import { bytesDone, writeSteps } from "./sh-content.ts";
import { changeSteps, readLinkSteps, renameSteps, resolveSteps, symlinkSteps } from "./sh-names.ts";
import { ShOpenFile } from "./sh-open-file.ts";
import { type Answer, ask, type Question, type Run } from "./sh-runner.ts";

export interface ShFilesOptions {
  run: Run;
  /** The server, for messages. */
  where: string;
}

/**
 * The files of a server that has no SFTP, by small programs of POSIX sh and the tools that POSIX has: one program, and so one round trip, for each method.
 * Where these differ (GNU, busybox, BSD), the program finds out.
 *
 * What it cannot do as well as SFTP: a file is found again by its name for each `read` (and looked at whether it is the same); `onWritten` tells what the
 * connection has taken; whether a write is on the disk is up to the server's dd.
 */
export class ShFiles implements RemoteFiles {
  readonly via = "sh";
  readonly #run: Run;
  readonly #where: string;

  constructor({ run, where }: ShFilesOptions) {
    this.#run = run;
    this.#where = where;
  }

  async resolve(path: string): Promise<string> {
    const { stdout } = await this.#ask(path, "resolved", resolveSteps);
    const answer = stdout.subarray(0, stdout.at(-1) === 0x0a ? -1 : undefined);
    if (answer[0] !== 0x2f) throw this.#strange(path);
    return pathText(answer);
  }

  stat(path: string): Promise<FileFacts | null> {
    return this.#facts(path, "-L ");
  }

  lstat(path: string): Promise<FileFacts | null> {
    return this.#facts(path, "");
  }

  async *list(path: string): AsyncGenerator<readonly DirectoryEntry[], void, void> {
    const reader = new EntryReader();
    const steps = [
      'there "$p"',
      '[ -d "$p" ]||no notdirectory',
      // `cd -` would be another directory; a path here begins with a slash or a dot.
      'cd "$p"||{ [ -x "$p" ]||echo ": Permission denied" >&2;no tool;}',
      '[ -r . ]||{ echo ": Permission denied" >&2;no tool;}',
      definesFacts,
      listsHere,
      "ok",
    ];
    let stderr = "";
    const chunks = piped(async (stdout) => {
      stderr = (await this.#ask(path, "listed", steps, { stdout })).stderr;
    });
    for await (const chunk of chunks) {
      const entries = reader.push(chunk);
      if (entries.length > 0) yield entries;
    }
    // What vanished meanwhile is said as well, and is no failure.
    if (/input\/output error|i\/o error|stale file handle/i.test(stderr))
      throw new SshMcpError("REMOTE_IO", `${shown(path)} could not be listed: input/output error`);
    const last = reader.end();
    if (last.length > 0) yield last;
  }

  async readLink(path: string): Promise<string> {
    const steps = ['there "$p"', '[ -L "$p" ]||no nolink', ...readLinkSteps];
    const { stdout } = await this.#ask(path, "read", steps);
    return pathText(stdout.subarray(0, stdout.at(-1) === 0x0a ? -1 : undefined));
  }

  async open(path: string): Promise<OpenRemoteFile> {
    const steps = [
      'there "$p"',
      '[ -d "$p" ]&&no directory',
      '[ -p "$p" ]&&no fifo',
      '[ -r "$p" ]||{ cat <"$p" >/dev/null;no tool;}',
      definesFacts,
      'facts -L "$p"||no tool',
      "ok",
    ];
    const found = factsIn((await this.#ask(path, "opened", steps)).stdout);
    if (found === null) throw this.#strange(path);
    return new ShOpenFile(path, found, ({ steps, stdout }) => this.#ask(path, "read", steps, { stdout }));
  }

  async write(path: string, bytes: AsyncIterable<Uint8Array>, options: WriteOptions): Promise<number> {
    let given = 0;
    const { onWritten, onForm, offset, append = false } = options;
    const counted = async function* (): AsyncGenerator<Uint8Array, void, void> {
      for await (const chunk of bytes) {
        // Asked for the next one, the connection has taken the last.
        if (given > 0) onWritten?.(given);
        given += chunk.length;
        yield chunk;
      }
    };
    let failed: { error: unknown } | null = null;
    const stdin = async function* (): AsyncGenerator<Uint8Array, void, void> {
      try {
        yield* counted();
      } catch (error) {
        failed = { error };
        throw error;
      }
    };
    let answer: Answer;
    try {
      answer = await this.#ask(path, "written", writeSteps(options), { stdin: stdin(), changes: append });
    } catch (error) {
      const broken = failed as { error: unknown } | null;
      throw broken === null ? bytesDone(error, offset, append) : broken.error;
    }
    const broken = failed as { error: unknown } | null;
    if (broken !== null) throw broken.error;
    const after = factsIn(Buffer.from(answer.words.at(-1) ?? "", "latin1"))?.facts;
    if (after?.type === "file" && after.size < offset + given)
      throw new SshMcpError(
        "REMOTE_IO",
        `${shown(path)} could not be written: ${Math.max(0, after.size - offset)} of ${given} bytes are there`,
      );
    const form = answer.words.find((word) => word.startsWith("form "));
    if (form !== undefined) onForm?.(Number(form.slice(5)));
    onWritten?.(given);
    return given;
  }

  async change(path: string, changes: FileChanges): Promise<void> {
    const steps = changeSteps(changes);
    if (steps.length > 0) await this.#ask(path, "changed", steps, { changes: true });
  }

  async makeDirectory(path: string, mode: number | null): Promise<void> {
    const bits = mode === null ? "" : `-m ${octal(mode)} `;
    const steps = ['[ -e "$p" ]||[ -L "$p" ]&&no exists', `mkdir ${bits}-- "$p"||no tool`, "ok"];
    await this.#ask(path, "made", steps, { changes: true });
  }

  async rename(from: string, to: string, replace: boolean): Promise<void> {
    const target = bare(to);
    const steps = [`q=${shPath(target)}`, ...renameSteps(replace)];
    const enter = from.startsWith("/") && !target.startsWith("/") ? [home(target)] : [];
    await this.#ask(bare(from), `renamed to ${shown(to)}`, [...enter, ...steps], { inTheWay: to, changes: true });
  }

  async symlink(target: string, path: string): Promise<void> {
    await this.#ask(bare(path), "made", [`t=${quoteWord(target)}`, ...symlinkSteps], { changes: true });
  }

  async remove(path: string): Promise<void> {
    const steps = [
      'there "$p"',
      '[ -d "$p" ]&&[ ! -L "$p" ]&&no directory',
      'rm -f -- "$p" </dev/null||no tool',
      '[ ! -e "$p" ]&&[ ! -L "$p" ]||no tool',
      "ok",
    ];
    await this.#ask(path, "removed", steps, { changes: true });
  }

  async removeDirectory(path: string): Promise<void> {
    const steps = ['there "$p"', '[ -d "$p" ]&&[ ! -L "$p" ]||no notdirectory', 'rmdir -- "$p"||no tool', "ok"];
    await this.#ask(path, "removed", steps, { changes: true });
  }

  async free(path: string): Promise<number | null> {
    const { stdout } = await this.#ask(path, "looked at", ['there "$p"', 'df -Pk "$p"||df -k "$p"', "ok"]);
    // POSIX, df: total, used, available, in units of 1,024 bytes. Names with blanks may stand before and behind.
    const kib = / +\d+ +\d+ +(\d+) +\d+% /.exec(stdout.toString("latin1"))?.[1];
    return kib === undefined ? null : Number(kib) * 1024;
  }

  async #facts(path: string, follow: string): Promise<FileFacts | null> {
    const steps = [definesFacts, `facts ${follow}"$p"||no tool`, "ok"];
    try {
      const found = factsIn((await this.#ask(path, "looked at", steps)).stdout);
      if (found === null) throw this.#strange(path);
      return found.facts;
    } catch (error) {
      if (error instanceof SshMcpError && error.code === "NOT_FOUND") return null;
      throw error;
    }
  }

  #ask(
    path: string,
    doing: string,
    steps: readonly string[],
    more: Pick<Question, "stdin" | "stdout" | "inTheWay" | "changes"> = {},
  ): Promise<Answer> {
    const begin = [home(path), `p=${shPath(path)}`];
    return ask(this.#run, { path, doing, steps: [...begin, ...steps], ...more });
  }

  #strange(path: string): SshMcpError {
    return new SshMcpError("PROTOCOL_ERROR", `${this.#where} gave no answer about ${shown(path)} that can be read`);
  }
}

const octal = (mode: number): string => mode.toString(8).padStart(4, "0");

/** A slash at the end would follow a link. */
const bare = (path: string): string => path.replace(/(?<!^)\/+$/, "");
