/** LocalForward, RemoteForward, DynamicForward and PermitRemoteOpen: readconf.c parse_forward. */
import { shown } from "../../../core/escape.ts";
import type { Directive } from "../directive.ts";
import { lowerCase } from "../match-pattern.ts";
import { invalidAt } from "../origin.ts";
import { parsePortNumber } from "./port-number.ts";
import type { Check } from "./value-checks.ts";

type Kind = "local" | "remote" | "dynamic";

const kinds: ReadonlyMap<string, Kind> = new Map([
  ["localforward", "local"],
  ["remoteforward", "remote"],
  ["dynamicforward", "dynamic"],
]);

/** @param name of a keyword */
export const isForwarding = (name: string): boolean => kinds.has(name);

/** @throws SshMcpError CONFIG_INVALID or INVALID_INPUT, as every check of a line */
export const forward: Check = (directive, title) => {
  const { args, origin } = directive;
  const kind = kinds.get(lowerCase(title));
  const [listen = "", target = ""] = args;
  if (listen === "") throw invalidAt(origin, `${title} has no argument`);
  if (kind === "local" && target === "") throw invalidAt(origin, `${title} has no target`);
  // What a variable stands for decides whether it is a path.
  if (!args.slice(0, 2).some((text) => text.includes("${"))) checkForward(directive, title, (text) => text);
  const extra = args[kind === "dynamic" ? 1 : 2];
  if (extra !== undefined) throw invalidAt(origin, `${title} has one argument too many: ${shown(extra)}`);
};

/** @param expand its variables. @throws SshMcpError CONFIG_INVALID or INVALID_INPUT for what is no forward then, and what `expand` does */
export const checkForward = ({ args, origin }: Directive, title: string, expand: (text: string) => string): void => {
  const kind = kinds.get(lowerCase(title));
  const [listen = "", target = ""] = args;
  const isDynamic = kind === "dynamic" || target === "";
  const text = expand(isDynamic ? listen : `${listen}:${target}`);
  if (isForward(text, isDynamic, kind === "remote")) return;
  throw invalidAt(origin, `${title} takes [ADDRESS:]PORT${isDynamic ? "" : " HOST:PORT"}, not ${shown(text)}`);
};

interface Field {
  text: string;
  isPath: boolean;
}

const isForward = (text: string, isDynamic: boolean, isRemote: boolean): boolean => {
  const fields = fieldsOf(text.trimStart());
  if (fields === null) return false;
  const [one, two, three, four] = fields;
  if (one === undefined) return false;
  const listens = (field: Field): boolean => field.isPath || isPort(field, isRemote);
  if (isDynamic) {
    if (three !== undefined) return false;
    return two === undefined ? listens(one) : !two.isPath && isPort(two, isRemote);
  }
  if (two === undefined) return false;
  if (three === undefined) return two.isPath && listens(one);
  if (four === undefined) {
    if (one.isPath) return two.text !== "" && isPort(three, false);
    return three.isPath ? isPort(two, isRemote) : isPort(one, isRemote) && two.text !== "" && isPort(three, false);
  }
  return isPort(two, isRemote) && three.text !== "" && isPort(four, false);
};

/** @param zero whether the server may choose it */
const isPort = ({ text }: Field, zero: boolean): boolean =>
  parsePortNumber(text) !== null || (zero && /^\+?0+$/.test(text));

/** Cut at colons, at most four of them. @returns null for a bracket that is left open, and for more fields */
const fieldsOf = (text: string): Field[] | null => {
  const fields: Field[] = [];
  let rest = text;
  while (rest !== "") {
    const bracketed = rest.startsWith("[");
    const parts = bracketed ? /^\[([^\]]*)\](?::|$)/.exec(rest) : /^((?:\\.|[^\\:])*)(?::|$)/s.exec(rest);
    if (parts === null || fields.length === 4) return null;
    const [taken, written = ""] = parts;
    const plain = bracketed ? written : written.replace(/\\./gs, "");
    fields.push({ text: bracketed ? written : written.replace(/\\(.)/gs, "$1"), isPath: plain.includes("/") });
    rest = rest.slice(taken.length);
  }
  return fields;
};

/** @throws SshMcpError CONFIG_INVALID or INVALID_INPUT, as every check of a line */
export const permitRemoteOpen: Check = ({ args, origin }: Directive, title) => {
  if (args.length === 0) throw invalidAt(origin, `${title} has no argument`);
  for (const arg of args) {
    if (/^(none|any)$/i.test(arg)) {
      if (args.length > 1) throw invalidAt(origin, `${title}: ${arg} must stand alone`);
      continue;
    }
    const at = /^(?:\[[^\]]*\]|[^:/]*):(.+)$/s.exec(arg)?.[1];
    if (at === undefined || (at !== "*" && parsePortNumber(at) === null))
      throw invalidAt(origin, `${title} takes HOST:PORT, not ${shown(arg)}`);
  }
};
