import * as v from "valibot";
import { escapeLine } from "../core/escape.ts";
import { octal, parseMode } from "../core/files/file-mode.ts";
import { factsOf, linkPath, makeDirectories, movePath, removePath } from "../core/files/path-actions.ts";
import type { RemoteMachine } from "../core/files/remote-files.ts";
import { remotePath } from "../core/files/remote-path.ts";
import { removeRecursively } from "../core/files/remove-recursively.ts";
import { type Context, defineOperation, type Effect, type Issue } from "../core/operation.ts";
import { changeMode } from "./chmod.ts";
import { wholeMode } from "./mkdir.ts";
import {
  flagField,
  loginHomes,
  modeIssues,
  namedIssues,
  onFiles,
  pathField,
  pathIssues,
  sessionName,
  statField,
  statOf,
  statText,
  sudoField,
  sudoIssues,
  targetField,
} from "./path-fields.ts";

const description =
  "Stat, make, rename, chmod, link or remove a path on a server. Nothing is replaced, no link followed to remove.";

const actions = ["stat", "mkdir", "rename", "chmod", "symlink", "remove"] as const;
type Action = (typeof actions)[number];

/** Nothing is replaced. */
const effects: Readonly<Record<Action, Effect>> = {
  stat: "read",
  mkdir: "write",
  rename: "write",
  chmod: "write",
  symlink: "write",
  remove: "destructive",
};

const input = v.strictObject({
  target: targetField,
  path: pathField("The path, from the home directory"),
  action: v.pipe(v.picklist(actions), v.description("What to do")),
  to: v.optional(pathField("New path, or what the link says")),
  mode: v.optional(pathField("0644, u+x")),
  recursive: flagField("remove: directories"),
  parents: flagField("mkdir -p"),
  sudo: sudoField,
});

type Input = v.InferOutput<typeof input>;

/** Which fields go with which actions. */
const goesWith: Readonly<Record<"to" | "mode" | "recursive" | "parents", readonly Action[]>> = {
  to: ["rename", "symlink"],
  mode: ["chmod", "mkdir"],
  recursive: ["remove"],
  parents: ["mkdir"],
};

export const path = defineOperation({
  name: "path",
  command: "path",
  tool: "ssh_path",
  faces: ["mcp"],
  title: "Act on a path of a server",
  description,
  brief: {
    target: "",
    path: "",
    action: "",
    recursive: "",
    parents: "",
    sudo: "",
  },
  advice: "Never /, a home, /etc recursively.",
  effect: "destructive",
  effectOf: ({ action }) => effects[action],
  idempotent: false,
  remote: true,
  input,
  output: v.object({
    target: sessionName,
    action: v.pipe(v.picklist(actions), v.description("What was done")),
    path: v.pipe(v.string(), v.description("Where it is now")),
    mode: v.pipe(v.nullable(v.string()), v.description("Permission bits that were set, in octal; else null")),
    stat: v.pipe(v.nullable(statField), v.description("What stat asked for; else null")),
  }),
  validate: (given) => [...fieldIssues(given), ...modeIssues(given.mode || undefined), ...sudoIssues(given.sudo)],
  positionals: [],
  rest: null,
  durations: [],
  target: "target",
  streams: "none",
  cliOnly: [],
  run: async (given, context) => {
    const homes = given.recursive === true ? await loginHomes(given, context) : [];
    const { target, value } = await onFiles(given, `${given.action} ${given.path}`, context, (machine) =>
      act(given, machine, homes, context),
    );
    return { target, action: given.action, path: given.path, mode: null, stat: null, ...value };
  },
  render: ({ target, action, path, mode, stat }) => {
    if (stat !== null) return `${action} of ${statText(stat)}\non ${target}`;
    return `${action} done: ${target}:${escapeLine(path)}${mode === null ? "" : `, mode ${mode}`}`;
  },
});

interface Done {
  path?: string;
  mode?: string;
  stat?: v.InferOutput<typeof statField>;
}

const act = async (given: Input, machine: RemoteMachine, homes: readonly string[], context: Context): Promise<Done> => {
  const { files } = machine;
  const path = remotePath(given.path);
  switch (given.action) {
    case "stat":
      return { stat: statOf(given.path, await factsOf(files, path)) };
    case "mkdir": {
      const mode = given.mode === undefined || given.mode === "" ? null : parseMode(given.mode).change(wholeMode, true);
      await makeDirectories(files, path, mode, given.parents ?? false);
      return mode === null ? {} : { mode: octal(mode) };
    }
    case "rename":
      return { path: await movePath(files, path, remotePath(given.to ?? ""), false) };
    case "chmod":
      return { mode: octal(await changeMode(files, path, given.mode ?? "")) };
    case "symlink":
      return { path: await linkPath(files, given.to ?? "", path, false) };
    case "remove":
      if (given.recursive === true) await removeRecursively(machine, path, { ...context, homes, where: given });
      else await removePath(files, path, "ssh_path with recursive: true");
      return {};
  }
};

/** Some models fill in every field. */
const isUnsaid = (value: unknown): boolean => value === undefined || value === false || value === "";

const fieldIssues = (given: Input): Issue[] => {
  const { action, path, to, mode } = given;
  const strange = Object.entries(goesWith).flatMap(([field, goes]) =>
    isUnsaid(given[field as keyof typeof goesWith]) || goes.includes(action)
      ? []
      : [{ field, message: `goes with ${goes.join(" and ")}, not with ${action}` }],
  );
  return [
    ...strange,
    ...(action === "stat" ? pathIssues("path", path) : namedIssues("path", path)),
    ...(goesWith.to.includes(action) && (to === undefined || to === "")
      ? [{ field: "to", message: `is needed for ${action}` }]
      : pathIssues("to", to ?? "")),
    ...(action === "chmod" && isUnsaid(mode) ? [{ field: "mode", message: "is needed for chmod" }] : []),
  ];
};
