/**
 * The one definition of a verb. Both faces are derived from it: the CLI's command and help, the MCP tool and its
 * schemas, the annotations, and what policy is asked. Nothing about an operation is said a second time elsewhere.
 */
import type * as v from "valibot";
import type { CallScope } from "./call-scope.ts";
import type { TransferSide } from "./files/transfer-side.ts";
import type { TransferProgress, Transfers } from "./files/transfers.ts";
import type { Hosts } from "./hosts.ts";
import type { Jobs } from "./jobs.ts";
import type { Outputs } from "./outputs.ts";
import type { Sessions } from "./session.ts";
import type { Sink } from "./sink.ts";

export type Face = "cli" | "mcp";

/** What an operation does to the world; MCP annotations, read-only mode and the policy default follow from it. */
export type Effect = "read" | "write" | "execute" | "destructive";

export interface Caller {
  face: Face;
  /** Who is behind the face: `cli`, or the MCP client's name and version. */
  client: string;
  /** The caller's working directory; relative local paths are meant from here. */
  cwd: string;
  /** The caller's agent socket (SSH_AUTH_SOCK), or null. */
  agentSocket: string | null;
  /** LANG and the LC_ variables of the caller's environment, which SendEnv usually asks for; absent for none. */
  locale?: Readonly<Record<string, string>>;
}

/**
 * A rule that was broken: where, and what is wrong. Faces have their own names for fields, so the message writes another
 * field as `{field}`.
 */
export interface Issue {
  /** Empty when it is no single field's. */
  field: string;
  message: string;
}

/** What a running operation may use: its call, the sessions, and its streams. */
export interface Context extends CallScope {
  sessions: Sessions;
  hosts: Hosts;
  jobs: Jobs;
  outputs: Outputs;
  transfers: Transfers;
  /**
   * This machine as one side of a transfer. The caller's process decides what may be touched: the local operands of the call's input, and what is
   * below them.
   */
  local: TransferSide;
  stdin: AsyncIterable<Uint8Array>;
  stdout: Sink;
  stderr: Sink;
  /** Milliseconds of its time that had passed when it began, since others of the same call had their turn; absent for none. */
  waitedMs?: number;
  /** Whether content goes to stdout instead of the result, see `OperationSpec.streams`; absent for no. */
  streamed?: boolean;
  /** Whether anybody reads `progress`; absent for yes. */
  watched?: boolean;
  /** Tells the face that work goes on; dropped when nobody asked. */
  progress(message: string, transfer?: TransferProgress): void;
}

type Input = v.StrictObjectSchema<v.ObjectEntries, undefined>;
type Output = v.ObjectSchema<v.ObjectEntries, undefined>;

/** A definition with the types of its own fields; `Operation` is the same with the types erased, as lists hold it. */
export interface OperationSpec<I extends Input, O extends Output> {
  /** The operation's own name, used by policy and audit. */
  name: string;
  /** The CLI command. */
  command: string;
  /** The MCP tool. */
  tool: string;
  faces: readonly Face[];
  title: string;
  /** One text for `--help` and `tools/list`, true for whoever calls: what it does, what it returns, errors. */
  description: string;
  /** What only a person has to know, who reads `--help` when it is asked for: after the description. A line is a paragraph. */
  manual?: string;
  /** What `--help` says of fields whose descriptions are as short as a model's budget wants them. */
  help?: Readonly<Partial<Record<FieldOf<I>, string>>>;
  /**
   * What a tool's schema says of fields whose descriptions are longer than a model needs, which pays for every character before its first call; empty
   * where the name says it all.
   */
  brief?: Readonly<Partial<Record<FieldOf<I>, string>>>;
  /** What only a model has to know, after the description: when to use a sibling instead, limits, who answers what. */
  advice: string;
  /** The strongest that a call may have. */
  effect: Effect;
  /** What this call does, where that is less for some inputs; pure. Policy is asked about it. Absent where all do `effect`. */
  effectOf?(input: v.InferOutput<I>): Effect;
  /** Whether a `write` may take the place of what was there, and not only add to it. Absent for no. */
  replaces?: boolean;
  /** Whether running it twice with the same input has no further effect. */
  idempotent: boolean;
  /** Whether it reaches out to servers; else it stays among the sessions there are. */
  remote: boolean;
  input: I;
  output: O;
  /** Rules across fields that a schema cannot say; pure. The description says them in words. */
  validate(input: v.InferOutput<I>): Issue[];
  /**
   * Two fields that the CLI takes as one word, `TARGET:PATH`, in the place of the first of them among the positionals. A path that is the field of
   * `rest` holds those of all words that follow, each with the same target. Absent for none.
   */
  operand?: { target: FieldOf<I>; path: FieldOf<I> };
  /** Letters for flags of the CLI, beside those that ssh(1) has for the same fields. */
  letters?: Readonly<Partial<Record<FieldOf<I>, string>>>;
  /** Fields that the CLI takes as words instead of flags, in order. */
  positionals: readonly FieldOf<I>[];
  /** The field that takes every word after the positionals, or null: joined by single spaces when it is a string. */
  rest: FieldOf<I> | null;
  /** The field that takes the last of the words behind those of `positionals`, and `rest` all others, as cp(1) has its words. Absent for none. */
  last?: FieldOf<I>;
  /** The field that takes the words of `rest` each as it is, when the CLI is told to by the flag of its name. */
  words?: FieldOf<I>;
  /** Number fields that hold seconds; the CLI also takes `1500ms 30s 5m 8h 2d` for them. */
  durations: readonly FieldOf<I>[];
  /** The field that says where the operation acts, or null; policy decides by it. */
  target: FieldOf<I> | null;
  /** The servers where it acts, when they are named inside of fields, as in `TARGET:PATH`; pure. Policy is asked about each. */
  targets?(input: v.InferOutput<I>): string[];
  /**
   * `pipe`: stdin, stdout and stderr stream; the result holds `stdout`, `stderr`, `truncated`, `binary` and `outputId` when captured. `output`: content
   * goes to stdout where `Context.streamed` says so, and the result holds it else. `input`: content may come by stdin.
   */
  streams: "none" | "pipe" | "output" | "input";
  /** Fields a model must not set: absent from the tool's schema, refused by dispatch from an MCP face. None where no model is served. */
  cliOnly: readonly FieldOf<I>[];
  run(input: v.InferOutput<I>, context: Context): Promise<v.InferOutput<O>>;
  /** The result as text for a person or a model; as complete as the result itself. Remote text in it is escaped. */
  render(output: v.InferOutput<O>): string;
  /** Whether the output is what was asked for: where it is not, the CLI's status is 1. Absent where an output always is. */
  succeeded?(output: v.InferOutput<O>): boolean;
}

type FieldOf<I extends Input> = keyof I["entries"] & string;

/** Spelled out field by field, so that definitions are compared by shape and every one fits. */
export type Operation = { [Field in keyof OperationSpec<Input, Output>]: OperationSpec<Input, Output>[Field] };

/** Checks a definition against the types of its own fields; changes nothing. */
export const defineOperation = <I extends Input, O extends Output>(spec: OperationSpec<I, O>): OperationSpec<I, O> =>
  spec;
