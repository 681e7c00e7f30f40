/** What the operations on paths of a server have in common. */
import * as v from "valibot";
import { type Become, isUserName } from "../core/command-form.ts";
import { type ErrorRecord, errorCodes, type SshMcpError, toSshMcpError } from "../core/errors.ts";
import { escapeLine } from "../core/escape.ts";
import { type FileFacts, fileTypes } from "../core/files/file-facts.ts";
import { modeText, octal, parseMode } from "../core/files/file-mode.ts";
import type { PathFacts } from "../core/files/path-actions.ts";
import type { RemoteMachine } from "../core/files/remote-files.ts";
import { remotePath } from "../core/files/remote-path.ts";
import type { Context, Issue } from "../core/operation.ts";
import type { Session } from "../core/session.ts";
import { count, sessionFields, timestamp } from "./fields.ts";
import { sessionOf } from "./job-fields.ts";

/** MCP clients give up after 60 s. */
const modelTimeoutMs = 50_000;
const longestPath = 4096;

export const targetField = v.pipe(
  v.string(),
  v.minLength(1),
  v.maxLength(1024),
  v.description("Session or destination"),
);
export const pathField = (description: string) => v.pipe(v.string(), v.description(description));
export const pathsField = v.pipe(v.array(v.string()), v.description("Paths on the server"));
/** What the instructions explain for models; a person is told here. */
export const sudoField = v.optional(
  v.pipe(
    v.union([v.boolean(), v.string()]),
    v.description("As root, or as the user behind =, from whose home directory paths are then meant"),
  ),
);
export const flagField = (description: string) => v.optional(v.pipe(v.boolean(), v.description(description)));

export const fileTypeField = v.pipe(v.picklist(fileTypes), v.description("What it is"));

const ownFacts = {
  type: fileTypeField,
  size: v.pipe(count, v.description("Bytes")),
  mode: v.pipe(v.nullable(v.string()), v.description("Permission bits in octal, as 0644; null where not said")),
  uid: v.pipe(v.nullable(count), v.description("User id of the owner; null where not said")),
  gid: v.pipe(v.nullable(count), v.description("Group id; null where not said")),
  mtime: v.pipe(v.nullable(timestamp), v.description("When its content changed, UTC; null where not said")),
};

/** What is told of a file. */
export const factFields = {
  ...ownFacts,
  linkTarget: v.pipe(v.nullable(v.string()), v.description("What a symbolic link says; null for everything else")),
};

export const statField = v.object({
  path: v.pipe(v.string(), v.description("The path as it was given")),
  ...factFields,
  target: v.pipe(
    v.nullable(v.object(ownFacts)),
    v.description("What a symbolic link leads to; null for nothing, and for everything else"),
  ),
});

export const failuresField = v.pipe(
  v.array(
    v.object({
      path: v.pipe(v.string(), v.description("The path as it was given")),
      code: v.pipe(v.picklist(errorCodes), v.description("What kind of failure it is")),
      message: v.pipe(v.string(), v.description("What happened")),
    }),
  ),
  v.description("Paths of which it was not done"),
);
export const doneField = v.pipe(v.array(v.string()), v.description("Paths of which it was done"));
export const sessionName = sessionFields.name;

export type StatFacts = v.InferOutput<typeof statField>;
type Failure = v.InferOutput<typeof failuresField>[number];

/** @param seconds whole seconds since the epoch; what no calendar has is null */
export const timeOf = (seconds: number | null): string | null =>
  seconds === null || Math.abs(seconds) > 8.64e12 ? null : new Date(seconds * 1000).toISOString();

export const toldFacts = ({
  type,
  size,
  mode,
  uid,
  gid,
  mtime,
}: FileFacts): v.InferOutput<v.ObjectSchema<typeof ownFacts, undefined>> => ({
  type,
  size,
  mode: mode === null ? null : octal(mode),
  uid,
  gid,
  mtime: timeOf(mtime),
});

export const statOf = (path: string, facts: PathFacts): StatFacts => ({
  path,
  ...toldFacts(facts),
  linkTarget: facts.linkTarget,
  target: facts.target === null ? null : toldFacts(facts.target),
});

export const becomeOf = (sudo: boolean | string | undefined): Become | null =>
  sudo === undefined || sudo === false ? null : { by: "sudo", user: sudo === true ? "root" : sudo };

/** @param field of the path, or of one of several */
export const pathIssues = (field: string, path: string): Issue[] => {
  if (path.includes("\0")) return [{ field, message: "cannot hold a NUL character" }];
  return path.length > longestPath ? [{ field, message: `must be at most ${longestPath} characters long` }] : [];
};

/** Of an operation that changes what the path names: it has to name something. */
export const namedIssues = (field: string, path: string): Issue[] => {
  if (path === "" || path === "~" || path === "~/")
    return [{ field, message: "is the home directory: name a path in it" }];
  return pathIssues(field, path);
};

export const sudoIssues = (sudo: boolean | string | undefined): Issue[] =>
  typeof sudo === "string" && !isUserName(sudo) ? [{ field: "sudo", message: "is no name of a user" }] : [];

export const modeIssues = (mode: string | undefined): Issue[] => {
  if (mode === undefined) return [];
  try {
    parseMode(mode);
    return [];
  } catch (thrown) {
    return [{ field: "mode", message: toSshMcpError(thrown).message }];
  }
};

interface Where {
  target: string;
  sudo?: boolean | string | undefined;
}

/** The session, and what was done with its files. */
export const onFiles = async <T>(
  input: Where,
  label: string,
  context: Context,
  use: (machine: RemoteMachine, session: Session) => Promise<T>,
): Promise<{ target: string; value: T }> => {
  const session = await sessionOf(input.target, context);
  const timeoutMs = context.caller.face === "mcp" ? modelTimeoutMs : null;
  const request = { label, become: becomeOf(input.sudo), timeoutMs };
  const value = await session.files(request, context, (machine) => use(machine, session));
  return { target: session.info.name, value };
};

/** The home directory of whoever logged in, which is not that of `sudo`'s user; none where that is nobody else. */
export const loginHomes = async (input: Where, context: Context): Promise<string[]> => {
  if (becomeOf(input.sudo) === null) return [];
  const plain = { target: input.target };
  return [(await onFiles(plain, "home directory", context, ({ files }) => files.resolve("."))).value];
};

/**
 * Each path in turn. What failed is told, and the others are done, as rm(1) and mkdir(1) have it.
 * @throws SshMcpError the first failure, where nothing was done; and at once whatever ends the call or the connection
 */
export const eachPath = async <T>(
  paths: readonly string[],
  context: Context,
  act: (path: string, given: string) => Promise<T>,
): Promise<{ done: T[]; failures: Failure[] }> => {
  const done: T[] = [];
  const failures: Failure[] = [];
  let first: SshMcpError | null = null;
  for (const given of paths) {
    context.signal.throwIfAborted();
    try {
      done.push(await act(remotePath(given), given));
    } catch (thrown) {
      const error = toSshMcpError(thrown);
      if (endsAll.has(error.code) || paths.length === 1) throw error;
      first ??= error;
      failures.push({ path: given, code: error.code, message: error.message });
    }
  }
  if (first !== null && done.length === 0) {
    for (const { message } of failures.slice(1)) context.notice(message);
    throw first;
  }
  for (const { message } of failures) context.notice(message);
  return { done, failures };
};

const endsAll: ReadonlySet<ErrorRecord["code"]> = new Set([
  "CANCELED",
  "CONNECTION_LOST",
  "OUTCOME_UNKNOWN",
  "TIMEOUT",
  "PROTOCOL_ERROR",
  "INTERNAL",
  "UNSUPPORTED",
]);

/** What failed is on standard error, each with its reason. */
export const failedLines = (failures: readonly Failure[]): string[] =>
  failures.length === 0 ? [] : [`failed: ${failures.map(({ path }) => escapeLine(path)).join(", ")}`];

/** One line, as `ls -l` has it. */
export const factsLine = (facts: Omit<StatFacts, "path" | "target" | "linkTarget">): string =>
  [
    modeText(facts.type, facts.mode === null ? null : Number.parseInt(facts.mode, 8)),
    `${facts.uid ?? "?"}:${facts.gid ?? "?"}`,
    String(facts.size),
    facts.mtime ?? "?",
  ].join(" ");

/** A file in words: facts, name, and where a link leads. */
export const statText = ({ path, target, linkTarget, ...facts }: StatFacts): string =>
  [
    `${escapeLine(path === "" ? "~" : path)}: ${facts.type}, mode ${facts.mode ?? "unknown"}, ${factsLine(facts)}`,
    ...(linkTarget === null
      ? []
      : [
          `-> ${escapeLine(linkTarget)}${target === null ? ", which is not there" : `, ${target.type}, ${factsLine(target)}`}`,
        ]),
  ].join("\n  ");
