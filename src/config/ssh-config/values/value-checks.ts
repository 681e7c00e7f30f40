/** What ssh checks of a line's arguments, whether its block applies or not: readconf.c, OpenSSH 9.2. */
import { shown } from "../../../core/escape.ts";
import type { Directive } from "../directive.ts";
import { lowerCase, matchPatternList } from "../match-pattern.ts";
import { invalidAt } from "../origin.ts";
import { type AlgorithmKind, opensshAlgorithms } from "./algorithm-list.ts";
import type { States } from "./choices.ts";
import { isDomain, parseJumpHops } from "./jump-hops.ts";
import { parsePortNumber } from "./port-number.ts";
import { parseBytes, parseSeconds, parseWhole } from "./time-value.ts";

/**
 * @param title the keyword as the manual writes it
 * @throws SshMcpError CONFIG_INVALID or INVALID_INPUT
 */
export type Check = (directive: Directive, title: string) => void;

/** Not looked at. */
export const any: Check = () => {};

/** The rest of the line, whatever it is. */
export const line: Check = () => {};

const first = ({ args, origin }: Directive, title: string): string => {
  const [word] = args;
  if (word === undefined || word === "") throw invalidAt(origin, `${title} has no argument`);
  return word;
};

/** At most so many words; of the first, one that is not empty. */
const upTo = ({ args, origin }: Directive, title: string, most: number): void => {
  const extra = args[most];
  if (extra === undefined) return;
  const count = most === 1 ? "one argument" : `${most} arguments`;
  throw invalidAt(origin, `${title} takes ${count}, and ${shown(extra)} is another`);
};

/** One word that this accepts. @param wanted for the message */
const oneOf =
  (accepts: (word: string) => boolean, wanted: string): Check =>
  (directive, title) => {
    const text = first(directive, title);
    if (!accepts(text)) throw invalidAt(directive.origin, `${title} takes ${wanted}, not ${shown(text)}`);
    upTo(directive, title, 1);
  };

export const word = oneOf(() => true, "one word");
export const flag = oneOf((text) => /^(yes|no|true|false)$/i.test(text), "yes or no");
export const integer = oneOf((text) => parseWhole(text) !== null, "a whole number");
export const time = oneOf((text) => text === "none" || parseSeconds(text) !== null, "a time such as 30 or 5m");
export const port = oneOf((text) => parsePortNumber(text) !== null, "a number from 1 to 65535");
export const octalMask = oneOf((text) => {
  const digits = /^\s*[+]?0*([0-7]+)/.exec(text)?.[1];
  return digits !== undefined && Number.parseInt(digits, 8) <= 0o777;
}, "an octal mask");
export const escapeCharacter = oneOf(
  (text) => text === "none" || /^\^[\x40-\x7f]$/.test(text) || Buffer.byteLength(text) === 1,
  "one character, ^ and a letter, or none",
);
export const tunnelDevice = oneOf(
  (text) => text.split(":").length <= 2 && text.split(":").every((unit) => /^any$/i.test(unit) || isUnit(unit)),
  "LOCAL[:REMOTE], numbers or any",
);
const isUnit = (text: string): boolean => parseWhole(text, 0x7ffffffd) !== null;

/** Debian's kex_gss_names_valid: what a name begins with is the algorithm, what follows the mechanism. */
export const gssKex = oneOf(
  (text) =>
    text.split(",").every((name) => /^gss-(gex|group1|group14|group16|nistp256|curve25519)-sha(1|256|512)-/.test(name)),
  "names such as gss-group14-sha256-",
);

/** One of some words, in either case. @param wanted for the message */
export const choice = (states: States, wanted: string = [...states.keys()].join(", ")): Check =>
  oneOf((text) => states.has(lowerCase(text)), wanted);

/** ControlPersist, whose words are in lower case. */
export const timeOrFlag = oneOf(
  (text) => /^(yes|no|true|false)$/.test(text) || parseSeconds(text) !== null,
  "yes, no or a time such as 5m",
);

/** Any number of words, none of them empty. */
export const words: Check = ({ args, origin }, title) => {
  if (args.includes("")) throw invalidAt(origin, `${title} has an empty argument`);
};

/** Any number of words, or `none` alone. */
export const wordsOrNone: Check = (directive, title) => {
  words(directive, title);
  noneAlone(directive, title);
};

/** Paths, or `none` alone: UserKnownHostsFile and GlobalKnownHostsFile (SSH_MAX_HOSTS_FILES). */
export const hostsFiles: Check = (directive, title) => {
  wordsOrNone(directive, title);
  if (directive.args.length > 32) throw invalidAt(directive.origin, `${title} names more than 32 files`);
};

const noneAlone = ({ args, origin }: Directive, title: string, alone = /^none$/i): void => {
  const found = args.find((arg) => alone.test(arg));
  if (found !== undefined && args.length > 1) throw invalidAt(origin, `${title}: ${found} must stand alone`);
};

export const rekeyLimit: Check = (directive, title) => {
  const size = first(directive, title);
  const bytes = size === "default" ? 0 : parseBytes(size);
  if (bytes === null) throw invalidAt(directive.origin, `${title} takes a size such as 1G, not ${shown(size)}`);
  if (bytes !== 0 && bytes < 16) throw invalidAt(directive.origin, `${title} ${shown(size)} is less than 16 bytes`);
  const interval = directive.args[1];
  if (interval !== undefined && interval !== "none" && parseSeconds(interval) === null) {
    throw invalidAt(directive.origin, `${title} takes a time such as 1h after the size, not ${shown(interval)}`);
  }
  upTo(directive, title, 2);
};

export const addKeysToAgent: Check = (directive, title) => {
  const [mode = "", lifetime] = directive.args;
  const known = /^(yes|no|true|false|ask|confirm)$/i.test(mode);
  const asTime = parseSeconds(lifetime ?? mode) !== null;
  if (lifetime === undefined ? known || asTime : /^confirm$/i.test(mode) && asTime) return upTo(directive, title, 2);
  throw invalidAt(
    directive.origin,
    `${title} takes yes, no, ask, confirm [TIME] or a time, not ${shown(directive.args.join(" "))}`,
  );
};

export const sendEnv: Check = ({ args, origin }, title) => {
  const wrong = args.find((arg) => arg === "" || arg.includes("="));
  if (wrong !== undefined) throw invalidAt(origin, `${title} takes names of variables, not ${shown(wrong)}`);
};

export const setEnv: Check = ({ args, origin }, title) => {
  const wrong = args.find((arg) => !arg.includes("="));
  // The text may be a secret that somebody forgot to name.
  if (wrong !== undefined) throw invalidAt(origin, `${title} takes NAME=VALUE, and has an argument without =`);
};

export const ipqos: Check = (directive, title) => {
  const wrong = [first(directive, title), ...directive.args.slice(1, 2)].find((text) => !isQos(text));
  if (wrong !== undefined) throw invalidAt(directive.origin, `${title} does not know ${shown(wrong)}`);
  upTo(directive, title, 2);
};

const isQos = (text: string): boolean =>
  /^(af[1-4][1-3]|cs[0-7]|ef|le|lowdelay|throughput|reliability|none)$/i.test(text) ||
  (/^\s*[+]?(0x[0-9a-f]+|\d+)$/i.test(text) && Number(text) <= 255);

/** readconf.c oCanonicalDomains and misc.c valid_domain. */
export const canonicalDomains: Check = (directive, title) => {
  words(directive, title);
  noneAlone(directive, title);
  const wrong = directive.args.find((domain) => !isDomain(domain));
  if (wrong !== undefined) throw invalidAt(directive.origin, `${title} takes domains, not ${shown(wrong)}`);
  tooMany(directive, title);
};

export const permittedCnames: Check = (directive, title) => {
  noneAlone(directive, title);
  const wrong = directive.args.find((rule) => !/^none$/i.test(rule) && rule !== "*" && !/^[^:]*:./s.test(rule));
  if (wrong !== undefined) throw invalidAt(directive.origin, `${title} takes SOURCES:TARGETS, not ${shown(wrong)}`);
  tooMany(directive, title);
};

/** MAX_CANON_DOMAINS. */
const tooMany = ({ args, origin }: Directive, title: string): void => {
  if (args.length > 32) throw invalidAt(origin, `${title} has more than 32 arguments`);
};

/** readconf.c parse_jump. */
export const proxyJump: Check = ({ rest, origin }, title) => {
  const list = afterDelimiter(rest);
  if (lowerCase(list) !== "none" && parseJumpHops(list) === null)
    throw invalidAt(origin, `${title} takes [USER@]HOST[:PORT],…, not ${shown(list)}`);
};

/** The value of a keyword that takes the rest of its line. */
export const afterDelimiter = (rest: string): string => rest.replace(/^[ \t\r\n=]+/, "");

/** Names of algorithms; `-list` may hold any. */
export const algorithms =
  (kind: AlgorithmKind): Check =>
  (directive, title) => {
    const text = first(directive, title);
    const list = text.replace(/^[+^]/, "");
    // As in ssh, what follows an empty name is not looked at.
    const names = list.split(",");
    const end = names.indexOf("");
    const unknown = (end < 0 ? names : names.slice(0, end)).find((name) => !isAlgorithm(kind, name));
    if (!text.startsWith("-") && (unknown !== undefined || list === "")) {
      throw invalidAt(
        directive.origin,
        `${title} names an algorithm that ssh does not know: ${shown(unknown ?? text)}`,
      );
    }
    upTo(directive, title, 1);
  };

const isAlgorithm = (kind: AlgorithmKind, name: string): boolean => {
  const known = opensshAlgorithms[kind];
  if (known.includes(name)) return true;
  // Types of keys may be patterns.
  const pattern = name.startsWith("!") ? name.slice(1) : name;
  return kind === "hostKey" && known.some((one) => matchPatternList(one, pattern, false));
};
