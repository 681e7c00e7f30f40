/** What is measured against: one sshd on loopback, a user with a quick shell, and one ssh_config that both sides read. */
import { copyFileSync, existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { build } from "../src/build.ts";
import { buildOnce } from "../test/support/binary.ts";
import { cleanEnv } from "../test/support/command.ts";
import { makeKey } from "../test/support/keys.ts";
import { startProgram } from "../test/support/program.ts";
import { startProxy, type TcpProxy } from "../test/support/proxy.ts";
import { type Sshd, startSshd } from "../test/support/sshd.ts";
import { tempDir } from "../test/support/temp.ts";
import { makeUser } from "../test/support/users.ts";
import { waitFor } from "../test/support/wait.ts";

/** The one cipher the server offers, so that both sides move bytes through the same. */
export const cipher = "aes128-gcm@openssh.com";
export const loginShell = "/bin/sh";

/** Host alias of the server itself. */
export const near = "near";
/** Aliases of the same server behind a delay: one proxy each, because a proxy counts whoever uses it. */
const far = { ours: "far-ours", other: "far-ssh" } as const;

/** `await using` ends it, also when what is measured fails. */
export interface Master extends AsyncDisposable {
  readonly pid: number;
  /** The command line of an `ssh` that runs a command over this connection. */
  argv(command: string): string[];
}

export interface FarEnd {
  readonly alias: string;
  readonly proxy: TcpProxy;
}

export interface Fixture {
  readonly quick: boolean;
  /** The binary under test: a copy, so that nothing replaces it during the run. */
  readonly binary: string;
  /** A compiled Bun program without a line in it: what the runtime itself costs. */
  readonly empty: string;
  readonly home: string;
  readonly env: Readonly<Record<string, string>>;
  readonly far: { readonly ours: FarEnd; readonly other: FarEnd };
  /** Milliseconds to the far ends and back. */
  readonly roundTripMs: number;
  /** The command line of an `ssh` with a connection of its own. */
  ssh(alias: string, command: string): string[];
  /** Opens a connection that later `ssh` processes share: ssh_config(5), ControlMaster. */
  startMaster(alias: string): Promise<Master>;
}

/** @throws Error when something is missing: root for the user, sshd for the server */
export const startFixture = async (quick: boolean): Promise<Fixture> => {
  const { binary, empty } = await buildBinaries();
  const user = await makeUser({ shell: loginShell });
  const key = await makeKey();
  const sshd = await startSshd({ authorizedKeys: [key.line], options: [`Ciphers ${cipher}`] });
  const ours = { alias: far.ours, proxy: await startProxy(sshd) };
  const other = { alias: far.other, proxy: await startProxy(sshd) };
  const roundTripMs = quick ? 50 : 100;
  for (const { proxy } of [ours, other]) proxy.setDelay(roundTripMs / 2);

  const home = tempDir("home");
  const config = writeConfig(home, {
    user: user.name,
    identity: key.path,
    sshd,
    ports: { [near]: sshd.port, [ours.alias]: ours.proxy.port, [other.alias]: other.proxy.port },
  });
  const ssh = (alias: string, command: string) => ["ssh", "-F", config, alias, command];
  const startMaster = async (alias: string): Promise<Master> => {
    const socket = join(tempDir("mux"), "socket");
    const shared = ["-F", config, "-o", `ControlPath=${socket}`];
    const program = startProgram(["ssh", ...shared, "-o", "ControlMaster=yes", "-N", alias], { home });
    await waitFor(() => existsSync(socket), { what: `a ControlMaster to ${alias}: ${program.stderr()}` });
    return {
      pid: program.pid,
      argv: (command) => ["ssh", ...shared, alias, command],
      [Symbol.asyncDispose]: program.stop,
    };
  };
  const env = { ...cleanEnv, HOME: home };
  return { quick, binary, empty, home, env, far: { ours, other }, roundTripMs, ssh, startMaster };
};

const buildBinaries = async (): Promise<{ binary: string; empty: string }> => {
  const folder = tempDir("bench");
  const binary = join(folder, "ssh-mcp");
  copyFileSync(buildOnce(), binary);
  // For the drivers of test/support, which would build again when a source is saved meanwhile.
  process.env["SSH_MCP_BINARY"] = binary;
  const source = join(folder, "empty.ts");
  const empty = join(folder, "empty");
  writeFileSync(source, "");
  await build(source, empty);
  return { binary, empty };
};

interface ConfigFacts {
  user: string;
  identity: string;
  sshd: Sshd;
  ports: Readonly<Record<string, number>>;
}

/** @returns the path of the config: ssh reads no $HOME and is given it with -F */
const writeConfig = (home: string, { user, identity, sshd, ports }: ConfigFacts): string => {
  const folder = join(home, ".ssh");
  Bun.spawnSync(["mkdir", "-m", "700", folder]);
  const knownHosts = join(folder, "known_hosts");
  const line = sshd.knownHosts();
  const lines = Object.values(ports).map((port) => line.replaceAll(`:${sshd.port} `, `:${port} `));
  writeFileSync(knownHosts, lines.join(""));
  const config = join(folder, "config");
  const hosts = Object.entries(ports).map(([alias, port]) => `Host ${alias}\n  Port ${port}\n`);
  const common = [
    "Host *",
    "HostName 127.0.0.1",
    `User ${user}`,
    `IdentityFile ${identity}`,
    "IdentitiesOnly yes",
    `UserKnownHostsFile ${knownHosts}`,
    "GlobalKnownHostsFile /dev/null",
    "StrictHostKeyChecking yes",
  ];
  writeFileSync(config, `${hosts.join("")}${common.join("\n  ")}\n`);
  return config;
};
