/**
 * Several targets in one word: names and groups with commas between them. A comma always separates: no session, no host name and no group has
 * one, and a user that does is given apart, as `-l`.
 */
import { SshMcpError } from "./errors.ts";
import { shown } from "./escape.ts";

/** `@group`: no host, no alias that anybody has and no session begins with it. */
export const isGroup = (target: string): boolean => /^@./s.test(target);

/** Whether a word is a list or a group, of however many. */
export const isSeveral = (target: string): boolean => isGroup(target) || target.includes(",");

/**
 * The names of a list, in order, each once. A comma may stand at the end: `web1,` is a list of one.
 * @throws SshMcpError USAGE for a list with a gap
 */
export const targetsIn = (list: string): string[] => {
  const names = list.split(",").map((name) => name.trim());
  if (names.length > 1 && names.at(-1) === "") names.pop();
  if (names.includes("")) {
    throw new SshMcpError("USAGE", `the list ${shown(list)} has a gap: there must be a name at both sides of a comma`, {
      hint: "ssh-mcp hosts ls",
    });
  }
  return [...new Set(names)];
};

/**
 * The same with the members of its groups in the place of these, each once.
 * @param members the hosts of a group, by its name without `@`
 * @throws SshMcpError USAGE as `targetsIn`; NOT_FOUND when no host is in it; what `members` throws
 */
export const expandTargets = async (
  list: string,
  members: (group: string) => Promise<readonly string[]>,
): Promise<string[]> => {
  const found: string[] = [];
  for (const name of targetsIn(list)) found.push(...(isGroup(name) ? await members(name.slice(1)) : [name]));
  if (found.length > 0) return [...new Set(found)];
  throw new SshMcpError("NOT_FOUND", `no host is in ${shown(list)}`, { hint: "ssh-mcp hosts set NAME --group GROUP" });
};
