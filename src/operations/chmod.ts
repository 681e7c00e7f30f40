import * as v from "valibot";
import { SshMcpError } from "../core/errors.ts";
import { escapeLine, shown } from "../core/escape.ts";
import { octal, parseMode } from "../core/files/file-mode.ts";
import { missing } from "../core/files/path-actions.ts";
import type { RemoteFiles } from "../core/files/remote-files.ts";
import { defineOperation } from "../core/operation.ts";
import {
  eachPath,
  failedLines,
  failuresField,
  modeIssues,
  namedIssues,
  onFiles,
  pathField,
  pathsField,
  sessionName,
  sudoField,
  sudoIssues,
  targetField,
} from "./path-fields.ts";

const description = `Set the permission bits of files on a server: octal digits, or changes in letters, as u+x,go-w.
Of a symbolic link, those of what it leads to.`;

export const chmod = defineOperation({
  name: "chmod",
  command: "chmod",
  tool: "ssh_chmod",
  faces: ["cli"],
  title: "Set permission bits on a server",
  description,
  manual:
    "A mode that begins with a dash stands behind --, or is written with its letters: a-x. Where no letter says whom, the umask is taken for 022. For whole trees: ssh-mcp exec TARGET -- chmod -R.",
  advice: "",
  effect: "write",
  idempotent: true,
  remote: true,
  input: v.strictObject({
    mode: pathField("0644, or as u+x,go-w"),
    target: targetField,
    paths: pathsField,
    sudo: sudoField,
  }),
  output: v.object({
    target: sessionName,
    changed: v.pipe(
      v.array(
        v.object({
          path: v.pipe(v.string(), v.description("The path as it was given")),
          mode: v.pipe(v.string(), v.description("Permission bits that it has now, in octal")),
        }),
      ),
      v.description("What was changed"),
    ),
    failures: failuresField,
  }),
  validate: ({ mode, paths, sudo }) => [
    ...modeIssues(mode),
    ...paths.flatMap((path) => namedIssues("paths", path)),
    ...sudoIssues(sudo),
  ],
  operand: { target: "target", path: "paths" },
  positionals: ["mode", "target"],
  rest: "paths",
  durations: [],
  target: "target",
  streams: "none",
  cliOnly: [],
  run: async (input, context) => {
    const { target, value } = await onFiles(
      input,
      `chmod ${input.mode} ${input.paths.join(" ")}`,
      context,
      ({ files }) =>
        eachPath(input.paths, context, async (path, given) => ({
          path: given,
          mode: octal(await changeMode(files, path, input.mode)),
        })),
    );
    return { target, changed: value.done, failures: value.failures };
  },
  render: ({ target, changed, failures }) =>
    [
      ...changed.map(({ path, mode }) => `mode ${mode} of ${target}:${escapeLine(path)}`),
      ...failedLines(failures),
    ].join("\n"),
  succeeded: ({ failures }) => failures.length === 0,
});

/**
 * @param text as `parseMode` takes it
 * @returns the new permission bits
 * @throws SshMcpError NOT_FOUND, UNSUPPORTED where a server does not say the present ones, and as RemoteFiles
 */
export const changeMode = async (files: RemoteFiles, path: string, text: string): Promise<number> => {
  const { change, needsMode } = parseMode(text);
  const facts = needsMode ? await files.stat(path) : null;
  if (needsMode && facts === null) throw missing(path);
  if (needsMode && facts?.mode == null) {
    throw new SshMcpError(
      "UNSUPPORTED",
      `the server does not say what mode ${shown(path)} has: give it in octal digits`,
    );
  }
  const mode = change(facts?.mode ?? 0, facts?.type === "directory");
  await files.change(path, { mode });
  return mode;
};
