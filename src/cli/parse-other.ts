/** Command lines that are no operation's. Those that `main.ts` carries out reach the parser only when something is wrong with them. */
import { suggest } from "../core/suggest.ts";
import { helpFlag, jsonFlag } from "./face-flags.ts";
import type { FaceOptions } from "./flag.ts";
import { isOption, OptionReader } from "./options.ts";
import { type BrokerVerb, brokerCommand, isBrokerVerb, type OtherCommand, serveCommand } from "./other-commands.ts";
import { helpCommand, unknownVerb, usageError } from "./usage.ts";

export type ParsedOther =
  | { kind: "broker"; verb: BrokerVerb; options: FaceOptions }
  | { kind: "help"; topic: string; options: FaceOptions };

/** @throws SshMcpError USAGE */
export const parseOther = (command: OtherCommand, words: readonly string[], options: FaceOptions): ParsedOther => {
  const { name } = command;
  if (command === brokerCommand) return parseBroker(words, options);
  const asksHelp = words.some((word) => word === "--help" || word === "-h");
  if (asksHelp && (words.length === 1 || command === serveCommand)) return { kind: "help", topic: name, options };
  // Its own options `main.ts` hands to it, when nothing stands before the command.
  if (command === serveCommand) throw usageError("serve takes options of its own alone", "ssh-mcp serve --help");
  throw usageError(`${name} takes neither words nor options`, `ssh-mcp ${name}`);
};

const parseBroker = (words: readonly string[], options: FaceOptions): ParsedOther => {
  const { name, verbs } = brokerCommand;
  const reader = new OptionReader(brokerCommand, [jsonFlag, helpFlag], options);
  const given: string[] = [];
  for (let at = 0; at < words.length; ) {
    if (isOption(words[at])) at += reader.take(words, at);
    else given.push(words[at++] ?? "");
  }
  if (reader.wrong === null && options.help) return { kind: "help", topic: name, options };
  if (reader.wrong !== null) throw reader.wrong;
  if (options.noBroker) throw usageError("give broker or --no-broker, not both", helpCommand(brokerCommand));
  const [verb, ...more] = given;
  if (verb === undefined) {
    throw usageError(`broker needs one of ${Object.keys(verbs).join(", ")}`, "ssh-mcp broker status");
  }
  if (!Object.hasOwn(verbs, verb)) throw unknownVerb(brokerCommand, verb, suggest(verb, Object.keys(verbs)));
  if (!isBrokerVerb(verb)) throw usageError(`broker ${verb} takes neither words nor options`, `ssh-mcp broker ${verb}`);
  if (more.length > 0) throw usageError(`broker ${verb} takes no more words`, `ssh-mcp broker ${verb}`);
  return { kind: "broker", verb, options };
};
