import * as v from "valibot";
import { escapeLine } from "../core/escape.ts";
import { linkPath } from "../core/files/path-actions.ts";
import { remotePath } from "../core/files/remote-path.ts";
import { defineOperation } from "../core/operation.ts";
import {
  flagField,
  namedIssues,
  onFiles,
  pathField,
  sessionName,
  sudoField,
  sudoIssues,
  targetField,
} from "./path-fields.ts";

const description =
  "Make a symbolic link on a server: TARGET:PATH says SAYS, a path as the server reads it from the link's own directory. A name that is there is an error (ALREADY_EXISTS) without --force.";

export const ln = defineOperation({
  name: "ln",
  command: "ln",
  tool: "ssh_ln",
  faces: ["cli"],
  title: "Make a symbolic link on a server",
  description,
  manual:
    "As in ln -s releases/42 web:app/current. In a directory that is there the link gets the last name of what it says.",
  advice: "",
  effect: "write",
  idempotent: false,
  remote: true,
  input: v.strictObject({
    says: pathField("What the link says: a path on the same server, which need not be there"),
    target: targetField,
    path: pathField("The link"),
    symbolic: flagField("A symbolic link, which is the only kind there is"),
    force: flagField("Replace a file or link that has the name"),
    sudo: sudoField,
  }),
  output: v.object({
    target: sessionName,
    path: v.pipe(v.string(), v.description("The link")),
    says: v.pipe(v.string(), v.description("What it says")),
  }),
  validate: ({ says, target, path, symbolic, sudo }) => [
    ...(symbolic === true ? [] : [{ field: "symbolic", message: "is needed: no hard links are made" }]),
    ...(says === "" || says.includes("\0") ? [{ field: "says", message: "is empty, or holds a NUL character" }] : []),
    ...(says.startsWith(`${target}:`)
      ? [{ field: "says", message: "is a path on the same server: leave out the server's name" }]
      : []),
    ...namedIssues("path", path),
    ...sudoIssues(sudo),
  ],
  operand: { target: "target", path: "path" },
  letters: { symbolic: "s", force: "f" },
  positionals: ["says", "target", "path"],
  rest: null,
  durations: [],
  target: "target",
  streams: "none",
  cliOnly: [],
  run: async (input, context) => {
    const { says, path, force = false } = input;
    const { target, value } = await onFiles(input, `ln -s ${says} ${path}`, context, ({ files }) =>
      linkPath(files, says, remotePath(path), force),
    );
    return { target, path: value, says };
  },
  render: ({ target, path, says }) => `linked ${target}:${escapeLine(path)} -> ${escapeLine(says)}`,
});
