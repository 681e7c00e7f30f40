import { chownSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { mustRun } from "./command.ts";
import { startDaemon } from "./daemon.ts";
import { type KeyType, knownHostsLine, type PublicKey, parsePublicKey } from "./keys.ts";
import { onSomePort } from "./sshd.ts";
import { tempDir } from "./temp.ts";
import { makeUser, type TemporaryUser } from "./users.ts";

export interface DropbearOptions {
  /** Who can log in; by default a new user. `makeUser({ superuser: true })` for a login as root. */
  user?: TemporaryUser;
  /** Public key lines the user may log in with: dropbear reads them from the user's home alone. */
  authorizedKeys?: readonly string[];
  hostKeys?: readonly KeyType[];
  /** Whether passwords are accepted too. */
  passwords?: boolean;
  /** More arguments: dropbear(8). */
  args?: readonly string[];
  port?: number;
}

export interface Dropbear {
  readonly host: "127.0.0.1";
  readonly port: number;
  readonly user: string;
  readonly account: TemporaryUser;
  readonly pid: number;
  readonly hostKeys: readonly PublicKey[];
  knownHosts(host?: string): string;
  log(): string;
  stop(): Promise<void>;
}

/** Starts a real Dropbear on loopback with its own keys; resolves when it accepts. @throws Error when not root */
export const startDropbear = async (options: DropbearOptions = {}): Promise<Dropbear> => {
  const account = options.user ?? (await makeUser());
  authorize(account, options.authorizedKeys ?? []);
  const dir = tempDir("dropbear");
  const keys = await Promise.all((options.hostKeys ?? ["ed25519"]).map((type) => makeHostKey(type, dir)));
  const { port, daemon } = await onSomePort(options.port, (port) =>
    startDaemon(
      [
        ...["/usr/sbin/dropbear", "-F", "-E", "-m", "-p", `127.0.0.1:${port}`, "-P", join(dir, "pid")],
        ...keys.flatMap(({ path }) => ["-r", path]),
        ...(options.passwords === true ? [] : ["-s"]),
        ...(options.args ?? []),
      ],
      { sshPort: port, ready: (log) => log.includes("Not backgrounding") },
    ),
  );
  const hostKeys = keys.map(({ key }) => key);
  return {
    host: "127.0.0.1",
    port,
    user: account.name,
    account,
    pid: daemon.pid,
    hostKeys,
    knownHosts: (host = "127.0.0.1") => hostKeys.map((key) => knownHostsLine(host, port, key)).join(""),
    log: daemon.log,
    stop: daemon.stop,
  };
};

const makeHostKey = async (type: KeyType, dir: string): Promise<{ path: string; key: PublicKey }> => {
  const path = join(dir, `host_${type}`);
  await mustRun(["dropbearkey", "-t", type, "-f", path]);
  const printed = await mustRun(["dropbearkey", "-y", "-f", path]);
  const line = printed.split("\n").find((each) => /^(ssh|ecdsa)-/.test(each));
  if (line === undefined) throw new Error(`dropbearkey printed no public key:\n${printed}`);
  return { path, key: parsePublicKey(line) };
};

const authorize = (account: TemporaryUser, keys: readonly string[]): void => {
  const folder = join(account.home, ".ssh");
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  writeFileSync(join(folder, "authorized_keys"), keys.map((key) => `${key}\n`).join(""), { mode: 0o600 });
  for (const path of [folder, join(folder, "authorized_keys")]) chownSync(path, account.uid, account.uid);
};
