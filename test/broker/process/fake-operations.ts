/** Operations that need no server, for tests of what carries them. */
import * as v from "valibot";
import { SshMcpError } from "../../../src/core/errors.ts";
import type { Hosts } from "../../../src/core/hosts.ts";
import { type Context, defineOperation, type Operation } from "../../../src/core/operation.ts";
import type { LoginQuestion, Question } from "../../../src/core/question.ts";
import type { Sessions } from "../../../src/core/session.ts";

const output = v.object({
  count: v.number(),
  text: v.nullable(v.string()),
  stdout: v.optional(v.string()),
  stderr: v.optional(v.string()),
  truncated: v.optional(v.boolean()),
});
type Output = v.InferOutput<typeof output>;

const input = v.strictObject({
  count: v.optional(v.pipe(v.number(), v.integer(), v.minValue(0))),
  text: v.optional(v.string()),
  target: v.optional(v.string()),
  secret: v.optional(v.string()),
});
type Input = v.InferOutput<typeof input>;

export const fake = (
  name: string,
  run: (input: Input, context: Context) => Promise<Output>,
  changes: Partial<Operation> = {},
): Operation => ({
  ...defineOperation({
    name,
    command: name,
    tool: `ssh_${name}`,
    faces: ["cli", "mcp"],
    title: name,
    description: name,
    advice: name,
    effect: "read",
    idempotent: true,
    remote: false,
    input,
    output,
    validate: () => [],
    positionals: [],
    rest: null,
    durations: [],
    target: "target",
    streams: "pipe",
    cliOnly: ["secret"],
    run,
    render: () => name,
  }),
  ...changes,
});

/** What the face is asked. */
export const question: Question = { kind: "password", text: "password:", echo: false, destination: "ann@web 1" };
/** What an operation asks. */
export const loginQuestion: LoginQuestion = {
  ...question,
  wanted: "a password",
  connectCommand: "ssh-mcp connect 'ann@web 1'",
};

/** Resolves when the call is canceled. */
export const canceled = ({ signal }: Context): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });

/** Copies stdin to stdout and counts it. */
export const echo = fake("echo", async (_input, { stdin, stdout }) => {
  let count = 0;
  for await (const chunk of stdin) {
    await stdout.write(chunk);
    count += chunk.length;
  }
  return { count, text: null };
});

/** Runs until it is canceled, and says so in its result, as exec does. */
export const sleep = fake("sleep", async (_input, context) => {
  await canceled(context);
  return { count: 0, text: "canceled" };
});

const mebibyte = new Uint8Array(1024 * 1024).fill(0x61);

/** Writes so many MiB to stdout, the first a turn later, as a remote command does; `produced` is what was accepted. */
export const produced = { mebibytes: 0 };
export const produce = fake("produce", async ({ count = 1 }, { stdout }) => {
  produced.mebibytes = 0;
  await new Promise((resolve) => setImmediate(resolve));
  for (; produced.mebibytes < count; produced.mebibytes++) await stdout.write(mebibyte);
  return { count, text: null };
});

/** Writes a line to either stream. */
export const both = fake("both", async ({ text = "" }, { stdout, stderr }) => {
  await stdout.write(new TextEncoder().encode(`out ${text}\n`));
  await stderr.write(new TextEncoder().encode(`err ${text}\n`));
  return { count: 2, text: null };
});

export const ask = fake("ask", async (_input, context) => ({ count: 1, text: await context.ask(loginQuestion) }));

export const fail = fake("fail", async ({ text = "" }) => {
  throw new SshMcpError("CONNECT_REFUSED", `refused ${text}`, { hint: "ssh-mcp ls" });
});

export const crash = fake("crash", async () => {
  throw new TypeError("not a function");
});

/** Reports progress so many times. */
export const progress = fake("progress", async ({ count = 1, text = "" }, context) => {
  for (let step = 1; step <= count; step++) context.progress(`step ${step}${text}`);
  return { count, text: null };
});

/** A result of so many characters. */
export const large = fake("large", async ({ count = 0 }) => ({ count, text: "é".repeat(count) }));

export const operations: readonly Operation[] = [echo, sleep, produce, both, ask, fail, crash, progress, large];

const none = (): never => {
  throw new Error("these operations use no sessions");
};

export const noHosts: Hosts = {
  ...{ list: none, describe: none, members: none, add: none, set: none, remove: none, enable: none, initialize: none },
};

export const noSessions: Sessions = {
  ...{ open: none, use: none, list: none, calls: none, lend: none, close: none, kill: none },
  pending: { list: none, answered: none },
  secrets: { place: none },
  hostKeys: { trust: none },
};
