import * as v from "valibot";
import { SshMcpError } from "../core/errors.ts";
import { escapeLine, shown } from "../core/escape.ts";
import {
  jsonBytes,
  keyOf,
  type Listed,
  type Listing,
  type ListingRequest,
  listPage,
  sortings,
} from "../core/files/listing.ts";
import { missing } from "../core/files/path-actions.ts";
import type { OwnerNames, RemoteFiles } from "../core/files/remote-files.ts";
import { endsWithSlash, joined, remotePath, withoutSlashes } from "../core/files/remote-path.ts";
import { type Context, defineOperation } from "../core/operation.ts";
import { count } from "./fields.ts";
import { placeOfToken, tokenOf } from "./list-token.ts";
import {
  factFields,
  factsLine,
  flagField,
  onFiles,
  pathField,
  pathIssues,
  sessionName,
  sudoField,
  sudoIssues,
  targetField,
  toldFacts,
} from "./path-fields.ts";

const description = "List a directory on a server: type, size, mode, owner, time. Links are not followed.";

const manual = `TARGET: alone is the home directory. A file lists itself. Names are in the order of their characters; with --sort the largest, or the newest, come first.
With --depth what is below is listed too, by its path; --glob (* and ?) is matched against names, or with a slash in it against paths.
--limit gives one page, and a word for --token that gives the next. A page begins behind the last name of the one before, in the order asked for: while a directory changes, no name comes twice, and none that stays is left out.
What could do something to a terminal is written out, as \\x1b. With --json every name is as it is: one that is no UTF-8 has \\udcXX for each byte XX that is none.`;

/** Of a model, whose every line it pays for; and at most. */
const modelLimit = 200;
const mostEntries = 10_000;
/** Of a person who asks for no page: the whole is one reading of the directory. With mostTargets it fits into one answer of the broker. */
const wholeLimit = 200_000;
/** Bytes of what the links of a page say. */
const mostTargets = 8 * 1024 * 1024;
const mostDepth = 64;
/** Links asked about at once. */
const atOnce = 32;

const entry = v.object({
  path: v.pipe(v.string(), v.description("Name, or path below the directory")),
  ...factFields,
  owner: v.pipe(v.nullable(v.string()), v.description("Name of the owner; null where not said")),
  group: v.pipe(v.nullable(v.string()), v.description("Name of the group; null where not said")),
});

const input = v.strictObject({
  target: targetField,
  path: v.optional(pathField("The directory; TARGET: alone is the home directory")),
  all: flagField("Names that begin with a dot too"),
  sort: v.optional(v.pipe(v.picklist(sortings), v.description("Order"))),
  reverse: flagField("Backwards"),
  depth: v.optional(v.pipe(v.number(), v.description("Levels of directories to list (default 1)"))),
  glob: v.optional(v.pipe(v.string(), v.description("Only what matches, as *.log"))),
  limit: v.optional(v.pipe(v.number(), v.description(`Entries at most, up to ${mostEntries} (default all)`))),
  token: v.optional(v.pipe(v.string(), v.description("The page that this word was given for"))),
  sudo: sudoField,
});

type Input = v.InferOutput<typeof input>;

const output = v.object({
  target: sessionName,
  path: v.pipe(v.string(), v.description("The directory, absolute")),
  entries: v.pipe(v.array(entry), v.description("One entry per name")),
  total: v.pipe(count, v.description("Names there are on all pages")),
  token: v.pipe(v.nullable(v.string()), v.description("What gets the next page; null for none")),
  unread: v.pipe(
    v.array(
      v.object({
        path: v.pipe(v.string(), v.description("Path below the directory")),
        message: v.pipe(v.string(), v.description("Why")),
      }),
    ),
    v.description("Directories below, which could not be listed"),
  ),
});

export const listDirectory = defineOperation({
  name: "list-directory",
  command: "ls",
  tool: "ssh_list_directory",
  faces: ["cli", "mcp"],
  title: "List a directory on a server",
  description,
  manual,
  brief: {
    target: "",
    path: "Default: home",
    sort: "",
    reverse: "",
    depth: "",
    glob: "",
    limit: "Default 200",
    token: "Of the page before",
    sudo: "",
  },
  advice: "A token gets the next page.",
  effect: "read",
  idempotent: true,
  remote: true,
  input,
  output,
  validate: ({ path = "", depth = 1, limit = 1, glob, sudo }) => [
    ...pathIssues("path", path),
    ...(Number.isInteger(depth) && depth >= 1 && depth <= mostDepth
      ? []
      : [{ field: "depth", message: `must be a whole number from 1 to ${mostDepth}` }]),
    ...(Number.isInteger(limit) && limit >= 1 && limit <= mostEntries
      ? []
      : [{ field: "limit", message: `must be a whole number from 1 to ${mostEntries}` }]),
    ...(glob !== undefined && (glob === "" || glob.length > 1024)
      ? [{ field: "glob", message: "must have 1 to 1024 characters" }]
      : []),
    ...sudoIssues(sudo),
  ],
  operand: { target: "target", path: "path" },
  letters: { all: "a", reverse: "r" },
  positionals: ["target", "path"],
  rest: null,
  durations: [],
  target: "target",
  streams: "none",
  cliOnly: ["all"],
  run: async (given, context) => {
    const path = remotePath(given.path ?? "");
    const { target, value } = await onFiles(given, `ls ${given.path ?? ""}`, context, ({ files }) =>
      listed(files, path, requestOf(given, context), context),
    );
    // What a person reads is names alone.
    if (context.caller.face === "cli") {
      for (const { path: below, message } of value.unread) context.notice(`${below} was not listed: ${message}`);
      if (given.limit !== undefined && value.token !== null) context.notice(`there are more: --token ${value.token}`);
    }
    return { target, ...value };
  },
  render: ({ target, path, entries, total, token, unread }) =>
    [
      `${entries.length} of ${total} in ${target}:${escapeLine(path)}`,
      ...entries.map(line),
      ...unread.map((each) => `not listed: ${escapeLine(each.path)}: ${escapeLine(each.message)}`),
      ...(token === null ? [] : [`next page: token ${token}`]),
    ].join("\n"),
  succeeded: ({ unread }) => unread.length === 0,
});

const requestOf = (given: Input, { caller }: Context): ListingRequest => {
  const { sort = "name", reverse = false, depth = 1, glob = null, token } = given;
  const order = { sort, reverse };
  return {
    ...order,
    depth,
    glob,
    // What is hidden from a model does not exist for it.
    hidden: given.all ?? caller.face === "mcp",
    limit: given.limit ?? (caller.face === "mcp" ? modelLimit : wholeLimit),
    after: token === undefined ? null : placeOfToken(token, order),
  };
};

type Entry = v.InferOutput<typeof entry>;
type Answer = Omit<v.InferOutput<typeof output>, "target">;

const listed = async (
  files: RemoteFiles,
  path: string,
  request: ListingRequest,
  { signal }: Context,
): Promise<Answer> => {
  const place = path === "" ? "." : path;
  // With a slash at its end, or where it leads to a directory, a link is what it leads to.
  const [facts, absolute] = await Promise.all([files.stat(place), files.resolve(place).catch(() => place)]);
  if (facts?.type === "directory") {
    const listing = await listPage(files, place, request, signal);
    const entries = fitting(await withTargets(files, place, listing.entries));
    const last = listing.entries[entries.length - 1];
    const isMore = listing.more || entries.length < listing.entries.length;
    const token =
      isMore && last !== undefined ? tokenOf(request, { key: keyOf(last, request.sort), path: last.path }) : null;
    return {
      path: absolute,
      entries,
      total: listing.total,
      token,
      unread: [...listing.unread],
    };
  }
  const own = await files.lstat(withoutSlashes(place));
  if (own === null) throw missing(path);
  if (endsWithSlash(place)) throw new SshMcpError("REMOTE_IO", `${shown(path)} is no directory`);
  const itself: Listing = { entries: [{ path: place, facts: own }], total: 1, more: false, unread: [] };
  return { path: absolute, entries: await withTargets(files, "", itself.entries), total: 1, token: null, unread: [] };
};

/** A link that cannot be read is told without its target, and an owner without a name by the number alone. */
const withTargets = async (files: RemoteFiles, directory: string, entries: readonly Listed[]): Promise<Entry[]> => {
  const [targets, names] = await Promise.all([targetsOf(files, directory, entries), namesOf(files, entries)]);
  return entries.map((each) => ({
    path: each.path,
    ...toldFacts(each.facts),
    linkTarget: targets.get(each) ?? null,
    owner: names.users.get(each.facts.uid ?? -1) ?? null,
    group: names.groups.get(each.facts.gid ?? -1) ?? null,
  }));
};

/** Without the entries at the end whose links say too much for one answer; at least one stays. */
const fitting = (entries: readonly Entry[]): Entry[] => {
  let bytes = 0;
  const end = entries.findIndex(({ linkTarget }, index) => {
    bytes += linkTarget === null ? 0 : jsonBytes(linkTarget);
    return bytes > mostTargets && index > 0;
  });
  return end < 0 ? [...entries] : entries.slice(0, end);
};

const targetsOf = async (
  files: RemoteFiles,
  directory: string,
  entries: readonly Listed[],
): Promise<ReadonlyMap<Listed, string>> => {
  const targets = new Map<Listed, string>();
  const links = entries.filter(({ facts }) => facts.type === "symlink");
  for (let at = 0; at < links.length; at += atOnce) {
    await Promise.all(
      links.slice(at, at + atOnce).map(async (link) => {
        const says = await files.readLink(joined(directory, link.path)).catch(lost);
        if (says !== null) targets.set(link, says);
      }),
    );
  }
  return targets;
};

const namesOf = async (files: RemoteFiles, entries: readonly Listed[]): Promise<OwnerNames> => {
  const [uids, gids] = [entries.map(({ facts }) => facts.uid), entries.map(({ facts }) => facts.gid)].map((ids) => [
    ...new Set(ids.filter((id) => id !== null)),
  ]);
  return (await files.names?.(uids ?? [], gids ?? []).catch(lost)) ?? { users: new Map(), groups: new Map() };
};

/** What concerns one question alone is passed over. */
const lost = (thrown: unknown): null => {
  const isOwn = thrown instanceof SshMcpError && passedOver.has(thrown.code);
  if (isOwn) return null;
  throw thrown;
};

const passedOver: ReadonlySet<string> = new Set(["NOT_FOUND", "REMOTE_PERMISSION", "REMOTE_IO", "UNSUPPORTED"]);

const line = ({ path, linkTarget, owner, group, ...facts }: Entry): string =>
  [
    factsLine(facts),
    ...(owner === null && group === null ? [] : [`${escapeLine(owner ?? "?")}:${escapeLine(group ?? "?")}`]),
    `${escapeLine(path)}${linkTarget === null ? "" : ` -> ${escapeLine(linkTarget)}`}`,
  ].join(" ");
