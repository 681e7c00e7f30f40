import { SshMcpError } from "../../core/errors.ts";
import { shown } from "../../core/escape.ts";
import type { FileFacts } from "../../core/files/file-facts.ts";
import type { OpenRemoteFile } from "../../core/files/remote-files.ts";
import type { Sink } from "../../core/sink.ts";
import { piped } from "./chunk-pipe.ts";
import { definesFacts, type FoundFacts, factsIn } from "./facts-text.ts";
import { readSteps } from "./sh-content.ts";
import type { Answer } from "./sh-runner.ts";

type Ask = (question: { steps: readonly string[]; stdout: Sink }) => Promise<Answer>;

/** A name that was looked at: nothing is open on the server between two reads. */
export class ShOpenFile implements OpenRemoteFile {
  readonly #path: string;
  readonly #found: FoundFacts;
  readonly #ask: Ask;

  constructor(path: string, found: FoundFacts, ask: Ask) {
    this.#path = path;
    this.#found = found;
    this.#ask = ask;
  }

  async facts(): Promise<FileFacts> {
    return this.#found.facts;
  }

  async *read(offset: number, length: number | null): AsyncGenerator<Uint8Array, void, void> {
    if (length === 0) return;
    let now: FoundFacts | null = null;
    // The facts come before the content, of the name as it is when the file has been opened.
    const steps = [
      definesFacts,
      `{ at "$(facts -L "$p" 2>/dev/null)"`,
      ...readSteps(offset, length),
      'ok;} <"$p"',
      "no tool",
    ];
    let got = 0;
    const chunks = piped(async (stdout) => {
      const { words } = await this.#ask({ steps, stdout });
      now = factsIn(Buffer.from(words[0] ?? "", "latin1"));
    });
    for await (const chunk of chunks) {
      got += chunk.length;
      yield chunk;
    }
    this.#judge(now, offset, length, got);
  }

  close(): void {}

  #judge(now: FoundFacts | null, offset: number, length: number | null, got: number): void {
    const before = this.#found;
    const { type, size } = before.facts;
    // What has no size is made up when it is read: /proc, whose names mean another thing to every process.
    if (type !== "file" || size === 0) return;
    if (now !== null && before.identity !== null && now.identity !== before.identity)
      throw new SshMcpError("REMOTE_IO", `${shown(this.#path)} was replaced by another file while it was read`);
    const wanted = Math.min(Math.max(0, size - offset), length ?? Number.POSITIVE_INFINITY);
    if (got < wanted)
      throw new SshMcpError(
        "REMOTE_IO",
        `${shown(this.#path)} ended after ${offset + got} of ${size} bytes while it was read`,
      );
  }
}
