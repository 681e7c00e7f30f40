import * as v from "valibot";
import { SshMcpError } from "../core/errors.ts";
import { escapeLine } from "../core/escape.ts";
import { movePath } from "../core/files/path-actions.ts";
import type { RemoteFiles } from "../core/files/remote-files.ts";
import { remotePath } from "../core/files/remote-path.ts";
import { defineOperation } from "../core/operation.ts";
import { quoteWords } from "../core/quote.ts";
import {
  eachPath,
  failedLines,
  failuresField,
  flagField,
  namedIssues,
  onFiles,
  pathIssues,
  pathsField,
  sessionName,
  sudoField,
  sudoIssues,
  targetField,
} from "./path-fields.ts";

const description = `Rename files and directories on a server, or move them into a directory that is there: the last word says where to.
A name that is there is an error (ALREADY_EXISTS) without --force. Between servers, cp copies.`;

export const mv = defineOperation({
  name: "mv",
  command: "mv",
  tool: "ssh_mv",
  faces: ["cli"],
  title: "Rename or move files on a server",
  description,
  manual:
    "A file moves in one step, within one file system. Across file systems run mv on the server: ssh-mcp exec TARGET -- mv.",
  help: { paths: "What is moved, and at last the new name, or the directory it goes into; all on one server" },
  advice: "",
  effect: "destructive",
  idempotent: false,
  remote: true,
  input: v.strictObject({
    target: targetField,
    paths: pathsField,
    force: flagField("Replace a file that has the new name"),
    sudo: sudoField,
  }),
  output: v.object({
    target: sessionName,
    moved: v.pipe(
      v.array(
        v.object({
          from: v.pipe(v.string(), v.description("The path as it was given")),
          to: v.pipe(v.string(), v.description("Where it is now")),
        }),
      ),
      v.description("What was moved"),
    ),
    failures: failuresField,
  }),
  validate: ({ paths, sudo }) => [
    ...(paths.length < 2 ? [{ field: "paths", message: "must be two or more: what is moved, and where to" }] : []),
    ...paths.slice(0, -1).flatMap((path) => namedIssues("paths", path)),
    ...pathIssues("paths", paths.at(-1) ?? ""),
    ...sudoIssues(sudo),
  ],
  operand: { target: "target", path: "paths" },
  letters: { force: "f" },
  positionals: ["target"],
  rest: "paths",
  durations: [],
  target: "target",
  streams: "none",
  cliOnly: [],
  run: async (input, context) => {
    const { paths, force = false } = input;
    const sources = paths.slice(0, -1);
    const to = remotePath(paths.at(-1) ?? "", context.caller);
    const { target, value } = await onFiles(input, `mv ${paths.join(" ")}`, context, async ({ files }) => {
      // Several have one place to go to: a directory.
      const place = sources.length > 1 ? await directory(files, to) : to;
      return await eachPath(sources, context, async (path, given) => {
        try {
          return { from: given, to: await movePath(files, path, place, force) };
        } catch (thrown) {
          throw hinted(thrown, input.target, path, place);
        }
      });
    });
    return { target, moved: value.done, failures: value.failures };
  },
  render: ({ target, moved, failures }) =>
    [
      ...moved.map(({ from, to }) => `moved ${target}:${escapeLine(from)} to ${escapeLine(to)}`),
      ...failedLines(failures),
    ].join("\n"),
  succeeded: ({ failures }) => failures.length === 0,
});

/** Its name with a slash: what is no directory is refused. */
const directory = async (files: RemoteFiles, path: string): Promise<string> => {
  const facts = await files.stat(path === "" ? "." : path);
  if (facts?.type === "directory") return path;
  throw new SshMcpError("NOT_FOUND", `the last of several paths is no directory on the server`);
};

/** SFTP does not say that it is another file system; sh moves across them. */
const hinted = (thrown: unknown, target: string, from: string, to: string): unknown => {
  if (!(thrown instanceof SshMcpError) || thrown.hint !== null) return thrown;
  const { code, message } = thrown;
  if (code === "ALREADY_EXISTS") {
    return new SshMcpError(code, message, {
      hint: `ssh-mcp mv -f ${quoteWords([`${target}:${from}`, `${target}:${to}`])}`,
    });
  }
  if (code !== "REMOTE_IO") return thrown;
  const words = quoteWords(["mv", "--", from, to === "" ? "." : to]);
  return new SshMcpError(code, message, { hint: `ssh-mcp exec ${quoteWords([target])} -- ${words}` });
};
