/** The `Match` line of ssh_config(5). */
import { shown } from "../../core/escape.ts";
import { cutWord } from "./lexer.ts";
import { lowerCase, matchHostname, matchPatternList } from "./match-pattern.ts";
import { invalidAt, type Origin, unsupportedAt } from "./origin.ts";

export interface Criterion {
  /** In lower case. */
  name: string;
  negated: boolean;
  /** Null for the criteria that take none. */
  argument: string | null;
}

/** What is known of the host when a `Match` line is reached: values that later lines set do not count. */
export interface MatchFacts {
  /** The host name as resolved so far. */
  host: string;
  /** As typed. */
  originalHost: string;
  user: string;
  localUser: string;
}

const withoutArgument: ReadonlySet<string> = new Set(["canonical", "final"]);
const withArgument: ReadonlySet<string> = new Set([
  "host",
  "originalhost",
  "user",
  "localuser",
  "exec",
  // OpenSSH 9.4 and 10.
  "localnetwork",
  "tagged",
  "version",
  "sessiontype",
  "command",
]);

/**
 * @param rest the line after `Match`
 * @throws SshMcpError CONFIG_INVALID
 */
export const parseMatch = (rest: string, origin: Origin): Criterion[] => {
  const criteria: Criterion[] = [];
  let left: string | null = rest;
  const next = (): string => {
    const cut = left === null ? null : cutWord(left);
    left = cut?.rest ?? null;
    return cut?.word ?? "";
  };
  for (let written = next(); written !== ""; written = next()) {
    if (written.startsWith("#")) {
      left = null;
      break;
    }
    const negated = written.startsWith("!");
    const name = lowerCase(negated ? written.slice(1) : written);
    if (name === "all") {
      const after = next();
      if (criteria.length > 1 || (after !== "" && !after.startsWith("#"))) {
        throw invalidAt(origin, `Match ${written} stands alone, or after one criterion`);
      }
      criteria.push({ name, negated, argument: null });
      if (after.startsWith("#")) left = null;
      break;
    }
    if (withoutArgument.has(name)) {
      criteria.push({ name, negated, argument: null });
      continue;
    }
    // The argument is looked for first, as in ssh: its absence is the error even after an unknown criterion.
    const argument = next();
    if (argument === "" || argument.startsWith("#")) throw invalidAt(origin, `Match ${written} has no argument`);
    if (!withArgument.has(name)) throw invalidAt(origin, `Match does not know the criterion ${shown(written)}`);
    criteria.push({ name, negated, argument });
  }
  if (criteria.length === 0) throw invalidAt(origin, "Match has no criterion");
  if (left !== null && left !== "") throw invalidAt(origin, `Match has more arguments than criteria: ${shown(left)}`);
  return criteria;
};

/**
 * Whether all criteria hold.
 * @throws SshMcpError UNSUPPORTED when all that we evaluate hold and one that we cannot evaluate would decide
 */
export const evaluateMatch = (criteria: readonly Criterion[], facts: MatchFacts, origin: Origin): boolean => {
  let open: Criterion | null = null;
  for (const criterion of criteria) {
    const holds = evaluate(criterion, facts);
    if (holds === null) open ??= criterion;
    else if (holds === criterion.negated) return false;
  }
  if (open !== null)
    throw unsupportedAt(origin, `Match ${open.name} is not supported yet, and decides about this host`);
  return true;
};

const evaluate = (criterion: Criterion, facts: MatchFacts): boolean | null => {
  const list = criterion.argument ?? "";
  switch (criterion.name) {
    case "all":
      return true;
    case "host":
      return matchHostname(facts.host, list);
    case "originalhost":
      return matchHostname(facts.originalHost, list);
    case "user":
      return matchPatternList(facts.user, list, false);
    case "localuser":
      return matchPatternList(facts.localUser, list, false);
    default:
      return null;
  }
};
