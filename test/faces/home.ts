/** HOME of a person who has a key and knows some servers: what the binary finds there is what it finds in real life. */
import { appendFileSync, mkdirSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { buildOnce } from "../support/binary.ts";
import { endBrokersAtCleanup } from "../support/brokers.ts";
import { onCleanup } from "../support/cleanup.ts";
import { cleanEnv } from "../support/command.ts";
import { type KeyPair, makeKey } from "../support/keys.ts";
import { tempDir } from "../support/temp.ts";
import { startProgramInTerminal, type TerminalSession } from "../support/terminal.ts";

export interface Home {
  readonly path: string;
  /** `~/.ssh/id_ed25519`, found without being named. */
  readonly key: KeyPair;
  /** Adds to `~/.ssh/known_hosts` what servers' `knownHosts()` give. */
  trust(...lines: string[]): void;
  /** Adds to `~/.ssh/config`. */
  configure(text: string): void;
  /** Types a command line into a shell on a terminal, where `ssh-mcp` is the compiled binary. */
  type(line: string): TerminalSession;
}

/** Its broker is ended by cleanup, whoever starts it. @param passphrase of the key; empty for none */
export const makeHome = async (passphrase = ""): Promise<Home> => {
  const path = tempDir("home");
  endBrokersAtCleanup(path);
  const ssh = join(path, ".ssh");
  mkdirSync(ssh, { mode: 0o700 });
  const key = await makeKey({ path: join(ssh, "id_ed25519"), passphrase, rounds: 1 });
  return {
    path,
    key,
    trust: (...lines) => appendFileSync(join(ssh, "known_hosts"), lines.join("")),
    configure: (text) => appendFileSync(join(ssh, "config"), text),
    type: (line) => startProgramInTerminal(["/bin/sh", "-c", line], { home: path, env: { PATH: pathWithBinary() } }),
  };
};

let binaries: string | null = null;

const pathWithBinary = (): string => {
  if (binaries === null) {
    binaries = tempDir("bin");
    // The folder goes with the test file; the next one needs another.
    onCleanup(() => {
      binaries = null;
    });
    symlinkSync(buildOnce(), join(binaries, "ssh-mcp"));
  }
  return `${binaries}:${cleanEnv.PATH}`;
};
