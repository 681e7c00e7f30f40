/** What is measured against: one sshd on loopback, a user with a quick shell, and one ssh_config that both sides read. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { cleanEnv } from "../test/support/command.ts";
import { makeKey } from "../test/support/keys.ts";
import { startProgram } from "../test/support/program.ts";
import { startProxy, type TcpProxy } from "../test/support/proxy.ts";
import { startSshd } from "../test/support/sshd.ts";
import { tempDir } from "../test/support/temp.ts";
import { makeUser } from "../test/support/users.ts";
import { waitFor } from "../test/support/wait.ts";
import { type Binaries, makeBinaries } from "./binaries.ts";
import { writeConfig } from "./ssh-config.ts";

/** The one cipher the server offers, so that both sides move bytes through the same. */
export const cipher = "aes128-gcm@openssh.com";
export const loginShell = "/bin/sh";
/** Milliseconds to a far end and back. */
export const roundTripMs = 100;

/** Host alias of the server itself. */
export const near = "near";
/** Aliases of the same server behind a delay: one proxy each, because a proxy counts whoever uses it. */
const farAliases = { ours: "far-ours", other: "far-ssh", oursIdle: "idle-ours", otherIdle: "idle-ssh" } as const;

/** `await using` ends it, also when what is measured fails. */
export interface Master extends AsyncDisposable {
  readonly pid: number;
  /** Where other programs find it: ControlPath. */
  readonly socket: string;
  /** The command line of an `ssh` that runs a command over this connection. */
  argv(command: string): string[];
}

export interface FarEnd {
  readonly alias: string;
  readonly proxy: TcpProxy;
}

export interface Fixture extends Binaries {
  readonly quick: boolean;
  readonly home: string;
  /** The ssh_config that both sides read. */
  readonly config: string;
  readonly env: Readonly<Record<string, string>>;
  /** The idle ones are for connections that nobody else may wake. */
  readonly far: Readonly<Record<keyof typeof farAliases, FarEnd>>;
  /** The command line of an `ssh` with a connection of its own. */
  ssh(alias: string, command: string): string[];
  /** Opens a connection that later `ssh` processes share: ssh_config(5), ControlMaster. */
  startMaster(alias: string): Promise<Master>;
}

/** @throws Error when something is missing: root for the user, sshd for the server */
export const startFixture = async (quick: boolean): Promise<Fixture> => {
  const binaries = await makeBinaries();
  const user = await makeUser({ shell: loginShell });
  const key = await makeKey();
  const sshd = await startSshd({ authorizedKeys: [key.line], options: [`Ciphers ${cipher}`] });
  const farEnd = async (alias: string): Promise<FarEnd> => {
    const proxy = await startProxy(sshd);
    proxy.setDelay(roundTripMs / 2);
    return { alias, proxy };
  };
  const far = {
    ours: await farEnd(farAliases.ours),
    other: await farEnd(farAliases.other),
    oursIdle: await farEnd(farAliases.oursIdle),
    otherIdle: await farEnd(farAliases.otherIdle),
  };

  const home = tempDir("home");
  const farPorts = Object.values(far).map(({ alias, proxy }) => [alias, proxy.port] as const);
  const config = writeConfig(home, {
    user: user.name,
    identity: key.path,
    sshd,
    ports: { [near]: sshd.port, ...Object.fromEntries(farPorts) },
  });
  const ssh = (alias: string, command: string) => ["ssh", "-F", config, alias, command];
  const startMaster = async (alias: string): Promise<Master> => {
    const socket = join(tempDir("mux"), "socket");
    const shared = ["-F", config, "-o", `ControlPath=${socket}`];
    const program = startProgram(["ssh", ...shared, "-o", "ControlMaster=yes", "-N", alias], { home });
    await waitFor(() => existsSync(socket), { what: `a ControlMaster to ${alias}: ${program.stderr()}` });
    return {
      pid: program.pid,
      socket,
      argv: (command) => ["ssh", ...shared, alias, command],
      [Symbol.asyncDispose]: program.stop,
    };
  };
  return { ...binaries, quick, home, config, env: { ...cleanEnv, HOME: home }, far, ssh, startMaster };
};
