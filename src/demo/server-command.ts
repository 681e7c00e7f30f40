import { spawn } from "node:child_process";
import type { ServerChannel } from "ssh2";

/** A command that the demo's server runs. */
export interface ServerCommand {
  /** To its whole process group; the name is RFC 4254's, section 6.10. */
  signal(name: string): void;
  /** Ends it at once, when its client is gone. */
  kill(): void;
  /** Settles when it and its output have ended. */
  ended: Promise<void>;
}

/** Runs a command line with /bin/sh on a channel, as sshd would: two streams, a status or a signal, and a process group of its own. */
export const runServerCommand = (
  channel: ServerChannel,
  line: string,
  options: { env: Record<string, string>; cwd: string },
): ServerCommand => {
  const child = spawn("/bin/sh", ["-c", line], { ...options, detached: true, stdio: "pipe" });
  channel.pipe(child.stdin);
  // A command that does not read its input ends before the client has sent it.
  child.stdin.on("error", () => undefined);
  channel.on("error", () => undefined);
  child.stdout.pipe(channel, { end: false });
  child.stderr.pipe(channel.stderr, { end: false });
  const { promise: ended, resolve } = Promise.withResolvers<void>();
  let group = child.pid ?? null;
  const finish = (status: number | null, signal: NodeJS.Signals | null): void => {
    // From here on the number may be another's.
    group = null;
    if (signal === null) channel.exit(status ?? 255);
    else channel.exit(signal.replace(/^SIG/, ""), false);
    channel.end();
    resolve();
  };
  child.on("error", () => finish(127, null));
  // Not "exit": output may still be on its way then.
  child.on("close", finish);
  const signalGroup = (name: string): void => {
    try {
      if (group !== null) process.kill(-group, name);
    } catch {
      // It is about to be told of, or there is no such signal.
    }
  };
  return { signal: (name) => signalGroup(`SIG${name}`), kill: () => signalGroup("SIGKILL"), ended };
};
