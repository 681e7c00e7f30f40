/** The options of `ssh -G` that are more than one word of one line. */

import { matchGlob } from "../../../core/glob.ts";
import { expandTilde } from "../../../files/paths.ts";
import type { Directive } from "../directive.ts";
import { expandRemoteCommand, expandValue, expandVariables } from "../expand.ts";
import { lowerCase } from "../match-pattern.ts";
import { type Origin, requestOrigin } from "../origin.ts";
import { jumpText } from "../proxy-way.ts";
import * as choices from "../values/choices.ts";
import { parseBytes, parseSeconds } from "../values/time-value.ts";
import { batchAliveSeconds } from "./option-defaults.ts";
import * as format from "./option-format.ts";
import { type Forward, forwardsOf, forwardText, isPrintedAs, listenText } from "./option-forwards.ts";
import {
  isArgument,
  type OptionLine,
  type OptionRule,
  type OptionView,
  one,
  seconds,
  state,
  word,
} from "./option-view.ts";

const originOf = ({ lines }: OptionView, keyword: string): Origin | null => lines(keyword)[0]?.origin ?? null;

export const typedHost: OptionRule = ({ typed }) => one(typed, requestOrigin);
export const user: OptionRule = (view) => one(view.host.user, originOf(view, "user"));
export const hostname: OptionRule = (view) => one(view.host.hostname, originOf(view, "hostname"));
export const port: OptionRule = (view) => one(String(view.host.port), originOf(view, "port"));

const firstValue = (rule: OptionRule, view: OptionView, keyword: string): string => rule(view, keyword)[0]?.value ?? "";

const isSet = (view: OptionView, keyword: string): boolean =>
  firstValue(state(choices.flagStates, "no"), view, keyword) === "yes";

/** A jump never passes a descriptor. */
export const proxyUseFdpass: OptionRule = (view, keyword) =>
  view.host.proxy.kind === "jump" ? one("no", null) : state(choices.flagStates, "no")(view, keyword);

export const proxyCommand: OptionRule = (view, keyword) => {
  if (view.host.proxy.kind !== "command") return [];
  // As written: its tokens are expanded when it runs.
  const texts = view.lines(keyword).map(({ rest, origin }) => ({ value: restOf(rest), origin }));
  return texts.slice(0, 1);
};

const restOf = (rest: string): string => rest.replace(/^[ \t\r\n=]+/, "");

export const proxyJump: OptionRule = (view, keyword) => {
  if (view.host.proxy.kind !== "jump") return [];
  const [line] = view.lines(keyword);
  return line === undefined ? [] : one(format.proxyJump(jumpText(line)), line.origin);
};

export const tunnel: OptionRule = (view, keyword) =>
  isSet(view, "clearallforwardings")
    ? one("false", originOf(view, "clearallforwardings"))
    : state(choices.tunnelStates, "false")(view, keyword);

/** Off where ssh could not tell that the keys were learnt from the file, and `ask` where nobody could answer. */
export const updateHostKeys: OptionRule = (view, keyword) => {
  const [line] = view.lines(keyword);
  if (line === undefined) {
    const files = view.lines("userknownhostsfile").find(({ args }) => args.length > 0)?.args ?? [];
    const isUsual = files.length === 0 || (files.length === 1 && files[0] === "~/.ssh/known_hosts");
    const asksDns = firstValue(state(choices.askStates, "false"), view, "verifyhostkeydns") !== "false";
    return one(isUsual && !asksDns ? "true" : "false", null);
  }
  const value = firstValue(state(choices.askStates, ""), view, keyword);
  const isQuiet = ["SILENT", "FATAL", "ERROR"].includes(
    firstValue(state(choices.logLevelStates, "INFO"), view, "loglevel"),
  );
  const persists =
    firstValue(controlPersist, view, "controlpersist") !== "no" && controlPath(view, "controlpath").length > 0;
  const noTerminal = firstValue(state(choices.requestTtyStates, "auto"), view, "requesttty") === "false";
  const cannotAsk = persists || view.host.remoteCommand !== null || noTerminal || isQuiet;
  return one(value === "ask" && cannotAsk ? "false" : value, line.origin);
};

export const serverAliveInterval: OptionRule = (view, keyword) =>
  seconds(isSet(view, "batchmode") ? String(batchAliveSeconds) : "0")(view, keyword);

export const controlPath: OptionRule = (view, keyword) => {
  const [line] = view.lines(keyword);
  const path = line?.args[0] ?? "none";
  return line === undefined || lowerCase(path) === "none"
    ? []
    : one(expandValue(path, view.facts, line.origin), line.origin);
};

export const identityAgent: OptionRule = (view, keyword) =>
  view
    .lines(keyword)
    .slice(0, 1)
    .map(({ args, origin }) => ({ value: expandValue(args[0] ?? "", view.facts, origin), origin }));

export const remoteCommand: OptionRule = (view, keyword) =>
  view.host.remoteCommand === null ? [] : one(view.host.remoteCommand, originOf(view, keyword));

/** `-i` has its `~` taken out at once. */
export const identityFile = ({ args, origin }: Directive, { facts }: OptionView): string => {
  const path = args[0] ?? "";
  return isArgument(origin) ? (expandTilde(path, facts.home) ?? path) : path;
};

const isNone = (args: readonly string[]): boolean => lowerCase(args[0] ?? "") === "none";

export const globalKnownHostsFile: OptionRule = ({ lines }, keyword) => {
  const line = lines(keyword).find(({ args }) => args.length > 0);
  if (line === undefined) return one("/etc/ssh/ssh_known_hosts /etc/ssh/ssh_known_hosts2", null);
  return one(isNone(line.args) ? "none" : line.args.join(" "), line.origin);
};

export const userKnownHostsFile: OptionRule = (view, keyword) => {
  const line = view.lines(keyword).find(({ args }) => args.length > 0);
  if (line === undefined) {
    return one(["known_hosts", "known_hosts2"].map((name) => `${view.facts.home}/.ssh/${name}`).join(" "), null);
  }
  const paths = line.args.map((path) => expandValue(path, view.facts, line.origin));
  return one(isNone(line.args) ? "none" : paths.join(" "), line.origin);
};

/** Each line adds names, or takes away what a pattern behind a minus matches. */
export const sendEnv: OptionRule = ({ lines }, keyword) => {
  let sent: OptionLine[] = [];
  for (const { args, origin } of lines(keyword)) {
    for (const value of args) {
      if (value.startsWith("-")) sent = sent.filter((known) => !matchGlob(known.value, value.slice(1)));
      else sent.push({ value, origin });
    }
  }
  return sent;
};

/** The first line alone, and of a name the first value. */
export const setEnv: OptionRule = ({ lines }, keyword) => {
  const line = lines(keyword).find(({ args }) => args.length > 0);
  const byName = new Map<string, OptionLine>();
  for (const value of line?.args ?? []) {
    const [name = ""] = value.split("=", 1);
    if (!byName.has(name)) byName.set(name, { value, origin: line?.origin ?? null });
  }
  return [...byName.values()];
};

/** ssh keeps the first word only. */
export const logVerbose: OptionRule = ({ lines }, keyword) => {
  const line = lines(keyword).find(({ args }) => args.length > 0);
  return one(line?.args[0] ?? "none", line?.origin ?? null);
};

export const permittedCname = (text: string): string => {
  if (text === "*") return "*:*";
  return lowerCase(text);
};

export const addKeysToAgent: OptionRule = ({ lines }, keyword) => {
  const [line] = lines(keyword);
  if (line === undefined) return one("false", null);
  const [first = "", second] = line.args;
  const known = choices.confirmStates.get(lowerCase(first));
  const lifetime = known === undefined ? parseSeconds(first) : parseSeconds(second ?? "");
  if (lifetime === null || lifetime === 0) return one(known ?? "true", line.origin);
  return one(known === undefined ? String(lifetime) : `${known} ${lifetime}`, line.origin);
};

/** The flag and the socket are set apart from each other; the socket is what is shown. */
export const forwardAgent: OptionRule = (view, keyword) => {
  const lines = view.lines(keyword);
  const socket = lines.find(({ args }) => !choices.flagStates.has(lowerCase(args[0] ?? "")));
  if (socket !== undefined) return one(expandValue(socket.args[0] ?? "", view.facts, socket.origin), socket.origin);
  return state(choices.flagStates, "no")(view, keyword);
};

export const controlPersist: OptionRule = word("no", (text) => {
  const known = /^(yes|true)$/.test(text) ? "yes" : /^(no|false)$/.test(text) ? "no" : null;
  // No time at all is no end.
  return known ?? (parseSeconds(text) === 0 ? "yes" : String(parseSeconds(text)));
});

export const ipQos: OptionRule = ({ lines }, keyword) => {
  const [line] = lines(keyword);
  if (line === undefined) return one("lowdelay throughput", null);
  const [interactive = "", bulk = interactive] = line.args;
  return one([interactive, bulk].map(format.tosName).join(" "), line.origin);
};

/** Bytes and seconds are set apart from each other. */
export const rekeyLimit: OptionRule = ({ lines }, keyword) => {
  const [first] = lines(keyword);
  const size = first?.args[0] ?? "default";
  const interval = lines(keyword).find(({ args }) => args[1] !== undefined && args[1] !== "none")?.args[1];
  const bytes = size === "default" ? 0 : parseBytes(size);
  return one(`${bytes} ${parseSeconds(interval ?? "0")}`, first?.origin ?? null);
};

/** The one option whose last line counts. */
export const streamLocalBindMask: OptionRule = ({ lines }, keyword) => {
  const line = lines(keyword).at(-1);
  return one(line === undefined ? "0177" : format.octalMask(line.args[0] ?? ""), line?.origin ?? null);
};

const forwards = (view: OptionView, lines: readonly Directive[]): Forward[] => {
  if (isSet(view, "clearallforwardings")) return [];
  return forwardsOf(lines, {
    variables: (text, origin) => expandVariables(text, view.facts.variables, origin),
    tokens: (text, origin) => expandRemoteCommand(text, view.facts, origin),
  });
};

/** Lines of both kinds as they were met, which is known of those of one file. */
const localLines = ({ lines }: OptionView): Directive[] => {
  const rest = [...lines("dynamicforward")];
  const merged: Directive[] = [];
  for (const line of lines("localforward")) {
    const isLater = ({ origin }: Directive): boolean =>
      origin.file === line.origin.file && origin.line > line.origin.line;
    while (rest[0]?.origin.file === line.origin.file && !isLater(rest[0])) merged.push(...rest.splice(0, 1));
    merged.push(line);
  }
  return [...merged, ...rest];
};

export const dynamicForwards: OptionRule = (view) =>
  forwards(view, localLines(view))
    .filter((forward) => isPrintedAs(forward, "dynamicforward"))
    .map((forward) => ({ value: listenText(forward), origin: forward.origin }));

export const localForwards: OptionRule = (view) =>
  forwards(view, localLines(view))
    .filter((forward) => isPrintedAs(forward, "localforward"))
    .map((forward) => ({ value: forwardText(forward), origin: forward.origin }));

export const remoteForwards: OptionRule = (view) =>
  forwards(view, view.lines("remoteforward")).map((forward) => ({
    value: forwardText(forward),
    origin: forward.origin,
  }));
