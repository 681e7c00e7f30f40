/** Everything ssh_config(5) decides about a host, from the lines that were met: readconf.c fill_default_options, OpenSSH 9.2. */

import type { Directive } from "./directive.ts";
import type { Evaluation } from "./evaluation.ts";
import { absolute, expandHome, expandPath, expandRemoteCommand, type PathFacts } from "./expand.ts";
import { lowerCase } from "./match-pattern.ts";
import { invalidAt, unsupportedAt } from "./origin.ts";
import { decidingProxy, proxyWay } from "./proxy-way.ts";
import { fewestRsaBits, type ResolvedHost } from "./resolved-host.ts";
import { addKeysToAgent, forwardAgent, identityAgent } from "./values/agent-values.ts";
import { sentEnvironment, setEnvironment } from "./values/environment-values.ts";
import { afterDelimiter } from "./values/value-checks.ts";
import {
  choiceValue,
  filesValue,
  flagValue,
  numberValue,
  rekeyLimitValue,
  timeValue,
  wordOrNull,
} from "./values/values.ts";

const defaultIdentityFiles = ["id_rsa", "id_ecdsa", "id_ecdsa_sk", "id_ed25519", "id_ed25519_sk", "id_xmss", "id_dsa"];
const defaultUserKnownHostsFiles = ["known_hosts", "known_hosts2"];
const defaultGlobalKnownHostsFiles = ["/etc/ssh/ssh_known_hosts", "/etc/ssh/ssh_known_hosts2"];

/**
 * @param requested how many identity files, the first ones, the request names
 * @throws SshMcpError CONFIG_INVALID or INVALID_INPUT for a token, a variable or a user that does not exist, UNSUPPORTED
 */
export const hostValues = (
  evaluation: Evaluation,
  facts: PathFacts,
  requested: number,
): Omit<ResolvedHost, "isAlias"> => ({
  hostname: facts.host,
  port: facts.port,
  user: facts.user,
  ...wayValues(evaluation, facts),
  ...wireValues(evaluation),
  ...trustValues(evaluation, facts),
  ...loginValues(evaluation, facts, requested),
  ...sessionValues(evaluation, facts),
});

const wayValues = (evaluation: Evaluation, facts: PathFacts) => {
  const proxy = decidingProxy(evaluation.proxies);
  if (proxy?.keyword === "proxycommand") {
    evaluation.mustBeSafe(proxy.origin, "ProxyCommand");
    const passes = evaluation.first("proxyusefdpass");
    // The command would hand over a descriptor instead of carrying bytes.
    if (passes !== undefined && flagValue(passes, false))
      throw unsupportedAt(passes.origin, "ProxyUseFdpass is not supported, and decides how the host is reached");
  }
  const attempts = evaluation.first("connectionattempts");
  const connectionAttempts = numberValue(attempts, 1);
  if (attempts !== undefined && connectionAttempts === 0)
    throw invalidAt(attempts.origin, "ConnectionAttempts takes a number from 1 on");
  const lines = linesOf(evaluation);
  return {
    proxy: proxyWay(proxy, facts),
    addressFamily: choiceValue(evaluation.first("addressfamily"), ["any", "inet", "inet6"], "any"),
    bindAddress: wordOrNull(evaluation.first("bindaddress")),
    bindInterface: wordOrNull(evaluation.first("bindinterface")),
    // 0 is the system's own limit.
    connectTimeoutMs: timeValue(lines("connecttimeout")) || null,
    connectionAttempts,
    tcpKeepAlive: flagValue(evaluation.first("tcpkeepalive"), true),
    serverAliveIntervalMs: timeValue(lines("serveraliveinterval")),
    serverAliveCountMax: numberValue(evaluation.first("serveralivecountmax"), 3),
  } satisfies Partial<ResolvedHost>;
};

const wireValues = (evaluation: Evaluation) =>
  ({
    kexAlgorithms: wordOrNull(evaluation.first("kexalgorithms")),
    ciphers: wordOrNull(evaluation.first("ciphers")),
    macs: wordOrNull(evaluation.first("macs")),
    hostKeyAlgorithms: wordOrNull(evaluation.first("hostkeyalgorithms")),
    caSignatureAlgorithms: wordOrNull(evaluation.first("casignaturealgorithms")),
    pubkeyAcceptedAlgorithms: wordOrNull(evaluation.first("pubkeyacceptedalgorithms")),
    compression: flagValue(evaluation.first("compression"), false),
    rekeyLimit: rekeyLimitValue(linesOf(evaluation)("rekeylimit")),
    // OpenSSH's floor whatever is configured.
    requiredRsaBits: Math.max(fewestRsaBits, numberValue(evaluation.first("requiredrsasize"), fewestRsaBits)),
  }) satisfies Partial<ResolvedHost>;

const trustValues = (evaluation: Evaluation, facts: PathFacts) => {
  const user = evaluation.first("userknownhostsfile");
  const global = evaluation.first("globalknownhostsfile");
  const revoked = evaluation.first("revokedhostkeys");
  return {
    userKnownHostsFiles:
      user === undefined
        ? inHome(defaultUserKnownHostsFiles, facts)
        : filesValue(user).map((path) => expandPath(path, facts, user.origin)),
    globalKnownHostsFiles:
      global === undefined
        ? defaultGlobalKnownHostsFiles
        : filesValue(global).map((path) => absolute(expandHome(path, facts.home, global.origin), facts.cwd)),
    strictHostKeyChecking: choiceValue(
      evaluation.first("stricthostkeychecking"),
      ["yes", "ask", "accept-new", "no"],
      "ask",
      { true: "yes", false: "no", off: "no" },
    ),
    hashKnownHosts: flagValue(evaluation.first("hashknownhosts"), false),
    hostKeyAlias: facts.keyAlias ?? null,
    revokedHostKeys:
      revoked === undefined || isNone(revoked)
        ? null
        : // As of OpenSSH 9.8: until then ssh took it as it is written.
          expandPath(revoked.args[0] ?? "", facts, revoked.origin),
    updateHostKeys: updateHostKeys(evaluation),
    noHostAuthenticationForLocalhost: flagValue(evaluation.first("nohostauthenticationforlocalhost"), false),
  } satisfies Partial<ResolvedHost>;
};

/** Yes, where it is known which file is meant, and DNS has no say. */
const updateHostKeys = (evaluation: Evaluation): ResolvedHost["updateHostKeys"] => {
  const synonyms = { true: "yes", false: "no" } as const;
  const dns = choiceValue(evaluation.first("verifyhostkeydns"), ["yes", "no", "ask"], "no", synonyms);
  const files = evaluation.first("userknownhostsfile")?.args;
  const isUsual = files === undefined || (files.length === 1 && files[0] === "~/.ssh/known_hosts");
  const standard = dns === "no" && isUsual ? "yes" : "no";
  const value = choiceValue(evaluation.first("updatehostkeys"), ["yes", "no", "ask"], standard, synonyms);
  // Nobody is asked by a process that goes on in the background.
  const persists = evaluation.first("controlpersist");
  return value === "ask" && persists !== undefined && !/^(no|false)$/i.test(persists.args[0] ?? "") ? "no" : value;
};

const loginValues = (evaluation: Evaluation, facts: PathFacts, requested: number) => {
  const lines = linesOf(evaluation);
  const [identities, certificates] = [lines("identityfile"), lines("certificatefile")];
  const methods = evaluation.first("preferredauthentications")?.args[0];
  return {
    identityFiles: identities.length === 0 ? inHome(defaultIdentityFiles, facts) : pathsOf(identities, facts),
    identityFilesRequested: pathsOf(identities.slice(0, requested), facts).length,
    identityFilesAreDefaults: identities.length === 0,
    identitiesOnly: flagValue(evaluation.first("identitiesonly"), false),
    identityAgent: identityAgent(evaluation.first("identityagent"), facts),
    certificateFiles: pathsOf(certificates, facts),
    certificateFilesRequested: pathsOf(
      certificates.filter(({ origin }) => origin.file === null),
      facts,
    ).length,
    certificatesBeside: certificates.length === 0,
    addKeysToAgent: addKeysToAgent(evaluation.first("addkeystoagent")),
    preferredAuthentications:
      methods === undefined
        ? ["publickey", "keyboard-interactive", "password"]
        : methods.split(",").filter((method) => method !== ""),
    pubkeyAuthentication: !/^(no|false)$/i.test(evaluation.first("pubkeyauthentication")?.args[0] ?? "yes"),
    passwordAuthentication: flagValue(evaluation.first("passwordauthentication"), true),
    kbdInteractiveAuthentication: flagValue(evaluation.first("kbdinteractiveauthentication"), true),
    batchMode: flagValue(evaluation.first("batchmode"), false),
    numberOfPasswordPrompts: numberValue(evaluation.first("numberofpasswordprompts"), 3),
  } satisfies Partial<ResolvedHost>;
};

const sessionValues = (evaluation: Evaluation, facts: PathFacts) => {
  const lines = linesOf(evaluation);
  const command = evaluation.first("remotecommand");
  const commandText = afterDelimiter(command?.rest ?? "");
  return {
    setEnv: setEnvironment(lines("setenv")),
    sendEnv: sentEnvironment(lines("sendenv")),
    forwardAgent: forwardAgent(lines("forwardagent"), facts),
    remoteCommand:
      command === undefined || lowerCase(commandText) === "none"
        ? null
        : expandRemoteCommand(commandText, facts, command.origin),
    sessionType: choiceValue(evaluation.first("sessiontype"), ["none", "subsystem", "default"], "default"),
    requestTty: choiceValue(evaluation.first("requesttty"), ["no", "yes", "force", "auto"], "auto", {
      ...{ true: "yes", false: "no" },
    }),
  } satisfies Partial<ResolvedHost>;
};

const linesOf =
  (evaluation: Evaluation) =>
  (keyword: string): readonly Directive[] =>
    evaluation.directives.get(keyword) ?? [];

const inHome = (names: readonly string[], { home }: PathFacts): string[] =>
  names.map((name) => absolute(`.ssh/${name}`, home));

const isNone = ({ args }: Directive): boolean => lowerCase(args[0] ?? "") === "none";

const pathsOf = (directives: readonly Directive[], facts: PathFacts): string[] => {
  const named = directives.filter((directive) => !isNone(directive));
  return [...new Set(named.map(({ args, origin }) => expandPath(args[0] ?? "", facts, origin)))];
};
