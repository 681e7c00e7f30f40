/** `exec` on several hosts: many at once, each a call of its own with its own time, streams and end. */
import type { CallOptions } from "../../broker/client/client.ts";
import { type SshMcpError, toSshMcpError } from "../../core/errors.ts";
import { Turns } from "../../core/turns.ts";
import { conduct } from "../conduct.ts";
import { type EndedCommand, endingOf } from "../outcome.ts";
import { BrokenPipe } from "../output.ts";
import { callOptions, questionDevice, refuseUnkept, sayKept } from "../perform.ts";
import type { Printer } from "../printer.ts";
import { unread } from "../unread.ts";
import type { Broker, QuestionDevice, World } from "../world.ts";
import { type AskingDesk, makeDesk } from "./desk.ts";
import { type HostEnd, hasFailed, statusOfMany, summaryOf } from "./ended.ts";
import { expandIn } from "./expand.ts";
import { forTarget } from "./for-target.ts";
import { usualParallel } from "./many-flags.ts";
import type { Run, Several } from "./several.ts";
import { SharedInput } from "./shared-input.ts";
import type { HostView, View } from "./view.ts";
import { viewFor } from "./view-for.ts";

/** Bytes of a stream in the records of all hosts that run at once; none has more than a single one would. */
const recordBytes = 8 * 1024 * 1024;

/**
 * @returns the exit status: 4 when a host gave no status, 3 when one ran out of time, 5 when one gave another than 0, else 0
 * @throws BrokenPipe when nobody reads standard output
 */
export const execMany = async (run: Run, several: Several, printer: Printer, world: World): Promise<number> => {
  const terminal = await questionDevice(run, world);
  let broker: Broker | null = null;
  return await conduct(
    async ({ signal, say }) => {
      broker = await world.openBroker({ noBroker: run.options.noBroker });
      for (const note of broker.notes) say(note);
      refuseUnkept(run, broker);
      const targets = await expandIn(several.list, broker, world);
      const many = await Many.prepare({ run, several, targets, printer, world, broker, terminal, signal });
      return await many.run();
    },
    {
      printer,
      terminals: terminal === null ? [] : [terminal],
      remoteStatus: false,
      close: async () => broker?.close(),
      exit: world.exit,
    },
  );
};

interface Parts {
  run: Run;
  several: Several;
  targets: readonly string[];
  printer: Printer;
  world: World;
  broker: Broker;
  terminal: QuestionDevice | null;
  /** Aborted by a signal. */
  signal: AbortSignal;
}

class Many {
  readonly #parts: Parts;
  readonly #view: View;
  readonly #desk: AskingDesk;
  readonly #input: SharedInput | null;
  readonly #atOnce: number;
  readonly #stop = new AbortController();
  readonly #signal: AbortSignal;
  readonly #said = new Set<string>();
  /** What ends all of it: nothing can be shown any more. */
  #fatal: SshMcpError | BrokenPipe | null = null;

  private constructor(parts: Parts, view: View, desk: AskingDesk, input: SharedInput | null) {
    this.#parts = parts;
    this.#view = view;
    this.#desk = desk;
    this.#input = input;
    this.#atOnce = Math.min(parts.run.options.parallel ?? usualParallel, parts.targets.length);
    this.#signal = AbortSignal.any([parts.signal, this.#stop.signal]);
  }

  /** @throws SshMcpError LOCAL_IO */
  static async prepare(parts: Parts): Promise<Many> {
    const { run, world } = parts;
    let broken = (_thrown: unknown): void => undefined;
    const desk = makeDesk({ stdout: world.stdout, stderr: unread(world.stderr) }, (thrown) => broken(thrown));
    // Nobody types for several hosts at once.
    const reads = !run.options.noStdin && !(await world.isTerminal(0));
    const many = new Many(parts, await viewFor(parts, desk), desk, reads ? new SharedInput(world.stdin) : null);
    broken = (thrown) => many.#endBy(thrown);
    return many;
  }

  async run(): Promise<number> {
    const { targets, printer } = this.#parts;
    const turns = new Turns(this.#atOnce);
    const ends = await Promise.all(
      targets.map(async (target, index) => {
        const over = await turns.take();
        try {
          return await this.#one(target, index);
        } finally {
          over();
        }
      }),
    );
    this.#input?.end();
    if (this.#fatal !== null) throw this.#fatal;
    await this.#view.finish();
    const summary = summaryOf(ends);
    if (summary !== "") await printer.explain(summary);
    return statusOfMany(ends);
  }

  /** Never rejects. */
  async #one(target: string, index: number): Promise<HostEnd> {
    let view: HostView | null = null;
    let end: HostEnd = { kind: "unbegun", target };
    try {
      if (!this.#signal.aborted) {
        view = await this.#view.begin(target, index);
        end = await this.#call(target, view);
      }
    } catch (thrown) {
      end = this.#failed(target, thrown);
    }
    try {
      if (this.#parts.run.options.failFast && hasFailed(end)) this.#stop.abort();
      await (view === null ? this.#view.unbegun(end) : view.end(end));
      await this.#explain(end);
    } catch (thrown) {
      this.#endBy(thrown);
      return this.#failed(target, thrown);
    }
    return end;
  }

  async #call(target: string, { streams }: HostView): Promise<HostEnd> {
    const { several, world, broker, printer } = this.#parts;
    const run = await forTarget(this.#parts.run, several, target);
    const say = (message: string): void => void this.#desk.alone(() => printer.note(`${target}: ${message}`));
    const { stdin: _in, stdout: _out, stderr: _err, ask: _ask, ...base } = callOptions(run, world, null, this.#signal);
    const options: CallOptions = {
      ...base,
      capture: streams === null ? Math.min(base.capture ?? 0, Math.floor(recordBytes / this.#atOnce)) : null,
      notice: say,
      ...(this.#input === null ? {} : { stdin: this.#input.reader() }),
      ...(streams ?? {}),
      ...this.#asking(target),
    };
    const result = (await broker.client.call(options)) as EndedCommand & Record<string, unknown>;
    sayKept(run, result, say);
    const wasStopped = result.outcome === "canceled" && this.#signal.aborted;
    return { kind: wasStopped ? "stopped" : "result", target, result };
  }

  /** One question after the other, each with the host's name; nothing else is shown, and nothing waits, meanwhile. */
  #asking(target: string): Pick<CallOptions, "ask"> {
    const { terminal } = this.#parts;
    if (terminal === null) return {};
    const named = (text: string): string => `${target}: ${text}`;
    return {
      ask: (question, withdrawn) =>
        this.#desk.question(() => terminal.ask({ ...question, text: named(question.text) }, this.#signal, withdrawn)),
    };
  }

  #endBy(thrown: unknown): void {
    this.#fatal ??= thrown instanceof BrokenPipe ? thrown : toSshMcpError(thrown);
    this.#stop.abort();
  }

  #failed(target: string, thrown: unknown): HostEnd {
    if (thrown instanceof BrokenPipe) this.#endBy(thrown);
    const error = toSshMcpError(thrown);
    if (error.code === "CANCELED" && this.#signal.aborted) return { kind: "stopped", target, result: null };
    return { kind: "error", target, error: error.toRecord() };
  }

  /** What went wrong, when it does; the same mistake is explained once. */
  async #explain(end: HostEnd): Promise<void> {
    if (end.kind === "unbegun" || end.kind === "stopped") return;
    const { run, printer } = this.#parts;
    const timeout = typeof run.input["timeout"] === "number" ? run.input["timeout"] : undefined;
    const message = end.kind === "error" ? end.error : endingOf(end.result, end.target, timeout).message;
    if (message === null) return;
    const key = JSON.stringify([message.code, message.message, message.hint]);
    if (this.#said.has(key)) return;
    this.#said.add(key);
    await this.#desk.alone(() => printer.message({ ...message, message: `${end.target}: ${message.message}` }));
  }
}
