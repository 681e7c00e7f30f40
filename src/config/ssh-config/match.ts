/** The `Match` line of ssh_config(5). */
import { shown } from "../../core/escape.ts";
import { cutWord } from "./files/lexer.ts";
import { isLocalNetwork, parseNetworks } from "./local-network.ts";
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
  /** Empty without one. */
  tag: string;
  /** Whether the configuration is read for the second time. */
  isFinal: boolean;
  /**
   * Runs a command line, or knows how it ended.
   * @param decides whether the outcome does; else only its tokens are checked, and false comes back
   */
  succeeds(command: string, decides: boolean): boolean;
}

/** OpenSSH 10's: whether they hold depends on what is to be run, which a connection does not know. */
const unknown: ReadonlySet<string> = new Set(["version", "sessiontype", "command"]);

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
  ...unknown,
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
    if (name === "localnetwork" && parseNetworks(argument) === null) {
      throw invalidAt(origin, `Match localnetwork takes networks such as 10.0.0.0/8, not ${shown(argument)}`);
    }
    criteria.push({ name, negated, argument });
  }
  if (criteria.length === 0) throw invalidAt(origin, "Match has no criterion");
  if (left !== null && left !== "") throw invalidAt(origin, `Match has more arguments than criteria: ${shown(left)}`);
  return criteria;
};

/**
 * Whether all criteria hold.
 * @param isReached whether the place it stands at applies: else it does not hold, and no command is run for it
 * @throws SshMcpError UNSUPPORTED when all that we evaluate hold and one that we cannot evaluate would decide; what `succeeds` throws
 */
export const evaluateMatch = (
  criteria: readonly Criterion[],
  facts: MatchFacts,
  isReached: boolean,
  origin: Origin,
): boolean => {
  let open: Criterion | null = null;
  let holds = isReached;
  for (const criterion of criteria) {
    if (unknown.has(criterion.name)) open ??= criterion;
    else if (evaluate(criterion, facts, holds && open === null) === criterion.negated) holds = false;
  }
  if (open !== null && holds)
    throw unsupportedAt(origin, `Match ${open.name} is not supported yet, and decides about this host`);
  return holds;
};

const evaluate = ({ name, argument }: Criterion, facts: MatchFacts, decides: boolean): boolean => {
  const list = argument ?? "";
  switch (name) {
    case "canonical":
    case "final":
      return facts.isFinal;
    case "host":
      return matchHostname(facts.host, list);
    case "originalhost":
      return matchHostname(facts.originalHost, list);
    case "user":
      return matchPatternList(facts.user, list, false);
    case "localuser":
      return matchPatternList(facts.localUser, list, false);
    case "tagged":
      return matchPatternList(facts.tag, list, false);
    case "localnetwork":
      return isLocalNetwork(parseNetworks(list) ?? []);
    case "exec":
      return facts.succeeds(list, decides);
    default:
      return true;
  }
};
