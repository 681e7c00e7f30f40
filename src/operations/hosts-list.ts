import * as v from "valibot";
import { escapeLine, quotedWords } from "../core/escape.ts";
import type { HostDescription } from "../core/hosts.ts";
import { type Context, defineOperation } from "../core/operation.ts";
import { isGroup } from "../core/targets.ts";

const description =
  "List the hosts of ssh_config, with groups and live sessions; or resolve one: what would be dialled, and why. It connects to nothing.";

const manual =
  "Each is shown with its label and the line that names it; a resolved one with the line that says each option. Options that may hold a secret are not shown.";

const advice = "One that is not enabled cannot be used.";

/** A longer list would drown what it is for. */
const mostForModel = 100;

const row = v.object({
  name: v.pipe(v.string(), v.description("Its name")),
  origin: v.pipe(v.string(), v.description("FILE:LINE that names it")),
  label: v.pipe(v.nullable(v.string()), v.description("What it is")),
  groups: v.pipe(v.array(v.string()), v.description("Groups it is in")),
  sessions: v.pipe(v.array(v.string()), v.description("Its live sessions")),
  enabled: v.pipe(v.boolean(), v.description("False while only proposed")),
  proposedBy: v.pipe(v.nullable(v.string()), v.description("The agent; null when enabled")),
});

const resolved = v.object({
  host: v.pipe(v.string(), v.description("Would be dialled")),
  port: v.pipe(v.number(), v.description("Its port")),
  user: v.pipe(v.string(), v.description("Login name")),
  options: v.pipe(v.array(v.string()), v.description("As ssh -G writes them, with FILE:LINE; no defaults")),
});

export const hostsList = defineOperation({
  name: "hosts",
  command: "hosts ls",
  tool: "ssh_hosts",
  faces: ["cli", "mcp"],
  title: "List the hosts of ssh_config",
  description,
  manual,
  brief: { filter: "Names, web*, @groups", resolve: "This destination" },
  advice,
  effect: "read",
  idempotent: true,
  remote: false,
  input: v.strictObject({
    filter: v.optional(
      v.pipe(
        v.array(v.pipe(v.string(), v.minLength(1), v.maxLength(255))),
        v.maxLength(64),
        v.description("Names, globs such as web*, @groups; all without"),
      ),
    ),
    resolve: v.optional(
      v.pipe(v.string(), v.minLength(1), v.maxLength(1024), v.description("Resolve this destination instead")),
    ),
  }),
  output: v.object({
    hosts: v.pipe(v.array(row), v.description("One entry per host")),
    resolved: v.pipe(v.nullable(resolved), v.description("What resolve asked for; else null")),
    members: v.pipe(
      v.nullable(v.array(v.string())),
      v.description("Of the @groups in the filter, every host, named by a file or not; null without"),
    ),
  }),
  validate: ({ filter = [], resolve }) =>
    resolve !== undefined && filter.length > 0 ? [{ field: "", message: "give {filter} or {resolve}, not both" }] : [],
  positionals: [],
  rest: "filter",
  durations: [],
  target: null,
  streams: "none",
  cliOnly: [],
  run: async ({ filter = [], resolve }, context) => {
    const found = await context.hosts.list(filter, context);
    const listed = context.caller.face === "mcp" && resolve === undefined ? found.slice(0, mostForModel) : found;
    if (listed.length < found.length)
      context.notice(`${found.length - listed.length} more hosts: narrow it by a filter`);
    const hosts = listed.map((host) => ({ ...host, groups: [...host.groups], sessions: [...host.sessions] }));
    if (resolve === undefined) return { hosts, resolved: null, members: await membersOf(filter, context) };
    const request = { destination: resolve, user: null, port: null, identityFiles: [], configFile: null };
    const host = await context.hosts.describe({ ...request, options: [], timeoutMs: null }, context);
    return { hosts: hosts.filter(({ name }) => name === host.name), resolved: shortened(host), members: null };
  },
  render: ({ hosts, resolved, members }) => {
    if (resolved === null)
      return [...(hosts.length === 0 ? ["no hosts"] : hosts.map(line)), ...unnamed(hosts, members)].join("\n");
    const { host, port, user, options } = resolved;
    const dialled = `would dial ${escapeLine(host)} port ${port} as ${escapeLine(user)}`;
    return [...hosts.map(line), dialled, ...options.map(escapeLine)].join("\n");
  },
});

const membersOf = async (filter: readonly string[], { hosts }: Context): Promise<string[] | null> => {
  const groups = filter.filter(isGroup);
  if (groups.length === 0) return null;
  const members = await Promise.all(groups.map((group) => hosts.members(group.slice(1))));
  return [...new Set(members.flat())];
};

const unnamed = (hosts: readonly { name: string }[], members: readonly string[] | null): string[] => {
  const others = (members ?? []).filter((member) => !hosts.some(({ name }) => name === member));
  return others.length === 0 ? [] : [`in the group, and named by no file: ${others.map(escapeLine).join(" ")}`];
};

const shortened = ({ host, port, user, options }: HostDescription): v.InferOutput<typeof resolved> => {
  const said = options.filter(({ origin }) => origin !== null);
  return { host, port, user, options: said.map(({ name, value, origin }) => `${name} ${value} (${origin})`) };
};

const line = ({ name, origin, label, groups, sessions, proposedBy }: v.InferOutput<typeof row>): string =>
  [
    `${escapeLine(name)}: ${escapeLine(origin)}`,
    ...(label === null ? [] : [escapeLine(label)]),
    ...groups.map((group) => `@${escapeLine(group)}`),
    ...(sessions.length === 0 ? [] : [`live as ${sessions.join(" ")}`]),
    ...(proposedBy === null ? [] : [`disabled, proposed by ${quotedWords(proposedBy, 100)}`]),
  ].join(", ");
