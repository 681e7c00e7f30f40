/** A broker process of our own: a base directory that nobody else uses, and sessions that are open. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { brokerOf, brokersOf, endBrokersAtCleanup } from "../test/support/brokers.ts";
import { mustRun } from "../test/support/command.ts";
import { tempDir } from "../test/support/temp.ts";
import { waitFor } from "../test/support/wait.ts";
import type { Fixture } from "./fixture.ts";

/** Above what any row opens; the default is 64 live sessions. */
const sessionLimit = 200;

/** `await using` ends it, also when what is measured fails. */
export interface Broker extends AsyncDisposable {
  /** What makes a process use this broker. */
  readonly env: Readonly<Record<string, string>>;
  readonly pid: number;
  /** Runs a command of the CLI that must succeed. */
  command(...words: string[]): Promise<void>;
}

/** Starts a broker and opens a session to each destination, named after it. */
export const startBroker = async (fixture: Fixture, ...destinations: string[]): Promise<Broker> => {
  const base = makeBase(fixture);
  const command = async (...words: string[]): Promise<void> => {
    await mustRun([fixture.binary, ...words], { env: base.env });
  };
  // Whatever comes first starts it.
  await command("ls");
  for (const destination of destinations) await command("connect", destination);
  return {
    env: base.env,
    pid: brokerOf(base.directory),
    command,
    [Symbol.asyncDispose]: base.stopBroker,
  };
};

export interface Base {
  readonly directory: string;
  readonly env: Readonly<Record<string, string>>;
  /** Ends its broker, and looks whether the process is gone. */
  stopBroker(): Promise<void>;
}

/** A base directory that no broker runs for. */
export const makeBase = ({ env, binary }: Fixture): Base => {
  const directory = tempDir("b");
  // For a run that fails half-way.
  endBrokersAtCleanup(directory);
  writeFileSync(join(directory, "config.toml"), `[limits]\nsessions = ${sessionLimit}\n`);
  const own = { ...env, SSH_MCP_DIR: directory };
  const stopBroker = async (): Promise<void> => {
    if (brokersOf(directory).length === 0) return;
    await mustRun([binary, "broker", "stop"], { env: own });
    await waitFor(() => brokersOf(directory).length === 0, { what: "a broker to be gone after `broker stop`" });
  };
  return { directory, env: own, stopBroker };
};
