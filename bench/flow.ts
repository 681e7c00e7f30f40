/** A command that moves many bytes, and what the processes on this side of it grow to meanwhile. */
import { join } from "node:path";
import { onCleanup } from "../test/support/cleanup.ts";
import { mustRun } from "../test/support/command.ts";
import { tempDir } from "../test/support/temp.ts";
import { anonymousMemory } from "./process.ts";

/** `down`: the command's output, to /dev/null; `up`: its input, from /dev/zero. */
export type Direction = "down" | "up";

export interface Flow {
  /** Bytes of anonymous memory at the most, beyond those before the first byte: of the process that was started. */
  clientGrowth: number;
  /** The same of the process that holds the connection; 0 when there is none beside the client. */
  brokerGrowth: number;
  bytesPerSecond: number;
}

export interface FlowRequest {
  /** The command line that runs a command on the server. */
  argv(command: string): readonly string[];
  env: Readonly<Record<string, string>>;
  direction: Direction;
  bytes: number;
  /** Pid of the process that holds the connection. */
  broker: number | null;
}

const sampleEveryMs = 10;

/** Ready is said when start-up and login are over, so that their memory is known, and their time not measured, when the first byte flows. */
const commands: Record<Direction, (bytes: number) => { remote: string; feeder: string }> = {
  down: (bytes) => ({ remote: `echo ready >&2; read -r go; exec head -c ${bytes} /dev/zero`, feeder: "exec cat" }),
  up: (bytes) => ({
    remote: "echo ready >&2; exec cat >/dev/null",
    feeder: `read -r go; exec head -c ${bytes} /dev/zero`,
  }),
};

/** @throws Error when the command fails, or ends before it has begun */
export const flow = async ({ argv, env, direction, bytes, broker }: FlowRequest): Promise<Flow> => {
  const { remote, feeder: feed } = commands[direction](bytes);
  const fifo = join(tempDir("fifo"), "stdin");
  await mustRun(["mkfifo", fifo]);
  const feeder = spawn(["sh", "-c", `exec >"$0"; ${feed}`, fifo], env);
  const client = spawn(["sh", "-c", 'exec "$@" <"$0"', fifo, ...argv(remote)], env);
  await using _feeder = ending(feeder);
  await using _client = ending(client);

  const failed = (why: string) => new Error(`${argv("…").join(" ")} while streaming: ${why}`);
  const { value } = await client.stderr.getReader().read();
  const said = new TextDecoder().decode(value);
  if (said !== "ready\n") throw failed(said || "no output");
  const watched = [client.pid, broker].map((pid) => (pid === null ? null : new Watched(pid)));

  const began = performance.now();
  feeder.stdin.write("go\n");
  feeder.stdin.end();
  let elapsed: number | null = null;
  void client.exited.then(() => {
    elapsed = performance.now() - began;
  });
  while (elapsed === null) {
    for (const each of watched) each?.look();
    await Bun.sleep(sampleEveryMs);
  }
  if (client.exitCode !== 0) throw failed(`status ${client.exitCode ?? client.signalCode}`);
  const [clientGrowth = 0, brokerGrowth = 0] = watched.map((each) => each?.growth ?? 0);
  return { clientGrowth, brokerGrowth, bytesPerSecond: bytes / (elapsed / 1000) };
};

class Watched {
  readonly #before: number;
  #most: number;

  constructor(readonly pid: number) {
    const bytes = anonymousMemory(pid);
    if (bytes === null) throw new Error(`process ${pid} ended before anything was streamed`);
    this.#before = bytes;
    this.#most = bytes;
  }

  look(): void {
    this.#most = Math.max(this.#most, anonymousMemory(this.pid) ?? 0);
  }

  get growth(): number {
    return this.#most - this.#before;
  }
}

const spawn = (argv: readonly string[], env: Readonly<Record<string, string>>) =>
  Bun.spawn([...argv], { stdin: "pipe", stdout: "ignore", stderr: "pipe", env, timeout: 120_000 });

const ending = (child: Bun.Subprocess): AsyncDisposable => {
  const kill = () => child.kill("SIGKILL");
  return { [Symbol.asyncDispose]: onCleanup(kill, kill) };
};
