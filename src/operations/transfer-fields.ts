/** What operations that copy between machines take and give, and the rules across their fields. */
import * as v from "valibot";
import { errorCodes, toSshMcpError } from "../core/errors.ts";
import { type Operand, parseOperand } from "../core/files/operand.ts";
import { type TransferRequest, verifications } from "../core/files/transfers.ts";
import type { Issue } from "../core/operation.ts";
import { parseSize } from "../core/size.ts";
import { count, dialFields, dialRequest, timeoutSeconds } from "./fields.ts";
import { becomeOf, type flagField, sudoField, sudoIssues } from "./path-fields.ts";

/** MCP clients give up after 60 s: what is stopped in time can be resumed. */
export const defaultModelSeconds = 45;

const longestSeconds = 24 * 60 * 60;
const longestPath = 8192;
const mostPatterns = 1024;
const mostParallel = 64;

const { identityFile, jump, auth, configFile, options } = dialFields;

/** `user` and `port` are each operand's own: one call may reach two servers. */
export const commonFields = {
  exclude: v.optional(
    v.pipe(
      v.array(v.string()),
      v.description("Leave out what is below a source and matches this glob: *.o, node_modules/, /build"),
    ),
  ),
  sudo: sudoField,
  limit: v.optional(v.pipe(v.string(), v.description("Bytes a second at most: 500k, 10MB"))),
  parallel: v.optional(v.pipe(v.number(), v.description(`Large files at once, at most ${mostParallel}`))),
  timeout: v.optional(
    v.pipe(v.number(), v.description("Seconds until it is stopped; what is there can be resumed (default: no limit)")),
  ),
  connectTimeout: v.optional(timeoutSeconds("Seconds for connecting and login, when it takes one (default 15)")),
  ...{ identityFile, jump, auth, configFile, options },
};

/** Fields that only a person sets. */
export const personFields = [
  "limit",
  "parallel",
  "connectTimeout",
  "identityFile",
  "jump",
  "auth",
  "configFile",
  "options",
] as const;

const failure = v.object({
  path: v.pipe(v.string(), v.description("The path as its side names it")),
  code: v.pipe(v.picklist(errorCodes), v.description("What kind of failure it is")),
  message: v.pipe(v.string(), v.description("What happened")),
  bytesDone: v.pipe(v.nullable(count), v.description("Bytes that are there to be resumed; null when none can be")),
});

export const reportFields = {
  files: v.pipe(count, v.description("Files that were copied")),
  directories: v.pipe(count, v.description("Directories that were made")),
  links: v.pipe(count, v.description("Symbolic links that were made")),
  bytes: v.pipe(count, v.description("Bytes of content that travelled")),
  unchanged: v.pipe(count, v.description("Files that were there already")),
  resumedBytes: v.pipe(count, v.description("Bytes that a broken transfer had left, and that did not travel again")),
  deleted: v.pipe(count, v.description("Deleted at the destination")),
  verification: v.pipe(
    v.nullable(v.picklist(verifications)),
    v.description("Whether SHA-256 is the same on both sides; null when it was not asked for"),
  ),
  failures: v.pipe(v.array(failure), v.description("What could not be copied, and why")),
  moreFailures: v.pipe(count, v.description("Failures that are more than are listed")),
  changes: v.pipe(
    v.nullable(v.array(v.string())),
    v.description("Of a dry run, what it would do: + path to copy, - path to delete; null else"),
  ),
  durationMs: v.pipe(count, v.description("Milliseconds it took")),
};

export type Report = v.InferOutput<v.ObjectSchema<typeof reportFields, undefined>>;
type Common = v.InferOutput<
  v.StrictObjectSchema<typeof commonFields & { checksum: ReturnType<typeof flagField> }, undefined>
>;

/** The servers that the operands name, each once; what is no operand names none. */
export const serversOf = (words: readonly string[]): string[] => [
  ...new Set(words.flatMap((word) => serverOf(word) ?? [])),
];

const serverOf = (word: string): string | null => {
  const operand = operandOr(word);
  return operand !== null && "kind" in operand && operand.kind === "remote" ? operand.target : null;
};

const operandOr = (word: string): Operand | null => {
  try {
    return parseOperand(word);
  } catch {
    return null;
  }
};

/** @returns what is wrong with one operand, or nothing */
export const operandIssues = (field: string, word: string): Issue[] => {
  if (word.includes("\0")) return [{ field, message: "cannot hold a NUL character" }];
  if (word.length > longestPath) return [{ field, message: `must be at most ${longestPath} characters long` }];
  try {
    parseOperand(word);
    return [];
  } catch (thrown) {
    return [{ field, message: toSshMcpError(thrown).message }];
  }
};

export const commonIssues = (input: Common): Issue[] => {
  const { limit, parallel, timeout, exclude = [] } = input;
  const isCount = parallel === undefined || (Number.isInteger(parallel) && parallel >= 1 && parallel <= mostParallel);
  const isTime = timeout === undefined || (timeout > 0 && timeout <= longestSeconds);
  return [
    ...(limit === undefined ? [] : limitIssues(limit)),
    ...(isCount ? [] : [{ field: "parallel", message: `must be a whole number from 1 to ${mostParallel}` }]),
    ...(isTime ? [] : [{ field: "timeout", message: "must be more than 0 seconds and at most a day" }]),
    ...sudoIssues(input.sudo),
    ...(exclude.length > mostPatterns ? [{ field: "exclude", message: `must be at most ${mostPatterns} globs` }] : []),
    ...(exclude.some((glob) => glob === "" || glob.includes("\0"))
      ? [{ field: "exclude", message: "holds a glob that is empty, or has a NUL character" }]
      : []),
  ];
};

const limitIssues = (limit: string): Issue[] => {
  try {
    return parseSize(limit) > 0 ? [] : [{ field: "limit", message: "must be more than nothing" }];
  } catch (thrown) {
    return [{ field: "limit", message: toSshMcpError(thrown).message }];
  }
};

type Dialled = Pick<TransferRequest, "dial" | "become" | "parallel" | "limit" | "exclude" | "verify">;

/** The part of the request that both operations fill alike. */
export const commonRequest = (input: Common): Dialled => {
  const { destination: _, ...dial } = dialRequest("", input, input.connectTimeout);
  return {
    dial,
    become: becomeOf(input.sudo),
    parallel: input.parallel ?? null,
    limit: input.limit === undefined ? null : parseSize(input.limit),
    exclude: input.exclude ?? [],
    verify: input.checksum ?? false,
  };
};
