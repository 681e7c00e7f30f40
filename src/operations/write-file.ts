import * as v from "valibot";
import { SshMcpError } from "../core/errors.ts";
import { escapeLine, shown } from "../core/escape.ts";
import { appendTo, writeAtomically } from "../core/files/atomic-write.ts";
import { octal } from "../core/files/file-mode.ts";
import { makeDirectories } from "../core/files/path-actions.ts";
import type { RemoteMachine } from "../core/files/remote-files.ts";
import { parentOf, remotePath } from "../core/files/remote-path.ts";
import { type Context, defineOperation } from "../core/operation.ts";
import type { SessionInfo } from "../core/session.ts";
import { count, sessionFields } from "./fields.ts";
import { expectSha256, HashedBytes } from "./file-hash.ts";
import { onFiles } from "./path-fields.ts";
import { howToRead } from "./text-fields.ts";
import { contentOf, type WriteInput, writeFileFields, writeIssues } from "./write-rules.ts";
import { type Check, inLine, lineOf, presentSha256, replacing } from "./written-once.ts";

const description =
  "Write a file on a server, whole or not at all: it is replaced in one step, and keeps mode and owner.";

const advice = "To change a part use ssh_edit_file.";

const manual = `The content is standard input, of any size: ssh-mcp write web:notes.txt <notes.txt. The file is written beside its name and takes its place when all of it is there, so an input that breaks leaves the old one. PATH is meant from the home directory; a symbolic link stays, and what it leads to is written.
--append adds to the end in place: whoever reads meanwhile may see a part, and a file that is there keeps its mode. --if-sha256 and --if-absent refuse, with PRECONDITION_FAILED and ALREADY_EXISTS, to overwrite what somebody else wrote.
What a rename cannot keep is lost: further hard links, access control lists and extended attributes stay with the old file.`;

const output = v.object({
  target: sessionFields.name,
  path: v.pipe(v.string(), v.description("The path as it was given")),
  bytes: v.pipe(count, v.description("Bytes that were written")),
  created: v.pipe(v.boolean(), v.description("Whether there was no file before")),
  sha256: v.pipe(v.nullable(v.string()), v.description("Of the whole file; null after append")),
  mode: v.pipe(v.nullable(v.string()), v.description("Permission bits in octal, as 0644; null where not said")),
});

type Written = Omit<v.InferOutput<typeof output>, "target" | "path">;

export const writeFile = defineOperation({
  name: "write-file",
  command: "write",
  tool: "ssh_write_file",
  faces: ["cli", "mcp"],
  title: "Write a file on a server",
  description,
  manual,
  brief: {
    ...{ target: "", path: "", content: "", contentBase64: "", append: "", mode: "", parents: "" },
    ...{ ifAbsent: "", ifSha256: "", sudo: "" },
  },
  advice,
  effect: "write",
  replaces: true,
  idempotent: false,
  remote: true,
  input: v.strictObject(writeFileFields),
  output,
  validate: writeIssues,
  operand: { target: "target", path: "path" },
  positionals: ["target", "path"],
  rest: null,
  durations: [],
  target: "target",
  streams: "input",
  cliOnly: [],
  run: async (input, context) => {
    const content = new HashedBytes(contentOf(input, context));
    const path = remotePath(input.path);
    const { target, value } = await onFiles(input, `write ${input.path}`, context, (machine, { info }) =>
      written(machine, input, path, content, context, info),
    );
    return { target, path: input.path, ...value };
  },
  render: ({ target, path, bytes, created, sha256, mode }) =>
    [
      `${created ? "created" : "wrote"} ${escapeLine(path)} on ${target}: ${bytes} bytes`,
      ...(mode === null ? [] : [`mode ${mode}`]),
      ...(sha256 === null ? [] : [`sha256 ${sha256}`]),
    ].join(", "),
});

const written = async (
  { files }: RemoteMachine,
  input: WriteInput,
  path: string,
  content: HashedBytes,
  context: Context,
  info: SessionInfo,
): Promise<Written> => {
  const wanted = input.mode === undefined ? null : Number.parseInt(input.mode, 8);
  if (input.parents === true && parentOf(path) !== "") await makeDirectories(files, parentOf(path), null, true);
  const create = input.ifAbsent === true ? "new" : input.ifSha256 === undefined ? "any" : "existing";
  const write = async (checked: { check: Check } | { turn: () => Promise<void> }): Promise<Written> => {
    if (input.append === true) {
      const { created } = await appendTo(files, path, content, { mode: wanted, create, ...checked });
      const mode = (await files.stat(path))?.mode ?? null;
      return { bytes: content.bytes, created, sha256: null, mode: mode === null ? null : octal(mode) };
    }
    const done = await writeAtomically(files, path, content, { mode: wanted, create, ...checked });
    if (!done.ownerKept)
      context.notice(`${shown(path)} has another owner or group now: this user may not give it back`);
    const mode = done.mode ?? (await files.stat(done.path))?.mode ?? null;
    return {
      bytes: done.bytes,
      created: done.created,
      sha256: content.digest(),
      mode: mode === null ? null : octal(mode),
    };
  };
  const finding = lineOf(info, files, path);
  if (input.ifSha256 === undefined) return await inLine(finding, context, (turn) => write({ turn }));
  const [before, line] = await Promise.all([present(files, path), finding]);
  const hint = howToRead(input, context);
  expectSha256(input.path, input.ifSha256, before?.sha256 ?? null, hint);
  return await replacing({ files, path, before, line, hint }, context, (check) => write({ check }));
};

const present = async (files: RemoteMachine["files"], path: string) => {
  const facts = await files.stat(path);
  if (facts === null) return null;
  if (facts.type !== "file")
    throw new SshMcpError("REMOTE_IO", `${shown(path)} is no regular file but a ${facts.type}`);
  return { facts, sha256: await presentSha256(files, path, Number.POSITIVE_INFINITY) };
};
