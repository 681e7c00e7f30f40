/** A home, and a real server that lets its owner in: where people, scripts and models meet one broker. */
import { type Home, makeHome } from "../faces/home.ts";
import { buildOnce } from "../support/binary.ts";
import { brokersOf } from "../support/brokers.ts";
import { type CommandOptions, runCommand } from "../support/command.ts";
import { type Sshd, type SshdOptions, startSshd } from "../support/sshd.ts";
import { waitFor } from "../support/wait.ts";

export interface Row {
  name: string;
  destination: string;
  host: string;
  port: number;
  user: string;
  state: string;
  running: number;
  openedBy: { face: string; client: string };
  lent: boolean;
  needsPerson: boolean;
  [field: string]: unknown;
}

export type RunOptions = Omit<CommandOptions, "cwd">;

/** What a shell sees of a command. */
export interface Outcome {
  /** Null when a signal ended it. */
  status: number | null;
  stdout: string;
  stderr: string;
}

export interface Place {
  readonly home: Home;
  readonly sshd: Sshd;
  /** The server's destination. */
  readonly at: string;
  /** Runs the compiled binary to its end; its input is empty. */
  run(args: readonly string[], options?: RunOptions): Promise<Outcome>;
  /** The same, and the one document it printed. */
  document(args: readonly string[], options?: RunOptions): Promise<Record<string, unknown>>;
  /** What `ls --json` lists, by another process. */
  sessions(): Promise<Row[]>;
}

/** @param options of the server, which accepts the home's key unless they say otherwise */
export const startPlace = async (options: SshdOptions = {}): Promise<Place> => {
  const home = await makeHome();
  const sshd = await startSshd({ authorizedKeys: [home.key.line], ...options });
  home.trust(sshd.knownHosts());
  return placeAt(home, sshd, `${sshd.user}@127.0.0.1:${sshd.port}`);
};

/** The same for a home and a server that are there, by another way to it. */
export const placeAt = (home: Home, sshd: Sshd, at: string): Place => {
  const document = async (args: readonly string[], options: RunOptions = {}) =>
    documentOf(await runIn(home.path, args, options));
  return {
    home,
    sshd,
    at,
    run: (args, given = {}) => runIn(home.path, args, given),
    document,
    sessions: async () => (await document(["ls", "--json"]))["sessions"] as Row[],
  };
};

/** As cheap as can be: some tests run a thousand of them. The home's broker is ended by cleanup. */
const runIn = async (home: string, args: readonly string[], options: RunOptions): Promise<Outcome> => {
  const { env, ...rest } = options;
  const outcome = await runCommand([buildOnce(), ...args], { cwd: home, ...rest, env: { HOME: home, ...env } });
  const { status, stdout, stderr } = outcome;
  return { status, stdout, stderr };
};

/** @throws Error when standard output is not one line of JSON */
export const documentOf = ({ stdout, stderr }: Outcome): Record<string, unknown> => {
  if (!/^\{[^\n]*\}\n$/.test(stdout)) throw new Error(`not one document: ${stdout}\n${stderr}`);
  return JSON.parse(stdout) as Record<string, unknown>;
};

/** Kills the one broker of a directory as a crash would; resolves when it is gone. @returns its id */
export const crash = async (directory: string): Promise<number> => {
  const pid = await waitFor(() => theOne(brokersOf(directory)), { what: `one broker of ${directory}` });
  process.kill(pid, "SIGKILL");
  await waitFor(() => !brokersOf(directory).includes(pid), { what: "the broker to be gone" });
  return pid;
};

const theOne = (pids: readonly number[]): number | null => (pids.length === 1 ? (pids[0] ?? null) : null);
