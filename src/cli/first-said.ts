/**
 * Of several ways to say one thing, the first on the command line wins: ssh.c takes a user or a port only while it has none, whether it is
 * `-o`, `-l`, `-p` or the destination that says it. An operation does not know what was typed in which order: what comes too late is left out here.
 */
import { parseOptions } from "../config/ssh-config/options.ts";
import { parsePortNumber } from "../config/ssh-config/values/port-number.ts";
import { type Destination, parseDestination } from "../core/destination.ts";
import { SshMcpError } from "../core/errors.ts";
import { isOfProcess } from "../files/process-path.ts";
import type { Command } from "./command.ts";
import type { Said } from "./said.ts";
import { helpCommand, usageError } from "./usage.ts";

type Input = Readonly<Record<string, unknown>>;

/**
 * The input as ssh(1) would understand the command line.
 * @param said all fields, in the order typed
 * @throws SshMcpError USAGE for `-J` behind another way to the host, as ssh does
 */
export const firstSaid = (command: Command, input: Input, said: readonly Said[]): Input => {
  const destination = command.operation.target;
  if (destination === null || !Object.hasOwn(command.operation.input.entries, "options")) return input;
  mustLeadAlone(command, said);
  const user = withFirst("user", input, said, destination);
  return withKeysInOrder(withFirst("port", user, said, destination), said);
};

/** The keyword of an option; null for a mistake, which is the operation's to refuse. */
const keywordOf = (option: unknown): string | null => {
  try {
    const [{ keyword, args } = nothing] = parseOptions([String(option)]);
    const [value = ""] = args;
    const isWrong = keyword === "port" ? parsePortNumber(value) === null : value === "";
    return alone.has(keyword) && (isWrong || args.length > 1) ? null : keyword;
  } catch (error) {
    if (error instanceof SshMcpError) return null;
    throw error;
  }
};

const nothing = { keyword: "", args: [] as readonly string[] };
const alone: ReadonlySet<string> = new Set(["user", "port"]);

const saysOption = ({ field, value }: Said, ...keywords: string[]): boolean =>
  field === "options" && keywords.includes(keywordOf(value) ?? "");

const withFirst = (what: "user" | "port", input: Input, said: readonly Said[], destination: string): Input => {
  const partOf = ({ field, value }: Said) => (field === destination ? (parsed(value)?.[what] ?? null) : null);
  const saying = said.filter((one) => one.field === what || saysOption(one, what) || partOf(one) !== null);
  const [first] = saying;
  if (first === undefined || saying.length === 1) return input;
  if (first.field === "options") return without(input, what);
  const others = said.filter((one) => one.field === "options" && !saysOption(one, what));
  return { ...withOptions(input, others.map(typedValue)), [what]: partOf(first) ?? first.value };
};

const parsed = (value: unknown): Destination | null => {
  try {
    return parseDestination(String(value));
  } catch (error) {
    // A session's name, an alias, a group, or what the operation refuses.
    if (error instanceof SshMcpError) return null;
    throw error;
  }
};

/** Keys add up, in the order typed: a file behind `-o IdentityFile` is said by the same option. */
const withKeysInOrder = (input: Input, said: readonly Said[]): Input => {
  const from = said.findIndex((one) => saysOption(one, "identityfile", "identityfile2"));
  // What only this process can open is asked for by its own option alone.
  const isLate = ({ field, value }: Said, at: number): boolean =>
    field === "identityFile" && from >= 0 && at > from && !isOfProcess(String(value));
  if (!said.some(isLate)) return input;
  const kept = Array.isArray(input["options"]) ? input["options"] : [];
  const options = said.flatMap((one, at) => {
    if (isLate(one, at)) return [`IdentityFile=${quoted(String(one.value))}`];
    return one.field === "options" && kept.includes(one.value) ? [one.value] : [];
  });
  const files = said.filter((one, at) => one.field === "identityFile" && !isLate(one, at)).map(typedValue);
  const { identityFile: _, ...rest } = input;
  return { ...rest, ...(files.length === 0 ? {} : { identityFile: files }), options };
};

/** As readconf.c cuts words. */
const quoted = (word: string): string => `"${word.replace(/["\\]/g, (character) => `\\${character}`)}"`;

const mustLeadAlone = (command: Command, said: readonly Said[]): void => {
  const jump = said.findIndex(({ field }) => field === "jump");
  const before = said.slice(0, Math.max(0, jump)).find((one) => saysOption(one, "proxyjump", "proxycommand"));
  if (before === undefined) return;
  throw usageError("-J comes after an option that says another way: give one of them", helpCommand(command));
};

const typedValue = ({ value }: Said): unknown => value;

const without = (input: Input, field: string): Input =>
  Object.fromEntries(Object.entries(input).filter(([name]) => name !== field));

const withOptions = (input: Input, options: readonly unknown[]): Input =>
  options.length === 0 ? without(input, "options") : { ...input, options };
