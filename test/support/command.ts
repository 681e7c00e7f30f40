import { signal } from "./processes.ts";

export interface CommandOutcome {
  /** Exit status, or null when a signal ended it. */
  status: number | null;
  signal: NodeJS.Signals | number | null;
  stdout: string;
  stderr: string;
}

export interface CommandOptions {
  stdin?: string | Uint8Array;
  env?: Readonly<Record<string, string>>;
  cwd?: string;
  /** Milliseconds after which it is killed; 20 s by default. */
  timeout?: number;
}

/** A plain environment: nothing of the developer's own (agent, locale, colours) reaches a program under test. */
export const cleanEnv = { PATH: "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin", LANG: "C.UTF-8" } as const;

/** Runs a tool of the system to its end, in a clean environment, and reports whatever happened. */
export const runCommand = async (
  argv: readonly string[],
  { stdin = "", env = {}, cwd, timeout = 20_000 }: CommandOptions = {},
): Promise<CommandOutcome> => {
  const child = Bun.spawn([...argv], {
    stdin: typeof stdin === "string" ? new TextEncoder().encode(stdin) : stdin,
    stdout: "pipe",
    stderr: "pipe",
    env: { ...cleanEnv, ...env },
    detached: true,
    ...(cwd === undefined ? {} : { cwd }),
  });
  // The whole group: what a tool started would hold its output open.
  const timer = setTimeout(() => signal(-child.pid, "SIGKILL"), timeout);
  const [stdout, stderr] = [readPipe(child.stdout), readPipe(child.stderr)];
  await child.exited;
  const late = Promise.withResolvers<void>();
  const patience = setTimeout(late.resolve, pipeEndMs);
  await Promise.race([Promise.all([stdout.ended, stderr.ended]), late.promise]);
  clearTimeout(patience);
  clearTimeout(timer);
  return { status: child.exitCode, signal: child.signalCode, stdout: stdout.text(), stderr: stderr.text() };
};

/** Bun 1.4.5 sometimes never reports the end of a pipe whose writers have all gone: what they wrote was read long before this. */
const pipeEndMs = 5000;

const readPipe = (pipe: ReadableStream<Uint8Array>): { text(): string; ended: Promise<void> } => {
  const chunks: Uint8Array[] = [];
  const read = async (): Promise<void> => {
    for await (const chunk of pipe) chunks.push(chunk);
  };
  return { text: () => new TextDecoder().decode(Buffer.concat(chunks)), ended: read() };
};

/** Runs a tool that must succeed. @returns its stdout @throws Error with its stderr */
export const mustRun = async (argv: readonly string[], options: CommandOptions = {}): Promise<string> => {
  const outcome = await runCommand(argv, options);
  if (outcome.status !== 0) {
    const end = outcome.signal ?? `status ${outcome.status}`;
    throw new Error(`${argv.join(" ")}: ${end}: ${outcome.stderr.trim() || outcome.stdout.trim()}`);
  }
  return outcome.stdout;
};

/** Who this process is. Bun's os.userInfo() believes $USER, which need not be set or true. */
export const currentUser = (): string => Bun.spawnSync(["id", "-un"], { env: cleanEnv }).stdout.toString().trim();
