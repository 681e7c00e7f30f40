/**
 * A command on several hosts, for callers that take one answer: each host is asked for, permitted, run and captured by itself, many at once, and
 * the answer has an entry for each. What one of them fails with is its own entry's.
 */
import * as v from "valibot";
import { SshMcpError, toSshMcpError } from "../../core/errors.ts";
import type { Context, Operation } from "../../core/operation.ts";
import { Turns } from "../../core/turns.ts";
import { defaultModelTimeoutSeconds } from "../../operations/exec-input.ts";
import type { Invocation, Run } from "./dispatch.ts";
import { SharedBudget } from "./shared-budget.ts";
import { checked } from "./validate.ts";

const atOnce = 32;
const mostHosts = 256;
/** Bytes that are kept of one stream of all hosts together until the budget is divided. */
const mostKept = 16 * 1024 * 1024;

type Entry = Record<string, unknown>;

/** @throws SshMcpError USAGE for too many hosts */
export const severalHosts =
  (next: Run) =>
  async (invocation: Invocation, names: readonly string[]): Promise<Record<string, unknown>> => {
    if (names.length > mostHosts) {
      throw new SshMcpError("USAGE", `${names.length} hosts are too many for one call: at most ${mostHosts}`);
    }
    return await checked(() => onEach(next, invocation, names))(invocation);
  };

const onEach = async (next: Run, invocation: Invocation, names: readonly string[]): Promise<Entry> => {
  const { input, context } = invocation;
  const startedAt = performance.now();
  const budget = typeof input["maxOutput"] === "number" ? input["maxOutput"] : (invocation.capture ?? 0);
  const limit = Math.min(budget, Math.floor(mostKept / names.length));
  const shared = new SharedBudget(names.length, budget);
  const turns = new Turns(atOnce);
  let done = 0;
  const say = (message: string): void => context.progress(`${done} of ${names.length} hosts done; ${message}`);
  const entries = await Promise.all(
    names.map(async (target, index): Promise<Entry> => {
      const leave = await turns.take();
      const beganAt = performance.now();
      // What waits for its share of the budget runs no more.
      const ended = (): void => {
        leave();
        done++;
        say(`${target} has ended`);
      };
      let running = true;
      const over = (): void => {
        if (running) ended();
        running = false;
      };
      try {
        const result = await next({
          ...invocation,
          input: { ...input, target, ...limitOf(input, limit) },
          capture: limit,
          context: {
            ...ownContext(context, target, say),
            waitedMs: timeWaited(input, context, Math.round(beganAt - startedAt)),
          },
          share: async (bytes) => {
            over();
            return await shared.ask(index, bytes);
          },
        });
        return { ...result, target, error: null };
      } catch (thrown) {
        return failed(invocation.operation, target, toSshMcpError(thrown), performance.now() - beganAt);
      } finally {
        over();
        shared.leave(index);
      }
    }),
  );
  return {
    ...unsaid(invocation.operation),
    ...overall(entries),
    target: String(input["target"]),
    durationMs: elapsed(startedAt),
    hosts: entries,
  };
};

const elapsed = (since: number): number => Math.round(performance.now() - since);

const limitOf = (input: Invocation["input"], limit: number): object =>
  input["maxOutput"] === undefined ? {} : { maxOutput: limit };

/**
 * The call has its time as a whole, for its caller waits no longer: who waited in line has what is left of it.
 * @throws SshMcpError CANCELED; TIMEOUT when nothing is left
 */
const timeWaited = (input: Invocation["input"], { signal, caller }: Context, waitedMs: number): number => {
  if (signal.aborted) throw new SshMcpError("CANCELED", "the call was canceled before this host had its turn");
  const usual = caller.face === "mcp" ? defaultModelTimeoutSeconds : Number.POSITIVE_INFINITY;
  const seconds = typeof input["timeout"] === "number" ? input["timeout"] : usual;
  // A limit is in whole milliseconds.
  if (seconds * 1000 - waitedMs >= 1) return waitedMs;
  throw new SshMcpError("TIMEOUT", "the other hosts took all of the time: the command was not sent to this one");
};

const ownContext = (context: Context, target: string, say: (message: string) => void): Context => ({
  ...context,
  // One input cannot be read by many: what they are to read is given as text.
  stdin: nothing,
  notice: (message) => context.notice(`${target}: ${message}`),
  progress: (message) => say(`${target}: ${message}`),
  terminal: async () => null,
});

const nothing: AsyncIterable<Uint8Array> = { [Symbol.asyncIterator]: async function* () {} };

const failed = (operation: Operation, target: string, error: SshMcpError, durationMs: number): Entry => ({
  ...unsaid(operation),
  target,
  durationMs: Math.round(durationMs),
  error: { ...error.toRecord() },
});

/** What no host has said, and what is not said of all together: nothing, where the operation may say nothing. */
const unsaid = ({ output }: Operation): Entry => {
  const nullable = Object.entries(output.entries).filter(([, schema]) => v.is(schema, null));
  return {
    ...Object.fromEntries(nullable.map(([field]) => [field, null])),
    ...{ stdoutBytes: 0, stderrBytes: 0, truncated: false },
  };
};

const worstFirst = {
  outcome: ["unknown", "timedOut", "canceled", "signaled", "exited"],
  stopped: ["unconfirmed", "dispatched", "confirmed"],
} as const;

const overall = (entries: readonly Entry[]): Entry => {
  const worst = (field: keyof typeof worstFirst) =>
    worstFirst[field].find((value) => entries.some((entry) => entry[field] === value)) ?? null;
  const sum = (field: string) => entries.reduce((total, entry) => total + Number(entry[field]), 0);
  return {
    outcome: worst("outcome"),
    stopped: worst("stopped"),
    stdoutBytes: sum("stdoutBytes"),
    stderrBytes: sum("stderrBytes"),
    truncated: entries.some(({ truncated }) => truncated === true),
  };
};
