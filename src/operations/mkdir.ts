import * as v from "valibot";
import { escapeLine } from "../core/escape.ts";
import { parseMode } from "../core/files/file-mode.ts";
import { makeDirectories } from "../core/files/path-actions.ts";
import { defineOperation } from "../core/operation.ts";
import {
  doneField,
  eachPath,
  failedLines,
  failuresField,
  flagField,
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

const description =
  "Make directories on a server. One that is there is an error (ALREADY_EXISTS), but with --parents, which makes the directories above it too.";

/** What a mode in letters begins from, as for mkdir(1). */
export const wholeMode = 0o777;

export const mkdir = defineOperation({
  name: "mkdir",
  command: "mkdir",
  tool: "ssh_mkdir",
  faces: ["cli"],
  title: "Make directories on a server",
  description,
  advice: "",
  effect: "write",
  idempotent: false,
  remote: true,
  input: v.strictObject({
    target: targetField,
    paths: pathsField,
    parents: flagField("Make the directories above it too; one that is there is no error"),
    mode: v.optional(pathField("Permission bits: 0750, or as u=rwx,go=rx (default: the server's)")),
    sudo: sudoField,
  }),
  output: v.object({ target: sessionName, made: doneField, failures: failuresField }),
  validate: ({ paths, mode, sudo }) => [
    ...paths.flatMap((path) => namedIssues("paths", path)),
    ...modeIssues(mode),
    ...sudoIssues(sudo),
  ],
  operand: { target: "target", path: "paths" },
  letters: { parents: "p", mode: "m" },
  positionals: ["target"],
  rest: "paths",
  durations: [],
  target: "target",
  streams: "none",
  cliOnly: [],
  run: async (input, context) => {
    const { paths, parents = false, mode } = input;
    const bits = mode === undefined ? null : parseMode(mode).change(wholeMode, true);
    const { target, value } = await onFiles(input, `mkdir ${paths.join(" ")}`, context, ({ files }) =>
      eachPath(paths, context, async (path, given) => {
        await makeDirectories(files, path, bits, parents);
        return given;
      }),
    );
    return { target, made: value.done, failures: value.failures };
  },
  render: ({ target, made, failures }) =>
    [...made.map((path) => `made ${target}:${escapeLine(path)}`), ...failedLines(failures)].join("\n"),
  succeeded: ({ failures }) => failures.length === 0,
});
