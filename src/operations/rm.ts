import * as v from "valibot";
import { SshMcpError } from "../core/errors.ts";
import { escapeLine } from "../core/escape.ts";
import { removePath } from "../core/files/path-actions.ts";
import { commandOn } from "../core/files/path-operand.ts";
import { removeRecursively } from "../core/files/remove-recursively.ts";
import { defineOperation } from "../core/operation.ts";
import {
  doneField,
  eachPath,
  failedLines,
  failuresField,
  flagField,
  loginHomes,
  namedIssues,
  onFiles,
  pathsField,
  sessionName,
  sudoField,
  sudoIssues,
  targetField,
} from "./path-fields.ts";

const description = `Remove files on a server, and with --recursive directories with all that is in them.
A symbolic link is removed itself and never followed. Recursively, the root directory, home directories and what holds one, and folders at the top such as /etc are refused, whatever leads to them.`;

const manual =
  "Nothing is asked, and nothing comes back. Of several paths, those that can be removed are; what failed is on stderr, and the exit status is 1.";

export const rm = defineOperation({
  name: "rm",
  command: "rm",
  tool: "ssh_rm",
  faces: ["cli"],
  title: "Remove files on a server",
  description,
  manual,
  advice: "",
  effect: "destructive",
  idempotent: true,
  remote: true,
  input: v.strictObject({
    target: targetField,
    paths: pathsField,
    recursive: flagField("Directories too, with all that is in them"),
    force: flagField("A path that is not there is no error"),
    sudo: sudoField,
  }),
  output: v.object({ target: sessionName, removed: doneField, failures: failuresField }),
  validate: ({ paths, sudo }) => [...paths.flatMap((path) => namedIssues("paths", path)), ...sudoIssues(sudo)],
  operand: { target: "target", path: "paths" },
  letters: { recursive: "r", force: "f" },
  positionals: ["target"],
  rest: "paths",
  durations: [],
  target: "target",
  streams: "none",
  cliOnly: [],
  run: async (input, context) => {
    const { paths, recursive = false, force = false } = input;
    const homes = recursive ? await loginHomes(input, context) : [];
    const { target, value } = await onFiles(input, `rm ${paths.join(" ")}`, context, (machine) =>
      eachPath(paths, context, async (path, given) => {
        try {
          const hint = commandOn(input, ["rm", "-r"], given);
          if (recursive) await removeRecursively(machine, path, { ...context, homes, where: input });
          else await removePath(machine.files, path, hint);
        } catch (thrown) {
          if (!(force && thrown instanceof SshMcpError && thrown.code === "NOT_FOUND")) throw thrown;
          return null;
        }
        return given;
      }),
    );
    return { target, removed: value.done.filter((path) => path !== null), failures: value.failures };
  },
  render: ({ target, removed, failures }) =>
    [
      ...(removed.length === 0 && failures.length === 0 ? [`nothing was there on ${target}`] : []),
      ...removed.map((path) => `removed ${target}:${escapeLine(path)}`),
      ...failedLines(failures),
    ].join("\n"),
  succeeded: ({ failures }) => failures.length === 0,
});
