/** The outputs that this broker keeps: in memory alone, the newest, of everybody within one limit. */
import { randomBytes } from "node:crypto";
import { SshMcpError } from "../../core/errors.ts";
import { shown } from "../../core/escape.ts";
import { hintFor } from "../../core/hint.ts";
import type { Caller } from "../../core/operation.ts";
import type { OutputStreamName } from "../../core/outputs.ts";
import { KeptStream, type SpareBlocks } from "./kept-stream.ts";

export interface StoreLimits {
  /** Bytes kept of a stream. */
  stream: number;
  /** Bytes of memory for all outputs. */
  total: number;
}

const usual: StoreLimits = { stream: 8 * 1024 * 1024, total: 64 * 1024 * 1024 };
/** What an output costs beside its bytes, so that empty ones are not endless either. */
const overheadBytes = 1024;
const blockSize = 64 * 1024;

/** One command's output. */
export interface KeptOutput {
  readonly id: string;
  readonly owner: Pick<Caller, "face" | "client">;
  readonly streams: Readonly<Record<OutputStreamName, KeptStream>>;
  /** Counts up: which of two is the newer. */
  readonly number: number;
  /** The session it ran on and when that was known, by the process's own clock; null before. */
  ranOn: { session: string; at: number } | null;
  running: boolean;
  /** False when it had to make room for others. */
  isKept: boolean;
}

export class OutputStore {
  readonly #limits: StoreLimits;
  /** The oldest first. */
  readonly #outputs = new Map<string, KeptOutput>();
  readonly #spare: SpareBlocks = [];
  /** The newest of each owner and session. */
  readonly #newest = new Map<string, KeptOutput>();
  #used = 0;
  #begun = 0;

  constructor(limits: StoreLimits = usual) {
    this.#limits = limits;
  }

  /** Bytes of memory that all outputs take. */
  get used(): number {
    return this.#used;
  }

  /** The same with the blocks that wait for the next output: what the limit is for. */
  get held(): number {
    return this.#used + this.#spare.length * blockSize;
  }

  get size(): number {
    return this.#outputs.size;
  }

  begin({ face, client }: Caller): KeptOutput {
    const output: KeptOutput = {
      id: this.#newId(),
      owner: { face, client },
      streams: { stdout: this.#stream(), stderr: this.#stream() },
      number: this.#begun++,
      ranOn: null,
      running: true,
      isKept: true,
    };
    this.#outputs.set(output.id, output);
    this.#took(overheadBytes);
    return output;
  }

  /** @returns how many newlines are in the chunk; null when the output is not kept any more */
  append(output: KeptOutput, stream: OutputStreamName, chunk: Uint8Array): number | null {
    if (!output.isKept) return null;
    const kept = output.streams[stream];
    const before = kept.allocated;
    const newlines = kept.append(chunk);
    if (kept.allocated > before) this.#took(kept.allocated - before);
    return newlines;
  }

  /** Forgets one, as of a command that was never run. */
  drop(output: KeptOutput): void {
    if (!output.isKept) return;
    output.isKept = false;
    this.#outputs.delete(output.id);
    const key = output.ranOn === null ? null : keyOf(output.owner, output.ranOn.session);
    if (key !== null && this.#newest.get(key) === output) this.#newest.delete(key);
    this.#used -= sizeOf(output);
    for (const stream of Object.values(output.streams)) stream.clear();
  }

  /** @throws SshMcpError NOT_FOUND in the same words for what is not kept and for what is another's */
  find(id: string, caller: Caller): KeptOutput {
    const output = this.#outputs.get(id);
    if (output !== undefined && isOwner(output, caller)) return output;
    throw notKept(id, caller);
  }

  /** Notes that an output is from that session. */
  ranOn(output: KeptOutput, session: string): void {
    if (!output.isKept) return;
    output.ranOn = { session, at: performance.now() };
    const key = keyOf(output.owner, session);
    if ((this.#newest.get(key)?.number ?? -1) < output.number) this.#newest.set(key, output);
  }

  /** See `Outputs.last`. */
  last(session: string, ageMs: number, caller: Caller): string | null {
    const { id = null, ranOn = null } = this.#newest.get(keyOf(caller, session)) ?? {};
    // Both ages were rounded.
    return ranOn !== null && performance.now() - ranOn.at <= ageMs + 1 ? id : null;
  }

  #stream(): KeptStream {
    return new KeptStream(this.#limits.stream, blockSize, this.#spare);
  }

  #took(bytes: number): void {
    this.#used += bytes;
    // What drops an output leaves its blocks: those that nobody takes go next.
    while (this.held > this.#limits.total) {
      if (this.#spare.pop() !== undefined) continue;
      const [oldest] = this.#outputs.values();
      if (oldest === undefined) return;
      this.drop(oldest);
    }
  }

  #newId(): string {
    for (;;) {
      const id = `o${randomBytes(5).toString("hex")}`;
      if (!this.#outputs.has(id)) return id;
    }
  }
}

/** In the same words for what is not kept and for what is another's. */
export const notKept = (id: string, caller: Caller): SshMcpError =>
  new SshMcpError("NOT_FOUND", `no output ${shown(id)} of yours is kept: the oldest ones make room for others`, {
    hint: hintFor(caller, {
      command: "ssh-mcp exec --keep TARGET -- COMMAND",
      tool: "ssh_sessions {} has the lastOutputId of each session",
    }),
  });

const keyOf = ({ face, client }: KeptOutput["owner"], session: string): string =>
  JSON.stringify([face, client, session]);

const isOwner = ({ owner }: KeptOutput, { face, client }: Caller): boolean =>
  owner.face === face && owner.client === client;

const sizeOf = ({ streams }: KeptOutput): number => overheadBytes + streams.stdout.allocated + streams.stderr.allocated;
