/** What the operations on the content of a file have in common. Every character of a field is read by a model before its first call. */
import * as v from "valibot";
import { type ActsOn, commandOn } from "../core/files/path-operand.ts";
import { hintFor } from "../core/hint.ts";
import type { Context, Issue } from "../core/operation.ts";

export const remoteField = {
  target: v.pipe(v.string(), v.description("Session or destination")),
  path: v.pipe(v.string(), v.description("The file, from the home directory")),
};

export const targetIssues = (target: string): Issue[] => {
  if (target === "") return [{ field: "target", message: "is empty" }];
  return target.length > 1024 ? [{ field: "target", message: "must be at most 1024 characters long" }] : [];
};

/** For a hint: how whoever called reads the file. */
export const howToRead = ({ target, sudo, path }: ActsOn & { path: string }, { caller }: Context): string =>
  hintFor(caller, {
    command: commandOn({ target, sudo }, ["cat"], path),
    tool: `ssh_read_file ${JSON.stringify({ target, path, sudo })}`,
  });
