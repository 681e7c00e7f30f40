/** Opens connections of src/ssh straight to a test server: no ssh_config, no known_hosts, the key given or none. */

import { opensshDefaults } from "../../src/config/ssh-config/values/algorithm-list.ts";
import type { CommandResult } from "../../src/core/command.ts";
import { type CommandForm, plainForm } from "../../src/core/command-form.ts";
import type { Question } from "../../src/core/question.ts";
import { Agent } from "../../src/ssh/auth/agent.ts";
import { Authentication } from "../../src/ssh/auth/authentication.ts";
import { collectIdentities } from "../../src/ssh/auth/identities.ts";
import { mustBeUsable, readNamedFiles } from "../../src/ssh/auth/identity-files.ts";
import type { CommandSetup } from "../../src/ssh/commands/command-setup.ts";
import type { Connection } from "../../src/ssh/connection.ts";
import { algorithmsFor } from "../../src/ssh/key-exchange/algorithms.ts";
import type { ConnectionOptions } from "../../src/ssh/transport/connection-options.ts";
import { openConnection } from "../../src/ssh/transport/handshake.ts";
import { dialTcp } from "../../src/ssh/transport/tcp.ts";
import { onCleanup } from "../support/cleanup.ts";
import { plainChoice } from "./plain-choice.ts";

export interface TestConnectionOptions extends Partial<ConnectionOptions> {
  port: number;
  user: string;
  keys?: readonly string[];
  agentSocket?: string;
  answers?: (question: Question) => string | Promise<string>;
}

export const open = async (
  options: TestConnectionOptions,
  signal = new AbortController().signal,
): Promise<Connection> => {
  const { keys = [], agentSocket = null, answers, ...rest } = options;
  const wanted = {
    ...{ named: keys, configured: [], namedCertificates: [], configuredCertificates: [] },
    ...{ readsBeside: true, requiredRsaBits: 1024, given: () => undefined },
  };
  const agent = agentSocket === null ? null : new Agent(agentSocket);
  const files = await readNamedFiles(wanted);
  await mustBeUsable(files, wanted, agent);
  const algorithms = { accepted: opensshDefaults.hostKey, isDefault: true };
  const host = rest.host ?? "127.0.0.1";
  const connectCommand = "ssh-mcp connect test";
  const connection = await openConnection(
    {
      host,
      open: (limitMs, aborted) => dialTcp(host, options.port, limitMs, aborted),
      algorithms: algorithmsFor(plainChoice),
      verifyHostKey: async () => true,
      authentication: (ask, login) =>
        new Authentication({
          ...{ user: options.user, host, destination: "test", connectCommand, ask, algorithms },
          ...{ promptHost: host, widerCommand: connectCommand },
          methods: { preferred: ["publickey", "keyboard-interactive", "password"], prompts: 3 },
          identities: () =>
            collectIdentities({
              ...{ files, agent, algorithms },
              ...{ identitiesOnly: false, filesSign: true, requiredRsaBits: 1024, passphraseTries: 3 },
              ...{ opened: async () => undefined, ask, login, destination: "test", connectCommand },
            }),
        }),
      ask: async (question) => {
        if (answers === undefined) throw new Error(`nobody answers: ${question.text}`);
        return answers(question);
      },
      destination: "test",
      commands: {
        setEnv: [],
        sendEnv: [],
        forwardAgent: { kind: "no" },
        remoteCommand: null,
        requestTty: "auto",
        sessionType: "default",
      },
      timeoutMs: 20_000,
      keepalive: { intervalMs: 15_000, countMax: 3 },
      ...rest,
    },
    signal,
  );
  onCleanup(() => connection.close());
  return connection;
};

export interface Ran extends CommandResult {
  stdout: string;
  stderr: string;
}

export interface RunOptions {
  stdin?: Iterable<Uint8Array> | AsyncIterable<Uint8Array>;
  timeoutMs?: number;
  idleTimeoutMs?: number;
  /** What a piece of output takes its reader. */
  delayMs?: number;
  signal?: AbortSignal;
  setup?: CommandSetup;
  form?: Partial<CommandForm>;
  /** Told of all stdout so far, whenever more has come. */
  onStdout?: (text: string) => void;
}

/** Runs a command and keeps its output as text. */
export const run = async (connection: Connection, command: string, options: RunOptions = {}): Promise<Ran> => {
  const out = { stdout: "", stderr: "" };
  const sink = (stream: "stdout" | "stderr") => ({
    write: async (chunk: Uint8Array) => {
      out[stream] += Buffer.from(chunk).toString();
      if (options.delayMs !== undefined) await Bun.sleep(options.delayMs);
      if (stream === "stdout") options.onStdout?.(out.stdout);
    },
  });
  const result = await connection.exec(
    {
      command,
      stdin: toAsync(options.stdin ?? []),
      stdout: sink("stdout"),
      stderr: sink("stderr"),
      timeoutMs: options.timeoutMs ?? null,
      idleTimeoutMs: options.idleTimeoutMs ?? null,
      ...(options.form === undefined ? {} : { form: { ...plainForm, ...options.form } }),
    },
    options.signal ?? new AbortController().signal,
    undefined,
    options.setup,
  );
  return { ...result, ...out };
};

async function* toAsync(source: Iterable<Uint8Array> | AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  yield* source;
}
