import { join } from "node:path";
import { BrokerTransfers } from "../../../src/broker/transfers/broker-transfers.ts";
import type { CallScope } from "../../../src/core/call-scope.ts";
import { SshMcpError } from "../../../src/core/errors.ts";
import { type Operand, parseOperand } from "../../../src/core/files/operand.ts";
import type { RemoteMachine } from "../../../src/core/files/remote-files.ts";
import type { TransferProgress, TransferReport, TransferRequest } from "../../../src/core/files/transfers.ts";
import type { Session, Sessions } from "../../../src/core/session.ts";
import { LocalSide } from "../../../src/files/local/local-side.ts";
import { sftpMachine } from "../../support/sftp-process.ts";
import { tempDir } from "../../support/temp.ts";

export type Options = Partial<Omit<TransferRequest, "sources" | "destination" | "dial">> & {
  stdin?: AsyncIterable<Uint8Array>;
  signal?: AbortSignal;
};

export interface Ended {
  report: TransferReport;
  notices: string[];
  progress: TransferProgress[];
  stdout: Buffer;
}

export interface World {
  /** Where relative local paths are meant from. */
  here: string;
  /** The home directory of `db1`. */
  there: string;
  cp: (sources: readonly string[], destination: string, options?: Options) => Promise<Ended>;
  sync: (
    source: string,
    destination: string,
    sync?: Partial<NonNullable<TransferRequest["sync"]>>,
    options?: Options,
  ) => Promise<Ended>;
}

const nobody = (): never => {
  throw new SshMcpError("SESSION_NOT_FOUND", "there is no such server");
};

/** This machine's side, and servers `db1`, `db2` … that are real SFTP servers on it. */
export const startWorld = async (machines?: readonly RemoteMachine[]): Promise<World> => {
  const here = tempDir("here");
  const home = tempDir("there");
  const all = machines ?? [await sftpMachine({ home })];
  const sessions = new Map(all.map((machine, index) => [`db${index + 1}`, sessionOf(machine)]));
  const use = async ({ destination }: { destination: string }): Promise<Session> =>
    sessions.get(destination) ?? nobody();
  const transfers = new BrokerTransfers({ use } as unknown as Sessions);
  const cp: World["cp"] = async (sources, destination, options = {}) => {
    const operands = [...sources, destination].map(parseOperand);
    const locals = operands.flatMap((operand) => (operand.kind === "local" ? [operand.path] : []));
    const local = new LocalSide({ cwd: here, operands: locals });
    const ended: Ended = { report: nothing, notices: [], progress: [], stdout: Buffer.alloc(0) };
    const { stdin, signal, ...asked } = options;
    const request = { ...defaults, ...asked, sources: operands.slice(0, -1), destination: operands.at(-1) as Operand };
    const streams = {
      local,
      stdin: stdin ?? (async function* () {})(),
      stdout: {
        write: async (chunk: Uint8Array) => {
          ended.stdout = Buffer.concat([ended.stdout, chunk]);
        },
      },
      progress: (now: TransferProgress) => ended.progress.push(now),
    };
    const scope = scopeOf(here, (message) => ended.notices.push(message), signal);
    try {
      ended.report = await transfers.run(request, streams, scope);
    } finally {
      local.close();
    }
    return ended;
  };
  const sync: World["sync"] = (source, destination, how = {}, options = {}) =>
    cp([source], destination, {
      ...{ recursive: true, preserve: true, resume: true },
      sync: { delete: false, dryRun: false, byChecksum: false, ...how },
      ...options,
    });
  return { here, there: home, cp, sync };
};

const defaults: TransferRequest = {
  sources: [],
  destination: { kind: "stream" },
  dial: {
    user: null,
    port: null,
    identityFiles: [],
    configFile: null,
    options: [],
    timeoutMs: null,
  },
  become: null,
  recursive: false,
  preserve: false,
  parallel: null,
  resume: false,
  verify: false,
  limit: null,
  exclude: [],
  sync: null,
  direct: false,
};

const nothing = {} as TransferReport;

const sessionOf = (machine: RemoteMachine): Session =>
  ({
    info: { name: machine.name },
    files: <T>(_: unknown, __: unknown, use: (one: RemoteMachine) => Promise<T>) => use(machine),
  }) as unknown as Session;

export const scopeOf = (
  cwd: string,
  notice: (message: string) => void,
  signal: AbortSignal = new AbortController().signal,
): CallScope =>
  ({
    caller: { face: "cli", client: "cli", cwd, agentSocket: null },
    signal,
    notice,
    asks: false,
  }) as unknown as CallScope;

/** Paths, types, contents, modes and times of a tree, as one text. */
export const treeOf = async (root: string, ...words: string[]): Promise<string> => {
  // A link's own time is when it was made.
  const all = ["(", "-type", "l", "-printf", "%P %l\n", "-o", "-printf", "%P %y %s %m %Ts\n", ")"];
  const format = words.length > 0 ? words : all;
  const found = Bun.spawn(["find", root, "-mindepth", "1", "-not", "-type", "d", ...format]);
  const sums = Bun.spawn(["sh", "-c", `cd "$1" && find . -type f -exec sha256sum {} +`, "sh", root]);
  const lines = (text: string): string => text.split("\n").sort().join("\n");
  return `${lines(await new Response(found.stdout).text())}\n${lines(await new Response(sums.stdout).text())}`;
};

export const path = (...parts: string[]): string => join(...parts);
