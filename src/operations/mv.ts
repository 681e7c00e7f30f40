import * as v from "valibot";
import { SshMcpError } from "../core/errors.ts";
import { escapeLine, shown } from "../core/escape.ts";
import { movePath } from "../core/files/path-actions.ts";
import { commandOn, sudoOption } from "../core/files/path-operand.ts";
import type { RemoteFiles } from "../core/files/remote-files.ts";
import { joined, remotePath } from "../core/files/remote-path.ts";
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
  advice: "",
  effect: "destructive",
  idempotent: false,
  remote: true,
  input: v.strictObject({
    target: targetField,
    paths: v.pipe(
      v.array(v.string()),
      v.description("What is moved, and at last the new name, or the directory it goes into; all on one server"),
    ),
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
    const to = remotePath(paths.at(-1) ?? "");
    const { target, value } = await onFiles(input, `mv ${paths.join(" ")}`, context, async ({ files }) => {
      // Several have one place to go to: a directory.
      const place = sources.length > 1 ? await directory(files, to) : to;
      return await eachPath(sources, context, async (path, given) => {
        try {
          return { from: given, to: await movePath(files, path, place, force) };
        } catch (thrown) {
          throw await hinted(thrown, { input, files, from: path, to: place });
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

/** Where several go. @throws SshMcpError NOT_FOUND for what is no directory */
const directory = async (files: RemoteFiles, path: string): Promise<string> => {
  const facts = await files.stat(path === "" ? "." : path);
  if (facts?.type === "directory") return path;
  throw new SshMcpError("NOT_FOUND", `the last of several paths, ${shown(path)}, is no directory on the server`);
};

interface Move {
  input: Parameters<typeof mv.run>[0];
  files: RemoteFiles;
  from: string;
  to: string;
}

/** SFTP does not say that it is another file system; the server's own mv moves across them. */
const hinted = async (thrown: unknown, { input, files, from, to }: Move): Promise<unknown> => {
  if (!(thrown instanceof SshMcpError) || thrown.hint !== null) return thrown;
  const { code, message } = thrown;
  if (code === "ALREADY_EXISTS") {
    return new SshMcpError(code, message, { hint: commandOn(input, ["mv", "-f"], from, to) });
  }
  if (code !== "REMOTE_IO") return thrown;
  try {
    // A command run as somebody else begins in another directory than paths are meant from.
    const home = await files.resolve(".");
    const [source, place] = [from, to].map((path) => (path.startsWith("/") ? path : joined(home, path)));
    // Word by word: exec hands a line to the server's shell, which would split the names.
    const words = ["mv", input.force === true ? "-f" : "-n", "--", source ?? "", place ?? ""];
    const hint = `ssh-mcp exec ${sudoOption(input)}--argv ${quoteWords([input.target, "--", ...words])}`;
    return new SshMcpError(code, message, { hint });
  } catch {
    return thrown;
  }
};
