/** What `hosts set --unset label|group` can take out of `config.toml`, and what stands where only a person takes it out. */
import { SshMcpError } from "../../core/errors.ts";
import { shown } from "../../core/escape.ts";
import { quoteWord } from "../../core/quote.ts";
import { settingsIn } from "../settings.ts";

/** A group whose own table lists a host. */
export interface Listing {
  group: string;
  /** Of its table's head, from 1; null when it is written in another style. */
  line: number | null;
}

/** Groups that list the host themselves, in the order of the file. @throws SshMcpError CONFIG_INVALID */
export const listingsOf = (path: string, text: string, name: string): Listing[] => {
  const { groups } = settingsIn(path, text);
  const listing = [...groups].filter(([, { hosts }]) => hosts.includes(name)).map(([group]) => group);
  return listing.map((group) => ({ group, line: headOf(text, group) }));
};

/** `@web by [group.web] of FILE:3` */
export const listingText = (path: string, { group, line }: Listing): string =>
  `@${group} by the list of [group.${group}] in ${path}${line === null ? "" : `:${line}`}`;

/**
 * @param unset `label` and `group` among others
 * @throws SshMcpError NOT_FOUND for one that nobody said; PRECONDITION_FAILED for a group that has the host in its own list alone
 */
export const mustBeSaid = (path: string, text: string, name: string, unset: readonly string[]): void => {
  const own = settingsIn(path, text).hosts.get(name);
  if (unset.includes("label") && (own?.label ?? null) === null) throw notSaid(name, "label");
  if (!unset.includes("group") || (own?.groups ?? []).length > 0) return;
  const [listing] = listingsOf(path, text, name);
  if (listing === undefined) throw notSaid(name, "group");
  throw new SshMcpError(
    "PRECONDITION_FAILED",
    `${name} is in ${listingText(path, listing)}, which is changed by hand`,
    {
      hint: `vi ${listing.line === null ? "" : `+${listing.line} `}${quoteWord(path)}`,
    },
  );
};

const notSaid = (name: string, what: string): SshMcpError =>
  new SshMcpError("NOT_FOUND", `${shown(name)} has no ${what}`, { hint: `ssh-mcp hosts show ${quoteWord(name)}` });

const headOf = (text: string, group: string): number | null => {
  const at = text
    .split("\n")
    .findIndex((line) => /^\s*\[[^[]/.test(line) && line.includes(group) && isHead(line, group));
  return at < 0 ? null : at + 1;
};

const isHead = (line: string, group: string): boolean => {
  try {
    return Bun.deepEquals(Bun.TOML.parse(line), { group: { [group]: {} } });
  } catch {
    return false;
  }
};
