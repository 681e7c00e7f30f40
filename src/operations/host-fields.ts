/** Input and output fields that the operations on hosts share. */
import * as v from "valibot";
import { escapeLine, escapeText, quotedWords } from "../core/escape.ts";
import type { HostChange, HostDescription, HostFields, HostOption } from "../core/hosts.ts";
import { dialFields } from "./fields.ts";

const text = (most: number, description: string) =>
  v.pipe(v.string(), v.minLength(1), v.maxLength(most), v.description(description));

export const hostName = text(255, "The host's name");

/** What an entry says. */
export const entryFields = {
  host: v.optional(text(1024, "Host name or address (default: the name)")),
  user: dialFields.user,
  port: dialFields.port,
  identityFile: v.optional(
    v.pipe(
      v.array(v.pipe(v.string(), v.minLength(1), v.maxLength(4096))),
      v.maxLength(32),
      v.description("Private key files"),
    ),
  ),
  jump: v.optional(text(4096, "Jump hosts on the way, [user@]host[:port],…")),
  set: v.optional(
    v.pipe(
      v.array(text(4096, "Keyword=value")),
      v.maxLength(64),
      v.description("Another option of ssh_config, as Keyword=value"),
    ),
  ),
  label: v.optional(text(200, "What it is, shown in lists")),
  group: v.optional(v.pipe(v.array(text(64, "Name of a group")), v.maxLength(64), v.description("Group it is in"))),
};

type EntryInput = v.InferOutput<v.StrictObjectSchema<typeof entryFields, undefined>>;

export const fieldsOf = ({ host, user, port, identityFile, jump, set, label, group }: EntryInput): HostFields => ({
  ...{ host, user, port, identityFile, jump, set, label, group },
});

export const says = (input: EntryInput): boolean => Object.values(fieldsOf(input)).some((value) => value !== undefined);

export const changeOutput = {
  name: v.pipe(v.string(), v.description("Name of the host")),
  file: v.pipe(v.string(), v.description("The file that was written")),
  entry: v.pipe(v.string(), v.description("The entry's lines; empty for label and groups alone")),
};

/** `added db1, in FILE:` and the entry. */
export const changeText = (what: string, { name, file, entry }: Omit<HostChange, "enable">): string =>
  `${what} ${escapeLine(name)}, ${escapeLine(file)}${entry === "" ? "" : `:\n${escapeText(entry)}`}`;

const option = v.object({
  name: v.pipe(v.string(), v.description("As ssh -G names it")),
  value: v.pipe(v.string(), v.description("As ssh -G writes it")),
  origin: v.pipe(v.nullable(v.string()), v.description("FILE:LINE, -o, or the request; null for a default")),
  acted: v.pipe(v.boolean(), v.description("Whether it is acted on here; ssh does on all")),
});

export const descriptionFields = {
  name: v.pipe(v.string(), v.description("The host as typed")),
  host: v.pipe(v.string(), v.description("Host that would be dialled")),
  port: v.pipe(v.number(), v.description("Port that would be dialled")),
  user: v.pipe(v.string(), v.description("Login name on the server")),
  origin: v.pipe(v.nullable(v.string()), v.description("FILE:LINE that names it; null when none does")),
  label: v.pipe(v.nullable(v.string()), v.description("What it is; null when nobody said")),
  groups: v.pipe(v.array(v.string()), v.description("Groups it is in")),
  legacy: v.pipe(v.boolean(), v.description("Whether algorithms for old devices are offered")),
  passwordCommand: v.pipe(v.boolean(), v.description("Whether a command gives its password")),
  proposal: v.pipe(
    v.nullable(
      v.object({
        by: v.pipe(v.string(), v.description("The agent")),
        entry: v.pipe(v.string(), v.description("The lines it would have")),
      }),
    ),
    v.description("An entry that an agent proposed, which does not count until it is enabled; null for none"),
  ),
  options: v.pipe(v.array(option), v.description("Options of ssh_config that hold")),
};

export type Described = v.InferOutput<v.ObjectSchema<typeof descriptionFields, undefined>>;

/** A list of its own, as results are made of. */
export const described = (host: HostDescription, keep: (option: HostOption) => boolean): Described => ({
  ...host,
  groups: [...host.groups],
  options: host.options.filter(keep),
});

/** For people and models: what would be dialled, then a line for each option, those that are not acted on apart. */
export const describedText = (host: Described): string => {
  const acted = host.options.filter((each) => each.acted);
  const others = host.options.filter((each) => !each.acted && each.origin !== null);
  return [
    headline(host),
    ...acted.map(optionLine),
    ...(others.length === 0 ? [] : ["known to ssh, not acted on here:", ...others.map(optionLine)]),
    ...(host.proposal === null ? [] : [proposalText(host.name, host.proposal)]),
  ].join("\n");
};

const headline = ({ name, host, port, user, origin, label, groups, legacy, passwordCommand }: Described): string =>
  [
    `# ${escapeLine(name)}: ${escapeLine(user)}@${escapeLine(host)} port ${port}`,
    origin === null ? "named in no file" : `named in ${escapeLine(origin)}`,
    ...(label === null ? [] : [escapeLine(label)]),
    ...groups.map((group) => `@${escapeLine(group)}`),
    ...(legacy ? ["legacy algorithms"] : []),
    ...(passwordCommand ? ["password by a command"] : []),
  ].join(", ");

const optionLine = ({ name, value, origin }: Described["options"][number]): string =>
  `${name} ${escapeLine(value)}${origin === null ? "" : `  # ${escapeLine(origin)}`}`;

const proposalText = (name: string, { by, entry }: { by: string; entry: string }): string =>
  `proposed, and without effect until \`ssh-mcp hosts enable ${escapeLine(name)}\`, by ${quotedWords(by, 100)}:\n${escapeText(entry)}`;
