/** LocalForward, RemoteForward and DynamicForward as `ssh -G` prints them (readconf.c parse_forward and dump_cfg_forwards). */

import type { Directive } from "../directive.ts";
import type { Origin } from "../origin.ts";

export interface Forward {
  listenHost: string | null;
  listenPort: number;
  listenPath: string | null;
  connectHost: string | null;
  connectPort: number;
  connectPath: string | null;
  origin: Origin;
}

/** The two expansions ssh makes: variables before a forward is cut apart, tokens in its socket paths when all is known. */
export interface ForwardExpansion {
  variables: (text: string, origin: Origin) => string;
  tokens: (text: string, origin: Origin) => string;
}

/** `socks` stands for a forward whose target the client names. */
const dynamicHost = "socks";

/** The forwards of some lines, each once, with paths expanded. */
export const forwardsOf = (lines: readonly Directive[], expand: ForwardExpansion): Forward[] => {
  const forwards: Forward[] = [];
  for (const { keyword, args, origin } of lines) {
    const [listen = "", target = ""] = args;
    const isDynamic = keyword === "dynamicforward" || target === "";
    const forward = parse(expand.variables(isDynamic ? listen : `${listen}:${target}`, origin), origin);
    if (!forwards.some((known) => identity(known) === identity(forward))) forwards.push(forward);
  }
  const path = (text: string | null, origin: Origin): string | null => text && expand.tokens(text, origin);
  return forwards.map((forward) => ({
    ...forward,
    listenPath: path(forward.listenPath, forward.origin),
    connectPath: path(forward.connectPath, forward.origin),
  }));
};

const identity = ({ origin: _, ...forward }: Forward): string => JSON.stringify(forward);

/** Whether a line of DynamicForward, or of LocalForward, is printed for it. One to a socket is printed as both. */
export const isPrintedAs = (forward: Forward, keyword: "dynamicforward" | "localforward"): boolean =>
  forward.connectHost === null || (forward.connectHost === dynamicHost) === (keyword === "dynamicforward");

export const listenText = (forward: Forward): string =>
  forward.listenPath ?? address(forward.listenHost, forward.listenPort);

export const forwardText = (forward: Forward): string =>
  `${listenText(forward)} ${forward.connectPath ?? address(forward.connectHost, forward.connectPort)}`;

const address = (host: string | null, port: number): string => (host === null ? String(port) : `[${host}]:${port}`);

const parse = (text: string, origin: Origin): Forward => {
  const fields = fieldsOf(text.trimStart());
  const empty = { listenHost: null, listenPath: null, connectHost: null, connectPath: null };
  const none: Forward = { ...empty, listenPort: 0, connectPort: 0, origin };
  const [first, second, third, fourth] = fields;
  if (first === undefined) return none;
  if (second === undefined) return { ...none, ...listen(first), connectHost: dynamicHost };
  if (third === undefined) {
    if (second.isPath) return { ...none, ...listen(first), connectPath: second.text };
    return { ...none, listenHost: first.text, listenPort: Number(second.text), connectHost: dynamicHost };
  }
  if (fourth === undefined) {
    if (!first.isPath && third.isPath) {
      return { ...none, listenHost: first.text, listenPort: Number(second.text), connectPath: third.text };
    }
    return { ...none, ...listen(first), connectHost: second.text, connectPort: Number(third.text) };
  }
  return {
    ...none,
    listenHost: first.text,
    listenPort: Number(second.text),
    connectHost: third.text,
    connectPort: Number(fourth.text),
  };
};

interface Field {
  text: string;
  /** A slash makes it the path of a socket. */
  isPath: boolean;
}

const listen = (field: Field): Pick<Forward, "listenPath" | "listenPort"> =>
  field.isPath ? { listenPath: field.text, listenPort: 0 } : { listenPath: null, listenPort: Number(field.text) };

/** Cut at colons; brackets keep theirs, and a backslash takes the next character as it is. */
const fieldsOf = (text: string): Field[] => {
  const fields: Field[] = [];
  let rest = text;
  while (rest !== "") {
    const bracketed = /^\[([^\]]*)\](?::|$)/.exec(rest);
    const [taken = rest, written = rest] = bracketed ?? /^((?:\\.|[^\\:])*):?/s.exec(rest) ?? [];
    const plain = bracketed === null ? written.replace(/\\(.)/gs, "$1") : written;
    fields.push({ text: plain, isPath: (bracketed === null ? written.replace(/\\./gs, "") : written).includes("/") });
    rest = taken === "" ? "" : rest.slice(taken.length);
  }
  return fields;
};
