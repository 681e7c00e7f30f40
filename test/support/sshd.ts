import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { onCleanup } from "./cleanup.ts";
import { currentUser } from "./command.ts";
import { type Daemon, freePort, startDaemon } from "./daemon.ts";
import { type KeyType, knownHostsLine, makeKey, type PublicKey } from "./keys.ts";
import { tempDir } from "./temp.ts";
import { makeUser, type TemporaryUser } from "./users.ts";

export interface SshdOptions {
  /** sshd_config lines; they come first, and the first value of a keyword wins. */
  options?: readonly string[];
  hostKeys?: readonly KeyType[];
  /** Public key lines that every user may log in with. */
  authorizedKeys?: readonly string[];
  /** A port that was used before, for a server that comes back; random by default. */
  port?: number;
}

export interface Sshd {
  readonly host: "127.0.0.1";
  readonly port: number;
  /**
   * A user with this process's own rights that can log in with an authorized key. For root it has a home of its own and /bin/sh: what a
   * person's start-up files do, and what they leave when they are killed, is no matter of a test.
   */
  readonly user: string;
  readonly pid: number;
  /** Its configuration and keys; readable by every user. */
  readonly dir: string;
  readonly hostKeys: readonly PublicKey[];
  /** known_hosts lines for all its keys, under `127.0.0.1` or another name. */
  knownHosts(host?: string): string;
  /** Lets a public key log in, from now on. */
  authorize(publicKey: string): void;
  /** Its log, as `sshd -e` writes it. `LogLevel DEBUG` makes it long. */
  log(): string;
  stop(): Promise<void>;
}

/** Starts a real OpenSSH server on loopback, with its own keys and configuration; resolves when it accepts. */
export const startSshd = async (options: SshdOptions = {}): Promise<Sshd> => {
  const dir = tempDir("sshd");
  // Other users' sessions read authorized_keys under their own id.
  chmodSync(dir, 0o755);
  const hostKeys = await Promise.all(
    (options.hostKeys ?? ["ed25519"]).map((type) => makeKey({ type, path: join(dir, `host_${type}`) })),
  );
  const authorizedKeys = join(dir, "authorized_keys");
  const authorized = [...(options.authorizedKeys ?? [])];
  const authorize = (...lines: string[]) => {
    authorized.push(...lines);
    writeFileSync(authorizedKeys, authorized.map((line) => `${line.trim()}\n`).join(""));
  };
  authorize();
  // sshd's privilege separation refuses to start as root without it; Debian's service would have made it.
  if (process.getuid?.() === 0) mkdirSync("/run/sshd", { recursive: true, mode: 0o755 });

  const serve = async (port: number): Promise<Daemon> => {
    const config = join(dir, "sshd_config");
    const lines = [
      ...(options.options ?? []),
      `Port ${port}`,
      "ListenAddress 127.0.0.1",
      ...hostKeys.map((key) => `HostKey ${key.path}`),
      `AuthorizedKeysFile ${authorizedKeys}`,
      "StrictModes no",
      "PidFile none",
      "PermitRootLogin yes",
      "PasswordAuthentication no",
      "KbdInteractiveAuthentication no",
      "UsePAM no",
      "PrintMotd no",
      // Tests open many connections at once; the default starts to refuse at ten.
      "MaxStartups 200",
      "LogLevel VERBOSE",
      // A second one is an error; `Subsystem none /bin/false` leaves the server without SFTP.
      ...((options.options ?? []).some((line) => line.startsWith("Subsystem")) ? [] : ["Subsystem sftp internal-sftp"]),
    ];
    writeFileSync(config, `${lines.join("\n")}\n`);
    return startDaemon(["/usr/sbin/sshd", "-D", "-e", "-f", config], {
      sshPort: port,
      ready: (log) => log.includes(`Server listening on 127.0.0.1 port ${port}`),
    });
  };
  const { port, daemon } = await onSomePort(options.port, serve);

  return {
    host: "127.0.0.1",
    port,
    user: await loginUser(),
    pid: daemon.pid,
    dir,
    hostKeys,
    knownHosts: (host = "127.0.0.1") => hostKeys.map((key) => knownHostsLine(host, port, key)).join(""),
    authorize,
    log: daemon.log,
    stop: daemon.stop,
  };
};

let superuser: Promise<TemporaryUser> | null = null;

const loginUser = async (): Promise<string> => {
  if (process.getuid?.() !== 0) return currentUser();
  if (superuser === null) {
    superuser = makeUser({ superuser: true, shell: "/bin/sh" });
    // The user is removed after each test file; the next one needs another.
    onCleanup(() => {
      superuser = null;
    });
  }
  return (await superuser).name;
};

/** Starts on the given port, or on a free one; another process may take a free port first, so a few are tried. */
export const onSomePort = async <T>(
  given: number | undefined,
  serve: (port: number) => Promise<T>,
): Promise<{ port: number; daemon: T }> => {
  if (given !== undefined) return { port: given, daemon: await serve(given) };
  for (let attempt = 1; ; attempt++) {
    const port = await freePort();
    try {
      return { port, daemon: await serve(port) };
    } catch (failure) {
      if (attempt === 5 || !/in use|cannot bind/i.test(String(failure))) throw failure;
    }
  }
};
