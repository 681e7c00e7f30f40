/** A real SFTP server without SSH: OpenSSH's sftp-server as a process, and beside it this machine's sh. */
import { mkdtempSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { CommandResult } from "../../src/core/command.ts";
import { SshMcpError } from "../../src/core/errors.ts";
import { pathBytes } from "../../src/core/files/path-text.ts";
import type { RemoteMachine, RemoteProgram } from "../../src/core/files/remote-files.ts";
import { SftpClient } from "../../src/ssh/sftp/sftp-client.ts";
import { SftpFiles } from "../../src/ssh/sftp/sftp-files.ts";
import type { SftpLink } from "../../src/ssh/sftp/sftp-link.ts";
import { onCleanup } from "./cleanup.ts";
import { tempDir } from "./temp.ts";

const sftpServer = "/usr/lib/openssh/sftp-server";

export interface SftpProcessOptions {
  /** What relative paths are meant from. */
  home?: string;
  /** Words for sftp-server(8). */
  words?: readonly string[];
  /** Octal, as umask(1) takes it. */
  umask?: string;
}

export interface SftpProcess {
  link: SftpLink;
  pid: number;
}

/** Starts one; it is ended by `link.end()` or cleanup. */
export const startSftpProcess = ({ home = "/", words = [], umask = "022" }: SftpProcessOptions = {}): SftpProcess => {
  const child = Bun.spawn(["sh", "-c", `umask ${umask}; exec ${sftpServer} "$@"`, "sh", ...words], {
    cwd: home,
    stdin: "pipe",
    stdout: "pipe",
    stderr: "ignore",
  });
  const ended = Promise.withResolvers<SshMcpError>();
  const end = () => child.kill("SIGKILL");
  const stop = onCleanup(async () => {
    end();
    await child.exited;
  }, end);
  let hasEnded = false;
  const link: SftpLink = {
    send: (bytes) => {
      if (hasEnded) return;
      // To a server that has ended: `ended` says so.
      void Promise.try(() => child.stdin.write(bytes)).catch(() => undefined);
      void Promise.try(() => child.stdin.flush()).catch(() => undefined);
    },
    onData: () => undefined,
    ended: ended.promise,
    end: () => {
      hasEnded = true;
      void stop();
    },
  };
  const read = async (): Promise<void> => {
    try {
      for await (const chunk of child.stdout) link.onData(chunk);
    } catch {}
    ended.resolve(new SshMcpError("CONNECTION_LOST", "the SFTP server ended"));
    link.end();
  };
  void read();
  return { link, pid: child.pid };
};

/** A client on a server of its own. */
export const openSftp = (options: SftpProcessOptions = {}): Promise<SftpClient> =>
  SftpClient.open(startSftpProcess(options).link, AbortSignal.timeout(10_000));

/** This machine as a server, with a home directory of its own; `another` gives more channels. */
export const sftpMachine = async (
  options: SftpProcessOptions = {},
): Promise<RemoteMachine & { home: string; client: SftpClient }> => {
  const home = options.home ?? tempDir("home");
  const client = await openSftp({ ...options, home });
  const another = () => openSftp({ ...options, home });
  return {
    name: "db1",
    home,
    client,
    files: new SftpFiles({ first: client, another, where: "db1" }),
    run: (program) => runHere(program, home),
  };
};

const runHere = async (program: RemoteProgram, home: string): Promise<CommandResult> => {
  // A file, because its bytes may be no text.
  const script = join(mkdtempSync(join(tempDir("script"), "s")), "script");
  writeFileSync(script, pathBytes(program.script));
  const startedAt = performance.now();
  const child = Bun.spawn(["setsid", "sh", script], {
    cwd: home,
    env: { ...process.env, HOME: home },
    stdin: "pipe",
    stdout: "pipe",
    stderr: "pipe",
  });
  // With all that it has started.
  const kill = () => {
    try {
      process.kill(-child.pid, "SIGKILL");
    } catch {
      child.kill("SIGKILL");
    }
  };
  const release = onCleanup(kill, kill);
  const timer = program.timeoutMs === null ? null : setTimeout(kill, program.timeoutMs);
  const feed = async (): Promise<void> => {
    try {
      for await (const chunk of program.stdin ?? []) {
        await child.stdin.write(chunk);
        await child.stdin.flush();
      }
    } catch {
      // A program may end without its input.
    } finally {
      await Promise.try(() => child.stdin.end()).catch(() => undefined);
    }
  };
  const take = async (from: ReadableStream<Uint8Array>, sink: RemoteProgram["stdout"]): Promise<number> => {
    let bytes = 0;
    for await (const chunk of from) {
      bytes += chunk.length;
      await sink?.write(chunk);
    }
    return bytes;
  };
  const feeding = feed();
  feeding.catch(() => undefined);
  try {
    const [stdoutBytes, stderrBytes] = await Promise.all([
      take(child.stdout, program.stdout),
      take(child.stderr, program.stderr),
    ]);
    const exitCode = await child.exited;
    const signal = child.signalCode === null ? null : String(child.signalCode).replace(/^SIG/, "");
    return {
      outcome: signal === null ? "exited" : program.timeoutMs === null ? "signaled" : "timedOut",
      exitCode: signal === null ? exitCode : null,
      signal,
      stopped: null,
      durationMs: performance.now() - startedAt,
      stdoutBytes,
      stderrBytes,
      reason: null,
    };
  } finally {
    if (timer !== null) clearTimeout(timer);
    kill();
    await release();
  }
};
