/** What a person sees of a transfer: the bar while it runs, and at its end what it did and what it did not. Loaded for transfers alone. */
import type { CallOptions } from "../../broker/client/client.ts";
import { SshMcpError } from "../../core/errors.ts";
import type { Sink } from "../../core/sink.ts";
import type { Report } from "../../operations/transfer-fields.ts";
import { changeLines, doubt, failureLines, summary } from "../../operations/transfer-text.ts";
import type { GuardedSink } from "../guarded.ts";
import type { Run } from "../many/several.ts";
import type { Printer } from "../printer.ts";
import { helpCommand, usageError } from "../usage.ts";
import type { World } from "../world.ts";
import { ProgressLine } from "./progress-line.ts";

const isStream = (word: unknown): boolean => word === "-";

export class TransferView {
  /** To be used for everything that is said meanwhile: it goes around the bar. */
  readonly printer: Printer;
  readonly #isWatched: boolean;
  readonly #stdin: World["stdin"] | null;
  readonly #stdout: Sink | GuardedSink | null;
  readonly #bar: Bar | null;

  private constructor(printer: Printer, facts: Facts, bar: Bar | null) {
    this.printer = bar === null ? printer : printer.through(bar.line.sink);
    this.#isWatched = facts.isWatched;
    this.#stdin = facts.stdin;
    this.#stdout = facts.stdout;
    this.#bar = bar;
  }

  /** @throws SshMcpError USAGE where a document and a file would both be standard output */
  static async open({ command, input, options }: Run, printer: Printer, world: World): Promise<TransferView> {
    const fromStdin = [input["sources"]].flat().some(isStream);
    const toStdout = isStream(input["destination"]);
    if (toStdout && options.json) {
      const message = "- as a destination is standard output, and so is the document of --json: give one of them";
      throw usageError(message, helpCommand(command));
    }
    const onScreen = toStdout && (await world.isTerminal(1));
    await refuseClosed(world, fromStdin ? 0 : toStdout ? 1 : null);
    // A person watches who has a terminal for it, and did not ask for less.
    const asked = !options.json && !options.quiet && !onScreen && world.env["TERM"] !== "dumb";
    const isWatched = asked && (await world.isTerminal(2));
    const facts = {
      isWatched,
      stdin: fromStdin ? world.stdin : null,
      stdout: toStdout ? await (onScreen ? guardedOutput(world) : world.stdout) : null,
    };
    // What is typed stands on the same lines.
    const isFree = !fromStdin || !(await world.isTerminal(0));
    return new TransferView(printer, facts, isWatched && isFree ? await barOn(world) : null);
  }

  /** What the call is made with, when without a bar it would be made with `call`. */
  around(call: CallOptions): CallOptions {
    const { ask } = call;
    const bar = this.#bar;
    return {
      ...call,
      ...(this.#stdin === null ? {} : { stdin: this.#stdin }),
      ...(this.#stdout === null ? {} : { stdout: this.#stdout }),
      ...(bar === null ? {} : { progress: (_elapsedMs, _message, transfer) => transfer && bar.line.update(transfer) }),
      ...(bar === null || ask === undefined ? {} : { ask: besideBar(ask, bar.line) }),
    };
  }

  /** Prints what a finished transfer did: on standard error, but for what a dry run would do. */
  async conclude(report: Report): Promise<void> {
    this.close();
    if (this.#stdout !== null && "end" in this.#stdout) await this.#stdout.end();
    await this.printer.data(report, () =>
      changeLines(report)
        .map((line) => `${line}\n`)
        .join(""),
    );
    const doubted = doubt(report);
    const lines = [
      ...failureLines(report).map((line) => `ssh-mcp: ${line}`),
      ...(doubted === null ? [] : [`ssh-mcp: ${doubted}`]),
      ...(this.#isWatched
        ? [`${report.changes === null ? "" : "dry run, nothing was changed: "}${summary(report)}`]
        : []),
    ];
    if (lines.length > 0) await this.printer.explain(`${lines.join("\n")}\n`);
  }

  /** Leaves the terminal as it was, however often it is called. */
  close(): void {
    this.#bar?.line.close();
    this.#bar?.end();
  }
}

/** An empty file, or bytes that nobody has, are what nobody asked for. @throws SshMcpError LOCAL_IO */
const refuseClosed = async (world: World, fd: 0 | 1 | null): Promise<void> => {
  if (fd === null || (await world.wasClosed?.(fd)) !== true) return;
  const name = fd === 0 ? "standard input" : "standard output";
  throw new SshMcpError("LOCAL_IO", `- is ${name}, which is closed`, {
    hint: fd === 0 ? "an empty file: < /dev/null" : "to drop what comes: > /dev/null",
  });
};

interface Bar {
  line: ProgressLine;
  end(): void;
}

interface Facts {
  isWatched: boolean;
  stdin: World["stdin"] | null;
  stdout: Sink | GuardedSink | null;
}

const guardedOutput = async ({ stdout }: World): Promise<GuardedSink> => {
  const { guarded } = await import("../guarded.ts");
  return guarded(stdout, () => false);
};

const barOn = async (world: World): Promise<Bar> => {
  const { stderrScreen } = await import("./stderr-screen.ts");
  const { screen, end } = stderrScreen(world.stderr);
  return { line: new ProgressLine(screen), end };
};

/** A question has its line to itself. */
const besideBar =
  (ask: NonNullable<CallOptions["ask"]>, line: ProgressLine): NonNullable<CallOptions["ask"]> =>
  async (...question) => {
    await line.pause();
    try {
      return await ask(...question);
    } finally {
      line.resume();
    }
  };
