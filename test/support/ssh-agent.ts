import { join } from "node:path";
import { mustRun } from "./command.ts";
import { startDaemon } from "./daemon.ts";
import { tempDir } from "./temp.ts";

export interface SshAgent {
  readonly pid: number;
  /** What SSH_AUTH_SOCK names. */
  readonly socket: string;
  /** Adds a private key, which must have no passphrase. */
  add(path: string): Promise<void>;
  /** Forgets all keys. */
  clear(): Promise<void>;
  stop(): Promise<void>;
}

/** Starts a real ssh-agent on its own socket, or on the given path. */
export const startSshAgent = async (socket = join(tempDir("agent"), "socket")): Promise<SshAgent> => {
  const daemon = await startDaemon(["ssh-agent", "-D", "-a", socket], { ready: (log) => log.includes(socket) });
  const tell = (...args: string[]) => mustRun(["ssh-add", "-q", ...args], { env: { SSH_AUTH_SOCK: socket } });
  return {
    pid: daemon.pid,
    socket,
    add: async (path) => {
      await tell(path);
    },
    clear: async () => {
      await tell("-D");
    },
    stop: daemon.stop,
  };
};
