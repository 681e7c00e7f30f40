/** What `lend` and `unlend` share. */
import * as v from "valibot";
import { SshMcpError } from "../core/errors.ts";
import { shown } from "../core/escape.ts";
import type { Context } from "../core/operation.ts";
import { suggest } from "../core/suggest.ts";

export const targets = v.pipe(
  v.array(v.pipe(v.string(), v.minLength(1), v.maxLength(1024))),
  v.minLength(1),
  v.maxLength(256),
  v.description("Names of the sessions, or @groups"),
);

/**
 * All of them or none: every name is looked up before the first one is changed.
 * @returns the names, each once
 * @throws SshMcpError SESSION_NOT_FOUND
 */
export const setLent = async (names: readonly string[], lent: boolean, context: Context): Promise<string[]> => {
  const { sessions, caller } = context;
  // A group has been taken for its sessions before.
  if (names.length === 0) {
    throw new SshMcpError("SESSION_NOT_FOUND", "there is no session to a host of that group", { hint: "ssh-mcp ls" });
  }
  const known = sessions.list(caller).map(({ name }) => name);
  const missing = names.find((name) => !known.includes(name));
  if (missing !== undefined) throw notFound(missing, known);
  const chosen = [...new Set(names)];
  for (const name of chosen) await sessions.lend(name, lent, context);
  return chosen;
};

const notFound = (name: string, known: readonly string[]): SshMcpError => {
  const near = suggest(name, known);
  const question = near === null ? "" : `; did you mean ${near}?`;
  return new SshMcpError("SESSION_NOT_FOUND", `there is no session ${shown(name)}${question}`, { hint: "ssh-mcp ls" });
};
