import * as v from "valibot";
import { factsOf } from "../core/files/path-actions.ts";
import { defineOperation } from "../core/operation.ts";
import {
  eachPath,
  failedLines,
  failuresField,
  onFiles,
  pathIssues,
  pathsField,
  sessionName,
  statField,
  statOf,
  statText,
  sudoField,
  sudoIssues,
  targetField,
} from "./path-fields.ts";

const description =
  "Show what a path on a server is: type, size, mode, owner, time; of a symbolic link, what it says and what it leads to. NOT_FOUND when nothing is there.";

export const stat = defineOperation({
  name: "stat",
  command: "stat",
  tool: "ssh_stat",
  faces: ["cli"],
  title: "Tell what a path on a server is",
  description,
  advice: "",
  effect: "read",
  idempotent: true,
  remote: true,
  input: v.strictObject({ target: targetField, paths: pathsField, sudo: sudoField }),
  output: v.object({
    target: sessionName,
    files: v.pipe(v.array(statField), v.description("One entry per path")),
    failures: failuresField,
  }),
  validate: ({ paths, sudo }) => [...paths.flatMap((path) => pathIssues("paths", path)), ...sudoIssues(sudo)],
  operand: { target: "target", path: "paths" },
  positionals: ["target"],
  rest: "paths",
  durations: [],
  target: "target",
  streams: "none",
  cliOnly: [],
  run: async (input, context) => {
    const { target, value } = await onFiles(input, `stat ${input.paths.join(" ")}`, context, ({ files }) =>
      eachPath(input.paths, context, async (path, given) => statOf(given, await factsOf(files, path))),
    );
    return { target, files: value.done, failures: value.failures };
  },
  render: ({ target, files, failures }) =>
    [...files.map(statText), ...failedLines(failures), `on ${target}`].join("\n"),
  succeeded: ({ failures }) => failures.length === 0,
});
