/**
 * The one way to run an operation, for every face: find, validate, ask policy, run, check. Each step is a small wrapper
 * around the next; whatever else must hold for every operation becomes one more of them.
 */
import type * as v from "valibot";
import type { CallScope } from "../../core/call-scope.ts";
import { SshMcpError } from "../../core/errors.ts";
import { shown } from "../../core/escape.ts";
import type { TransferSide } from "../../core/files/transfer-side.ts";
import type { TransferProgress } from "../../core/files/transfers.ts";
import type { Hosts } from "../../core/hosts.ts";
import type { Caller, Context, Operation } from "../../core/operation.ts";
import type { Ask } from "../../core/question.ts";
import type { Sessions } from "../../core/session.ts";
import type { Sink } from "../../core/sink.ts";
import type { Rule } from "../../policy/evaluate.ts";
import { BrokerJobs } from "../jobs/broker-jobs.ts";
import { OutputStore } from "../outputs/output-store.ts";
import { outputsOf } from "../outputs/outputs-of.ts";
import { BrokerTransfers } from "../transfers/broker-transfers.ts";
import type { Request } from "../wire/protocol.ts";
import { captured } from "./capture.ts";
import { grouped } from "./groups.ts";
import { permitted } from "./permit.ts";
import type { StreamBytes } from "./shared-budget.ts";
import { checked, validated } from "./validate.ts";

/** What a connection gives to a call. */
export interface CallIo {
  /** Aborted when the client cancels; with the error CANCELED, which says why, when it goes away or the broker ends. */
  signal: AbortSignal;
  /** Fails when the call is canceled: a cut input never looks complete. */
  stdin: AsyncIterable<Uint8Array>;
  /** Writes are rejected when the call is canceled. */
  stdout: Sink;
  stderr: Sink;
  ask: Ask;
  asks: boolean;
  variables: CallScope["variables"];
  /** Reading fails when the call is canceled. */
  files: CallScope["files"];
  terminal: CallScope["terminal"];
  notice: CallScope["notice"];
  /** See `Context`. */
  watched?: boolean;
  /** See `Context`. */
  local: TransferSide;
  /** Dropped unless the face asked for it. */
  progress(message: string, transfer?: TransferProgress): void;
}

/** Runs a request; resolves with the operation's output, rejects with an SshMcpError or a bug. */
export type Dispatch = (request: Request, io: CallIo) => Promise<unknown>;

/** A request on its way to its operation. */
export interface Invocation<Input = v.InferOutput<Operation["input"]>> {
  operation: Operation;
  input: Input;
  /** As in `Request`. */
  capture: number | null;
  /** Of a call on several hosts: told how many bytes one of them has, says how many of them the answer may hold. */
  share?: (bytes: StreamBytes) => Promise<StreamBytes>;
  context: Context;
}

export type Run = (invocation: Invocation) => Promise<Record<string, unknown>>;

export interface DispatchOptions {
  operations: readonly Operation[];
  sessions: Sessions;
  hosts: Hosts;
  rules: readonly Rule[];
  /** What is kept of outputs; those of this dispatch alone when absent. */
  outputs?: OutputStore;
}

/**
 * Composes the steps. What it makes rejects with USAGE for an operation that there is not, or
 * not for this face, INVALID_INPUT for an input its schema refuses, POLICY_DENIED,
 * APPROVAL_REQUIRED, and with whatever the operation throws.
 */
export const createDispatch = (options: DispatchOptions): Dispatch => {
  const { operations, sessions, hosts, rules, outputs = new OutputStore() } = options;
  const jobs = new BrokerJobs();
  const transfers = new BrokerTransfers(sessions);
  const byName = new Map(operations.map((operation) => [operation.name, operation]));
  const run = validated(operations, grouped(permitted(rules, checked(captured(outputs, runOperation)))));
  return async (request, io) => {
    const { caller, input, capture } = request;
    const operation = offered(byName.get(request.operation), request.operation, caller);
    const kept = outputsOf(outputs, caller, io.signal);
    const streamed = operation.streams === "output" && capture === null;
    const context = { ...io, caller, sessions, hosts, jobs, transfers, outputs: kept, streamed };
    return await run({ operation, input, capture, context });
  };
};

const runOperation: Run = ({ operation, input, context }) => operation.run(input, context);

const offered = (operation: Operation | undefined, name: string, { face }: Caller): Operation => {
  if (operation === undefined) {
    throw new SshMcpError("USAGE", `there is no operation ${shown(name)}`, { hint: "ssh-mcp --help" });
  }
  if (operation.faces.includes(face)) return operation;
  throw new SshMcpError("USAGE", `${operation.name} is not offered to the ${face} face`, { hint: "ssh-mcp --help" });
};
