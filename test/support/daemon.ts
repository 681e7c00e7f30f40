import { closeSync, openSync, readFileSync } from "node:fs";
import { connect, createServer } from "node:net";
import { join } from "node:path";
import { onCleanup } from "./cleanup.ts";
import { cleanEnv } from "./command.ts";
import { boundPort } from "./listener.ts";
import { descendantsOf, endProcesses, isAlive, signal, withEnvironment } from "./processes.ts";
import { tempDir } from "./temp.ts";
import { waitFor } from "./wait.ts";

export interface Daemon {
  readonly pid: number;
  /** Everything it has written so far, stdout and stderr together. */
  log(): string;
  readonly exited: Promise<number>;
  /** Ends it and its descendants. Cleanup does this too. */
  stop(): Promise<void>;
}

export interface DaemonOptions {
  /** Whether it is ready for clients, judged by its log. */
  ready(log: string): boolean;
  /** An SSH server's port: commands of its clients that left the process tree are found by their SSH_CONNECTION. */
  sshPort?: number;
}

/**
 * Starts a server that stays in the foreground; resolves when it is ready.
 * @throws Error with its log when it ends before that
 */
export const startDaemon = async (argv: readonly string[], options: DaemonOptions): Promise<Daemon> => {
  // A file, not a pipe: Bun 1.4.5 now and then stops telling of what comes through one, and a server whose log is full stands still.
  const file = join(tempDir("log"), "daemon");
  const log = (): string => readFileSync(file, "utf8");
  const output = openSync(file, "a");
  // If this process is killed outright, no cleanup runs: the kernel then ends the daemon.
  const child = Bun.spawn(["setpriv", "--pdeathsig", "KILL", "--", ...argv], {
    stdin: "ignore",
    stdout: output,
    stderr: output,
    env: cleanEnv,
    cwd: "/",
  });
  closeSync(output);
  const stop = onCleanup(
    async () => {
      const clients = options.sshPort === undefined ? [] : startedThrough(options.sshPort);
      await endProcesses([...(isAlive(child.pid) ? [child.pid] : []), ...descendantsOf(child.pid), ...clients]);
      await child.exited;
    },
    () => {
      for (const pid of [child.pid, ...descendantsOf(child.pid)]) signal(pid, "SIGKILL");
    },
  );
  try {
    await waitFor(() => options.ready(log()) || child.exitCode !== null || child.signalCode !== null, {
      what: `${argv[0]} to be ready`,
    });
    if (!options.ready(log())) throw new Error(`${argv[0]} ended with status ${await child.exited}`);
  } catch (failure) {
    const said = log();
    await stop();
    throw new Error(`${failure instanceof Error ? failure.message : failure}; it said:\n${said}`);
  }
  return { pid: child.pid, log, exited: child.exited, stop };
};

/** A port on 127.0.0.1 that nothing listens on. Somebody may take it before you do: retry on a bind error. */
export const freePort = async (): Promise<number> => {
  const server = createServer();
  const port = await boundPort(server);
  await new Promise((closed) => server.close(closed));
  return port;
};

/** Whether something accepts connections on the port. */
export const accepts = async (port: number): Promise<boolean> => {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const socket = connect(port, "127.0.0.1", () => resolve(true)).once("error", () => resolve(false));
  const accepted = await promise;
  socket.destroy();
  return accepted;
};

/** The third and fourth words of SSH_CONNECTION are the server's address and port: ssh(1), ENVIRONMENT. */
const startedThrough = (port: number): number[] =>
  withEnvironment((variable) => variable.startsWith("SSH_CONNECTION=") && variable.endsWith(` ${port}`));
