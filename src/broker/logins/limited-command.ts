/** A short command whose output is wanted: what it may print, and how long it may take, are bounded. */
import { errorCode } from "../../core/error-code.ts";
import { signalGroup } from "../../files/process-group.ts";

export interface LimitedCommand {
  words: readonly string[];
  environment: Readonly<Record<string, string>>;
  cwd: string;
  /** What it reads on standard input. */
  input?: string;
  limitMs: number;
}

export interface CommandEnd {
  /** `ended` by itself, `slow` or `loud` when it was ended for it, `canceled`, or `missing` when it could not be started. */
  how: "ended" | "slow" | "loud" | "canceled" | "missing";
  /** The exit status, or the signal's name. */
  status: number | string;
  stdout: string;
  /** Its begin. */
  stderr: string;
}

/** Bytes of output; a password is one line of it. */
const loudBytes = 1024 * 1024;
const keptErrorBytes = 4096;
/** For what it said last to arrive: nothing more came for so long. */
const lastWordsMs = 100;

/** Runs it in a process group of its own, of which nothing is left when it was ended. Never rejects. */
export const runLimited = async (command: LimitedCommand, signal: AbortSignal): Promise<CommandEnd> => {
  const { words, environment, cwd, input, limitMs } = command;
  const start = () =>
    Bun.spawn([...words], {
      cwd,
      env: { ...environment },
      detached: true,
      stdin: input === undefined ? "ignore" : Buffer.from(input),
      stdout: "pipe",
      stderr: "pipe",
    });
  let child: ReturnType<typeof start>;
  try {
    child = start();
  } catch (thrown) {
    return { how: "missing", status: errorCode(thrown) ?? "", stdout: "", stderr: "" };
  }
  let how: CommandEnd["how"] = "ended";
  const over = Promise.withResolvers<void>();
  const end = (why: CommandEnd["how"]): void => {
    if (how === "ended") how = why;
    signalGroup(child.pid, "SIGKILL");
    over.resolve();
  };
  const cancel = (): void => end("canceled");
  const timer = setTimeout(() => end("slow"), limitMs);
  signal.addEventListener("abort", cancel, { once: true });
  if (signal.aborted) cancel();
  const stdout = collect(child.stdout, loudBytes, () => end("loud"));
  const stderr = collect(child.stderr, keptErrorBytes, () => {});
  try {
    await Promise.race([child.exited, over.promise]);
    // What it started in the background may keep these open.
    await Promise.race([Promise.all([stdout.done, stderr.done]), over.promise, silence([stdout, stderr])]);
    return {
      how,
      status: child.signalCode ?? child.exitCode ?? "",
      stdout: stdout.text(),
      stderr: stderr.text(),
    };
  } finally {
    clearTimeout(timer);
    signal.removeEventListener("abort", cancel);
    stdout.drop();
    stderr.drop();
  }
};

/** Resolves when nothing comes any more. */
const silence = async (outputs: readonly { readonly bytes: number }[]): Promise<void> => {
  const heard = (): number => outputs.reduce((sum, { bytes }) => sum + bytes, 0);
  for (let before = -1; before !== heard(); ) {
    before = heard();
    await Bun.sleep(lastWordsMs);
    // What came while the loop was busy is read before the next timer.
    await new Promise((resolve) => setImmediate(resolve));
  }
};

/** Reads to the end, and keeps the begin. @param full called once when there is more than that */
const collect = (stream: ReadableStream<Uint8Array>, limit: number, full: () => void) => {
  const reader = stream.getReader();
  const kept: Uint8Array[] = [];
  let bytes = 0;
  const read = async (): Promise<void> => {
    for (;;) {
      const { value, done } = await reader.read();
      if (done) return;
      if (bytes < limit) kept.push(value.subarray(0, limit - bytes));
      if (bytes <= limit && bytes + value.length > limit) full();
      bytes += value.length;
    }
  };
  return {
    get bytes(): number {
      return bytes;
    },
    done: read().catch(() => undefined),
    text: (): string => Buffer.concat(kept).toString(),
    drop: (): void => void reader.cancel().catch(() => undefined),
  };
};
