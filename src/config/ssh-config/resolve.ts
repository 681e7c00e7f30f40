/**
 * What ssh_config(5) says about one host, equal to `ssh -G` of OpenSSH 9.2. The first value of a keyword wins, but for those that add up.
 * What ssh knows and we do not act on is passed over, and listed: see keywords.ts.
 */

import { SshMcpError } from "../../core/errors.ts";
import type { Directive } from "./directive.ts";
import { Evaluation } from "./evaluation.ts";
import type { PathFacts } from "./expand.ts";
import { type ConfigPlace, configFiles } from "./files/parsed-files.ts";
import type { ConfigFile } from "./files/parser.ts";
import { type Alias, aliasesIn, namesHost } from "./host-lines.ts";
import { hostValues } from "./host-values.ts";
import type { Commands, Names, Variables } from "./known-facts.ts";
import { lowerCase } from "./match-pattern.ts";
import { type Canonicalization, canonicalize } from "./names/canonicalize.ts";
import { validateHostname, validateRemoteUser } from "./names/host-name-check.ts";
import { parseOptions, requestDirective } from "./options.ts";
import { decidingProxy, jumpText } from "./proxy-way.ts";
import type { ResolvedHost } from "./resolved-host.ts";
import { checkLine } from "./unmet-lines.ts";
import { parsePortNumber } from "./values/port-number.ts";
import { choiceValue, flagValue, numberValue } from "./values/values.ts";

export interface HostRequest {
  /** The host as typed, without user and port. */
  host: string;
  /** From `-l` or `user@`; null leaves it to the configuration. */
  user: string | null;
  port: number | null;
  /** `-i`, in order. */
  identityFiles: readonly string[];
  /** `-F`: this file instead of the user's and the system's; `none` reads none. */
  configFile: string | null;
  /** `-o`: `Keyword=value` or `Keyword value`. They win over `user` and `port`, as they do over `user@host` in ssh. */
  options: readonly string[];
}

/** The world the request is made in; nothing is taken from this process's own environment. */
export interface HostEnvironment extends ConfigPlace {
  localUser: string;
  /** For `${NAME}` in paths. */
  variables: Variables;
  /** For `Match exec`; left out, one that decides is an error. */
  commands?: Commands;
  /** For CanonicalizeHostname; left out, a name that is to be looked up is an error. */
  names?: Names;
}

/** What holds for a host, and why. */
export interface Resolution {
  host: ResolvedHost;
  /**
   * The lines that were met in blocks that apply, by keyword in lower case (an alias's lines are those of what it stands for), in ssh's order
   * over both readings. Of most keywords the first one counts.
   */
  directives: ReadonlyMap<string, readonly Directive[]>;
  /** What tokens stand for in the end. */
  facts: PathFacts;
}

/** @throws as `resolve` */
export const resolveHost = (request: HostRequest, env: HostEnvironment): ResolvedHost => resolve(request, env).host;

/**
 * @throws SshMcpError CONFIG_INVALID for a file ssh would not accept, INVALID_INPUT for an option or a name it would not accept, UNSUPPORTED for
 *   what applies to this host and we cannot do, each naming file and line or `-o`; DNS_FAILED, PRECONDITION_FAILED where ssh itself would give up
 */
export const resolve = (request: HostRequest, env: HostEnvironment): Resolution => {
  validateHostname(request.host);
  if (request.user !== null) validateRemoteUser(request.user);
  const files = configFiles(request.configFile, env);
  const evaluation = new Evaluation(request.host, { ...env, commands: env.commands ?? noCommands });
  for (const directive of requestDirectives(request)) {
    checkLine(directive);
    evaluation.apply(directive, true);
  }
  for (const file of files) evaluation.read(file);

  const canonicalization = canonicalizationOf(evaluation);
  const host = canonicalize(evaluation.hostname(), canonicalization, env.names ?? noNames);
  if (evaluation.wantsFinalReading || canonicalization.mode !== "no") {
    evaluation.beginFinalReading(host);
    for (const file of files) evaluation.read(file);
  }
  const alias = evaluation.first("hostkeyalias")?.args[0];
  const proxy = decidingProxy(evaluation.proxies);
  const facts: PathFacts = {
    ...{ home: env.home, cwd: env.cwd, localUser: env.localUser, variables: env.variables },
    ...{ originalHost: request.host, host, user: evaluation.user() },
    port: parsePortNumber(evaluation.first("port")?.args[0] ?? "") ?? 22,
    keyAlias: alias === undefined ? null : lowerCase(alias),
    jump: proxy?.keyword === "proxyjump" ? jumpText(proxy) : "",
  };
  const isAlias = files.some((file) => namesHost(file, request.host));
  const values = hostValues(evaluation, facts, new Set(request.identityFiles).size);
  return { host: { ...values, isAlias }, directives: evaluation.directives, facts };
};

/**
 * Whether a Host line names this text exactly, without wildcards. Such a text is a host even when it looks like
 * `user@host` or `host:port`, so ask this before cutting a destination apart.
 * @throws SshMcpError CONFIG_INVALID
 */
export const isHostAlias = (text: string, configFile: string | null, env: ConfigPlace): boolean =>
  configFiles(configFile, env).some((file: ConfigFile) => namesHost(file, text));

/**
 * The hosts that Host lines of all files name without wildcards, in order, each once, with the first line that names it.
 * @throws SshMcpError CONFIG_INVALID
 */
export const listAliases = (configFile: string | null, env: ConfigPlace): Alias[] => {
  const found = new Map<string, Alias>();
  for (const alias of configFiles(configFile, env).flatMap(aliasesIn)) {
    if (!found.has(alias.name)) found.set(alias.name, alias);
  }
  return [...found.values()];
};

/** In the order in which they win: `-o` before `-l`, `-p` and the destination, as for `ssh -o User=a b@host`. */
const requestDirectives = (request: HostRequest): Directive[] => [
  ...request.identityFiles.map((path) => requestDirective("identityfile", path)),
  ...parseOptions(request.options),
  ...(request.user === null ? [] : [requestDirective("user", request.user)]),
  ...(request.port === null ? [] : [requestDirective("port", String(request.port))]),
];

const canonicalizationOf = (evaluation: Evaluation): Canonicalization => {
  const rules = evaluation.first("canonicalizepermittedcnames")?.args ?? [];
  return {
    mode: choiceValue(evaluation.first("canonicalizehostname"), ["no", "yes", "always"], "no", { true: "yes" }),
    // A dot at the end says nothing more.
    domains: (evaluation.first("canonicaldomains")?.args ?? []).map((domain) => lowerCase(domain).replace(/\.$/, "")),
    maxDots: numberValue(evaluation.first("canonicalizemaxdots"), 1),
    fallbackLocal: flagValue(evaluation.first("canonicalizefallbacklocal"), true),
    permittedCnames: lowerCase(rules[0] ?? "none") === "none" ? [] : rules.map(permittedCname),
    isDirect: decidingProxy(evaluation.proxies) === null,
    family: choiceValue(evaluation.first("addressfamily"), ["any", "inet", "inet6"], "any"),
  };
};

const permittedCname = (rule: string): { sources: string; targets: string } => {
  if (rule === "*") return { sources: "*", targets: "*" };
  const cut = rule.indexOf(":");
  return { sources: lowerCase(rule.slice(0, cut)), targets: lowerCase(rule.slice(cut + 1)) };
};

const notAsked = (what: string): SshMcpError =>
  new SshMcpError("UNSUPPORTED", `${what} is not known here`, { hint: "man ssh_config" });

const noCommands: Commands = {
  succeeds: () => {
    throw notAsked("how a command of Match exec ends");
  },
};

const noNames: Names = {
  lookUp: () => {
    throw notAsked("whether a host name exists");
  },
};
