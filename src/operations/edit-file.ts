import * as v from "valibot";
import { SshMcpError } from "../core/errors.ts";
import { escapeLine, escapeText, shown } from "../core/escape.ts";
import { writeAtomically } from "../core/files/atomic-write.ts";
import type { FileFacts } from "../core/files/file-facts.ts";
import { missing } from "../core/files/path-actions.ts";
import type { RemoteMachine } from "../core/files/remote-files.ts";
import { remotePath } from "../core/files/remote-path.ts";
import { type Change, changedLines, editFile as edited } from "../core/files/text/edit-text.ts";
import { type Context, defineOperation, type Issue } from "../core/operation.ts";
import type { SessionInfo } from "../core/session.ts";
import { count, sessionFields } from "./fields.ts";
import { expectSha256, sha256 } from "./file-hash.ts";
import { openFile } from "./opened-file.ts";
import { flagField, namedIssues, onFiles, sudoField, sudoIssues } from "./path-fields.ts";
import { howToRead, remoteField, targetIssues } from "./text-fields.ts";
import { once, shaIssues } from "./write-rules.ts";
import { ChangedMeanwhile, enter, lineOf, replacing } from "./written-once.ts";

const description = "Edit a text file: exact replacements or a unified diff, all or none; returns the diff.";

const advice = "Each old occurs once, unless all.";

const manual = `Without --edits and --diff the file is opened in $VISUAL or $EDITOR, else vi, as a copy in a private directory, and written back when it was changed; a file that is not there is made. When somebody else has changed it meanwhile, it is left alone, and the copy is kept.
--diff takes a unified diff, as diff -u and git diff write it, from a file, or from standard input with -. --edits takes JSON: --edits '{"old": "a", "new": "b"}', as often as wanted; each is applied to the result of the one before.
Line endings, the encoding, a byte order mark and a missing newline at the end stay as they are: \\n of an edit stands for what the file has.`;

/** Bytes of the largest file: it is held in memory, more than once. */
const largestFile = 4 * 1024 * 1024;
/** Bytes of all edits, or of the diff: they fit into one message to the broker. */
export const longestEdits = 512 * 1024;
const mostEdits = 1000;
/** Characters of the diff in an answer. */
const longestDiff = 32 * 1024;

const text = (description: string) => v.pipe(v.string(), v.description(description));

const input = v.strictObject({
  ...remoteField,
  edits: v.optional(
    v.pipe(
      v.array(v.strictObject({ old: text("Now"), new: text("Then"), all: flagField("Every") })),
      v.description('An exact replacement, as JSON: {"old": …, "new": …, "all": true}'),
    ),
  ),
  diff: v.optional(text("Apply this unified diff: a file, - for standard input, or the diff itself")),
  ifSha256: v.optional(text("Fail unless the file has this SHA-256 now")),
  dryRun: flagField("Write nothing; show what would change"),
  sudo: sudoField,
});

type Input = v.InferOutput<typeof input>;

const output = v.object({
  target: sessionFields.name,
  path: v.pipe(v.string(), v.description("The path as it was given")),
  changed: v.pipe(v.boolean(), v.description("Whether the file is another now, or would be")),
  written: v.pipe(
    v.boolean(),
    v.description("Whether it was written: not for a dry run, and not when nothing changed"),
  ),
  created: v.pipe(v.boolean(), v.description("Whether there was no file before")),
  applied: v.pipe(count, v.description("Places that were replaced, or hunks that were applied")),
  offsets: v.pipe(
    v.array(v.pipe(v.number(), v.integer())),
    v.description("Of each hunk, how many lines from where it says it was found; empty for edits"),
  ),
  diff: v.pipe(v.string(), v.description("What changed, as diff -u; empty for nothing")),
  cut: v.pipe(v.boolean(), v.description("Whether the end of the diff was left out")),
  bytes: v.pipe(count, v.description("Bytes of the file then")),
  sha256: v.pipe(v.string(), v.description("Of the file then")),
});

type Edited = Omit<v.InferOutput<typeof output>, "target" | "path">;

const issuesOf = (given: Input): Issue[] => {
  const { edits, diff } = given;
  const size = edits?.reduce((sum, each) => sum + each.old.length + each.new.length, 0) ?? diff?.length ?? 0;
  return [
    ...targetIssues(given.target),
    ...namedIssues("path", given.path),
    ...(edits === undefined && diff === undefined ? [{ field: "edits", message: "is required, or {diff}" }] : []),
    ...(edits !== undefined && diff !== undefined
      ? [{ field: "diff", message: "cannot be given beside {edits}" }]
      : []),
    ...(edits !== undefined && (edits.length === 0 || edits.length > mostEdits)
      ? [{ field: "edits", message: `must be 1 to ${mostEdits}` }]
      : []),
    ...(size > longestEdits
      ? [{ field: diff === undefined ? "edits" : "diff", message: `must be at most ${longestEdits} characters` }]
      : []),
    ...shaIssues(given.ifSha256),
    ...sudoIssues(given.sudo),
  ];
};

export const editFile = defineOperation({
  name: "edit-file",
  command: "edit",
  tool: "ssh_edit_file",
  faces: ["cli", "mcp"],
  title: "Edit a text file on a server",
  description,
  manual,
  brief: { target: "", path: "", edits: "", diff: "Unified", ifSha256: "", dryRun: "", sudo: "" },
  advice,
  effect: "write",
  replaces: true,
  idempotent: false,
  remote: true,
  input,
  output,
  validate: issuesOf,
  operand: { target: "target", path: "path" },
  positionals: ["target", "path"],
  rest: null,
  durations: [],
  target: "target",
  streams: "none",
  cliOnly: [],
  run: async (given, context) => {
    const path = remotePath(given.path);
    const { target, value } = await onFiles(given, `edit ${given.path}`, context, (machine, { info }) =>
      editedNow(machine, given, path, info, context),
    );
    return { target, path: given.path, ...value };
  },
  render: ({ target, path, ...result }) => {
    const name = `${escapeLine(path)} on ${target}`;
    if (!result.changed) return `${name} is as the edit would have it: nothing was written`;
    const did = result.written ? (result.created ? "created" : "edited") : "would change";
    const away = result.offsets.some((offset) => offset !== 0) ? `, found ${result.offsets.join(", ")} lines away` : "";
    const facts = `${result.applied} applied${away}, ${result.bytes} bytes, sha256 ${result.sha256}`;
    return `${did} ${name}: ${facts}\n${escapeText(result.diff)}${result.cut ? "[… the rest of the diff is left out …]" : ""}`;
  },
});

/** How often an edit is done anew when others, whom no line holds, change the file meanwhile. */
const mostLooks = 4;

/** Edits of other places of a file do not hinder each other: who finds it changed looks again, first in line then. */
const editedNow = async (
  machine: RemoteMachine,
  given: Input,
  path: string,
  info: SessionInfo,
  context: Context,
): Promise<Edited> => {
  const edit = (isFirst: boolean): Promise<Edited> => editOn(machine, given, path, info, context, isFirst);
  try {
    return await edit(false);
  } catch (thrown) {
    if (!isToRepeat(thrown, given)) throw thrown;
  }
  const leave = await enter(await lineOf(info, machine.files, path), context);
  try {
    for (let looks = 2; ; looks++) {
      try {
        return await edit(true);
      } catch (thrown) {
        if (looks >= mostLooks || !isToRepeat(thrown, given)) throw thrown;
      }
    }
  } finally {
    leave();
  }
};

/** An edit of one certain content is not one of another. */
const isToRepeat = (thrown: unknown, { ifSha256 }: Input): boolean =>
  thrown instanceof ChangedMeanwhile && ifSha256 === undefined;

const editOn = async (
  machine: RemoteMachine,
  given: Input,
  path: string,
  info: SessionInfo,
  context: Context,
  isFirst: boolean,
): Promise<Edited> => {
  const reading = contentBefore(machine, given, path, context);
  const [before, line] = await Promise.all([reading, lineOf(info, machine.files, path)]);
  const hashBefore = before === null ? null : sha256(before.bytes);
  const hint = howToRead(given, context);
  expectSha256(given.path, given.ifSha256, hashBefore, hint);
  const change: Change = given.edits === undefined ? { diff: given.diff ?? "" } : { edits: given.edits };
  const done = await unhurried(edited(given.path, before?.bytes ?? null, change), context.signal);
  const shownPath = escapeLine(given.path);
  const names = { before: before === null ? "/dev/null" : shownPath, after: shownPath };
  const { diff, cut } = await unhurried(changedLines(done, names, longestDiff), context.signal);
  const changed = done.before !== done.after || before === null;
  const result = {
    ...{
      changed,
      written: false,
      created: before === null,
      applied: done.applied,
      offsets: [...done.offsets],
      diff,
      cut,
    },
    ...{ bytes: done.bytes.length, sha256: sha256(done.bytes) },
  };
  if (!changed || given.dryRun === true) return result;
  const known = before === null || hashBefore === null ? null : { facts: before.facts, sha256: hashBefore };
  const create = before === null ? "new" : "existing";
  const replaced = { files: machine.files, path, before: known, line, isFirst, hint };
  const { ownerKept } = await replacing(replaced, context, (check) =>
    writeAtomically(machine.files, path, once(done.bytes), { mode: null, create, check }),
  );
  if (!ownerKept) context.notice(`${shown(path)} has another owner or group now: this user may not give it back`);
  return { ...result, written: true };
};

interface Before {
  facts: FileFacts;
  bytes: Uint8Array;
}

/** Null for a file that is not there, where a diff may make it. @throws SshMcpError NOT_FOUND, TOO_LARGE, and as RemoteFiles */
const contentBefore = async (
  machine: RemoteMachine,
  given: Input,
  path: string,
  context: Context,
): Promise<Before | null> => {
  const place = { target: given.target, sudo: given.sudo, given: given.path, path };
  const opened = await openFile(machine, place, context).catch((thrown: unknown) => {
    const isMissing = thrown instanceof SshMcpError && thrown.code === "NOT_FOUND";
    if (isMissing && given.diff !== undefined && given.ifSha256 === undefined) return null;
    throw isMissing && given.ifSha256 === undefined ? missing(path) : thrown;
  });
  if (opened === null) return null;
  const { file } = opened;
  try {
    // The size of what was opened, which is replaced later only if it is still so.
    const chunks: Uint8Array[] = [];
    let size = 0;
    const facts = file.facts();
    facts.catch(() => undefined);
    for await (const chunk of file.read(0, null)) {
      chunks.push(chunk);
      size += chunk.length;
      if (size > largestFile) throw tooLarge(given.path);
    }
    return {
      facts: { ...(await facts), size },
      bytes: chunks.length === 1 && chunks[0] !== undefined ? chunks[0] : Buffer.concat(chunks),
    };
  } finally {
    file.close();
  }
};

const tooLarge = (path: string): SshMcpError =>
  new SshMcpError(
    "TOO_LARGE",
    `${shown(path)} is larger than the ${largestFile / 1024 / 1024} MiB that can be edited so`,
    {
      hint: "edit it there, with sed or ed",
    },
  );

/** Milliseconds of the broker's loop at once. */
const longestStep = 5;

/** Lets others have the loop whenever it has taken some of its time. @throws what the signal was aborted with */
const unhurried = async <T>(steps: Generator<void, T, void>, signal: AbortSignal): Promise<T> => {
  let since = performance.now();
  for (let step = steps.next(); ; step = steps.next()) {
    if (step.done === true) return step.value;
    if (performance.now() - since < longestStep) continue;
    await new Promise((resolve) => setTimeout(resolve, 0));
    signal.throwIfAborted();
    since = performance.now();
  }
};
