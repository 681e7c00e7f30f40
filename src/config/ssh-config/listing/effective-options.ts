/**
 * What holds for a host, option by option, in the names, the values and the order of `ssh -G` (OpenSSH 9.2, readconf.c
 * dump_client_config), with the place each comes from. It shows all that ssh knows: `acted` tells what we act on.
 */

import type { Directive } from "../directive.ts";
import type { PathFacts } from "../expand.ts";
import { keywordNamed } from "../keywords.ts";
import { lowerCase } from "../match-pattern.ts";
import type { Origin } from "../origin.ts";
import type { ResolvedHost } from "../resolved-host.ts";
import { assembleAlgorithms } from "../values/algorithm-list.ts";
import * as choices from "../values/choices.ts";
import { defaultGssKex, defaultIdentityLines, defaultXauth } from "./option-defaults.ts";
import * as format from "./option-format.ts";
import * as special from "./option-rules.ts";
import type { OptionRule, OptionView } from "./option-view.ts";
import * as rule from "./option-view.ts";

export interface EffectiveOption {
  /** As `ssh -G` writes it. */
  name: string;
  value: string;
  /** Where the value was written; null for a default. */
  origin: Origin | null;
  /** Whether we act on the option; ssh does on all. */
  acted: boolean;
  /** Whether variables of the caller's environment are in the value, which no agent is to read. */
  holdsVariables: boolean;
}

/** What `resolve` finds out about a host. */
export interface HostResolution {
  host: ResolvedHost;
  /** By keyword, the lines that apply, in the order in which they were met. */
  directives: ReadonlyMap<string, readonly Directive[]>;
  /** What tokens stand for in the end. */
  facts: PathFacts;
}

export interface AlgorithmSet {
  /** What is offered when nothing is written, in this order. */
  defaults: readonly string[];
  /** What can be offered. */
  supported: readonly string[];
}

/** For each list, by keyword. */
export type AlgorithmSets = Readonly<
  Record<
    | "ciphers"
    | "macs"
    | "kexalgorithms"
    | "hostkeyalgorithms"
    | "pubkeyacceptedalgorithms"
    | "casignaturealgorithms"
    | "hostbasedacceptedalgorithms",
    AlgorithmSet
  >
>;

/**
 * Every line that `ssh -G` prints. Lists of algorithms are what is offered out of `algorithms`. Asks for variables that nothing else needs: where
 * they are asked for in rounds, it belongs into the round.
 * @throws SshMcpError CONFIG_INVALID or INVALID_INPUT for a token or a variable in a value that only this shows
 */
export const effectiveOptions = (resolution: HostResolution, algorithms: AlgorithmSets): readonly EffectiveOption[] => {
  const { host, directives, facts } = resolution;
  const sets = new Map(Object.entries(algorithms));
  let holdsVariables = false;
  const get = (name: string): string | undefined => {
    holdsVariables = true;
    return facts.variables.get(name);
  };
  const view: OptionView = {
    host,
    typed: facts.originalHost,
    facts: { ...facts, variables: { get } },
    lines: (keyword) => directives.get(keyword) ?? [],
    offered: (keyword, written) => {
      const { defaults, supported } = sets.get(keyword) ?? { defaults: [], supported: [] };
      return assembleAlgorithms(written, defaults, supported).join(",");
    },
  };
  return rules.flatMap(([name, ofOption]) => {
    const keyword = lowerCase(name);
    const acted = keyword === "host" || keywordNamed(keyword)?.use === "acted";
    holdsVariables = false;
    const lines = ofOption(view, keyword);
    return lines.map(({ value, origin }) => ({ name, value, origin, acted, holdsVariables }));
  });
};

const flag = (standard: "yes" | "no"): OptionRule => rule.state(choices.flagStates, standard);
const { word, wordOrNone, integer, seconds, algorithms, command, state } = rule;

/** By the names that ssh -G prints, one of which is not in lower case. */
const rules: readonly (readonly [string, OptionRule])[] = [
  ["host", special.typedHost],
  ["user", special.user],
  ["hostname", special.hostname],
  ["port", special.port],
  ["addressfamily", state(choices.addressFamilyStates, "any")],
  ["batchmode", flag("no")],
  ["canonicalizefallbacklocal", flag("yes")],
  ["canonicalizehostname", state(choices.canonicalizeStates, "false")],
  ["checkhostip", flag("no")],
  ["compression", state(choices.compressionStates, "no")],
  ["controlmaster", state(choices.controlMasterStates, "false")],
  ["enablesshkeysign", flag("no")],
  ["clearallforwardings", flag("no")],
  ["exitonforwardfailure", flag("no")],
  ["fingerprinthash", state(choices.digestStates, "SHA256")],
  ["forwardx11", flag("no")],
  ["forwardx11trusted", flag("yes")],
  ["gatewayports", flag("no")],
  ["gssapiauthentication", flag("no")],
  ["gssapikeyexchange", flag("no")],
  ["gssapidelegatecredentials", flag("no")],
  ["gssapitrustdns", flag("no")],
  ["gssapirenewalforcesrekey", flag("no")],
  ["gssapiclientidentity", word(null)],
  ["gssapiserveridentity", word(null)],
  ["gssapikexalgorithms", word(defaultGssKex)],
  ["hashknownhosts", flag("no")],
  ["hostbasedauthentication", flag("no")],
  ["identitiesonly", flag("no")],
  ["kbdinteractiveauthentication", flag("yes")],
  ["nohostauthenticationforlocalhost", flag("no")],
  ["passwordauthentication", flag("yes")],
  ["permitlocalcommand", flag("no")],
  ["proxyusefdpass", special.proxyUseFdpass],
  ["pubkeyauthentication", state(choices.pubkeyStates, "true")],
  ["requesttty", state(choices.requestTtyStates, "auto")],
  ["sessiontype", state(choices.sessionTypeStates, "default")],
  ["stdinnull", flag("no")],
  ["forkafterauthentication", flag("no")],
  ["streamlocalbindunlink", flag("no")],
  ["stricthostkeychecking", state(choices.strictStates, "ask")],
  ["tcpkeepalive", flag("yes")],
  ["tunnel", special.tunnel],
  ["verifyhostkeydns", state(choices.askStates, "false")],
  ["visualhostkey", flag("no")],
  ["updatehostkeys", special.updateHostKeys],
  ["enableescapecommandline", flag("no")],

  ["canonicalizemaxdots", integer(1)],
  ["connectionattempts", integer(1)],
  ["forwardx11timeout", seconds("1200")],
  ["numberofpasswordprompts", integer(3)],
  ["serveralivecountmax", integer(3)],
  ["serveraliveinterval", special.serverAliveInterval],
  ["requiredrsasize", integer(1024)],

  ["bindaddress", word(null)],
  ["bindinterface", word(null)],
  ["ciphers", algorithms],
  ["controlpath", special.controlPath],
  ["hostkeyalgorithms", algorithms],
  ["hostkeyalias", word(null, lowerCase)],
  ["hostbasedacceptedalgorithms", algorithms],
  ["identityagent", special.identityAgent],
  ["ignoreunknown", word(null)],
  ["kbdinteractivedevices", word(null)],
  ["kexalgorithms", algorithms],
  ["casignaturealgorithms", algorithms],
  ["localcommand", command],
  ["remotecommand", special.remoteCommand],
  ["loglevel", state(choices.logLevelStates, "INFO")],
  ["macs", algorithms],
  ["pkcs11provider", wordOrNone(null)],
  ["securitykeyprovider", wordOrNone("internal")],
  ["preferredauthentications", word(null)],
  ["pubkeyacceptedalgorithms", algorithms],
  ["revokedhostkeys", wordOrNone(null)],
  ["xauthlocation", word(defaultXauth)],
  ["knownhostscommand", command],

  ["dynamicforward", special.dynamicForwards],
  ["localforward", special.localForwards],
  ["remoteforward", special.remoteForwards],

  ["identityfile", rule.files(defaultIdentityLines, special.identityFile)],
  ["canonicaldomains", rule.words("none", lowerCase)],
  ["certificatefile", rule.files([], ({ args }) => args[0] ?? "")],
  ["globalknownhostsfile", special.globalKnownHostsFile],
  ["userknownhostsfile", special.userKnownHostsFile],
  ["sendenv", special.sendEnv],
  ["setenv", special.setEnv],
  ["logverbose", special.logVerbose],

  ["permitremoteopen", rule.words("any")],
  ["addkeystoagent", special.addKeysToAgent],
  ["forwardagent", special.forwardAgent],
  ["connecttimeout", seconds("none")],
  ["tunneldevice", word("any:any", format.tunnelDevice)],
  ["canonicalizePermittedcnames", rule.words("none", special.permittedCname)],
  ["controlpersist", special.controlPersist],
  ["escapechar", word("~", format.escapeCharacter)],
  ["ipqos", special.ipQos],
  ["rekeylimit", special.rekeyLimit],
  ["streamlocalbindmask", special.streamLocalBindMask],
  ["syslogfacility", state(choices.facilityStates, "USER")],
  ["proxycommand", special.proxyCommand],
  ["proxyjump", special.proxyJump],
];
