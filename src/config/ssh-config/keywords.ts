/**
 * Every keyword OpenSSH 9.2 to 10 knows (readconf.c), with Debian's and Apple's own, and what we do about each:
 *
 * - acted on: it decides where, as whom and with which trust we connect, and we do as ssh does;
 * - refused: ssh would connect elsewhere, otherwise, or trust or authenticate differently for it, and we cannot yet.
 *   Values that change nothing (`ProxyJump none`) are fine;
 * - passed over: it changes none of that. A login method we do not have (GSSAPI, host-based) is passed over too: ssh
 *   tries it beside the others, so that leaving it out can only lose a way in, never open one. So is a setting that
 *   makes ssh ask less than we do (VerifyHostKeyDNS, NoHostAuthenticationForLocalhost).
 */

import { lowerCase } from "./match-pattern.ts";

/**
 * What an argument list must look like, in active blocks and others: `flag` is one yes or no, `word`
 * one word that is not empty, `integer` one number, `words` any number of words, `line` the rest of the
 * line as it stands, `any` is not looked at.
 */
export type Shape = "flag" | "word" | "integer" | "words" | "line" | "any";

export type Keyword = {
  /** In lower case. */
  name: string;
  /** As the manual writes it; for keywords that are passed over, the name. */
  title: string;
  shape: Shape;
} & ({ use: "structure" | "acted" | "passed" } | { use: "refused"; harmless: RegExp });

const nothing = /^(?!)/;
const none = /^none$/i;
const yes = /^(yes|true)$/i;
const no = /^(no|false)$/i;

const structure: Readonly<Record<string, Shape>> = {
  Host: "words",
  Match: "any",
  Include: "words",
  IgnoreUnknown: "word",
};

const acted: Readonly<Record<string, Shape>> = {
  HostName: "word",
  Port: "word",
  User: "word",
  IdentityFile: "word",
  IdentitiesOnly: "flag",
  UserKnownHostsFile: "words",
  GlobalKnownHostsFile: "words",
  StrictHostKeyChecking: "word",
  HashKnownHosts: "flag",
};

/** Keyword: shape, and the values under which it changes nothing. */
const refused: Readonly<Record<string, readonly [Shape, RegExp]>> = {
  AddressFamily: ["word", /^any$/i],
  BatchMode: ["flag", no],
  BindAddress: ["word", nothing],
  BindInterface: ["word", nothing],
  CanonicalizeHostname: ["word", no],
  CertificateFile: ["word", none],
  CheckHostIP: ["flag", no],
  Ciphers: ["word", nothing],
  HostKeyAlgorithms: ["word", nothing],
  HostKeyAlias: ["word", nothing],
  IdentityAgent: ["word", /^(SSH_AUTH_SOCK|\$SSH_AUTH_SOCK|\$\{SSH_AUTH_SOCK\})$/],
  KbdInteractiveAuthentication: ["flag", yes],
  KexAlgorithms: ["word", nothing],
  KnownHostsCommand: ["line", none],
  MACs: ["word", nothing],
  PasswordAuthentication: ["flag", yes],
  PKCS11Provider: ["word", none],
  PreferredAuthentications: ["word", nothing],
  ProxyCommand: ["line", none],
  ProxyJump: ["line", none],
  PubkeyAcceptedAlgorithms: ["word", nothing],
  PubkeyAuthentication: ["word", /^(yes|true|unbound|host-bound)$/i],
  RefuseConnection: ["line", nothing],
  RemoteCommand: ["line", none],
  // 1024 bits is OpenSSH's floor whatever is configured.
  RequiredRSASize: ["integer", /^0*(\d{1,3}|10[01]\d|102[0-4])$/],
  RevokedHostKeys: ["word", none],
  SessionType: ["word", /^default$/i],
};

const passed: Readonly<Record<Shape, readonly string[]>> = {
  flag: [
    "canonicalizefallbacklocal",
    "clearallforwardings",
    "enableescapecommandline",
    "enablesshkeysign",
    "exitonforwardfailure",
    "forkafterauthentication",
    "forwardx11",
    "forwardx11trusted",
    "gatewayports",
    "gssapiauthentication",
    "gssapidelegatecredentials",
    "gssapikeyexchange",
    "gssapirenewalforcesrekey",
    "gssapitrustdns",
    "hostbasedauthentication",
    "nohostauthenticationforlocalhost",
    "permitlocalcommand",
    "proxyusefdpass",
    "stdinnull",
    "streamlocalbindunlink",
    "tcpkeepalive",
    "visualhostkey",
  ],
  integer: ["canonicalizemaxdots", "connectionattempts", "numberofpasswordprompts", "serveralivecountmax"],
  word: [
    "casignaturealgorithms",
    "compression",
    "connecttimeout",
    "controlmaster",
    "controlpath",
    "controlpersist",
    "dynamicforward",
    "escapechar",
    "fingerprinthash",
    "forwardagent",
    "forwardx11timeout",
    "gssapiclientidentity",
    "gssapikexalgorithms",
    "gssapiserveridentity",
    "hostbasedacceptedalgorithms",
    "kbdinteractivedevices",
    "loglevel",
    "obscurekeystroketiming",
    "protocolkeepalives",
    "requesttty",
    "securitykeyprovider",
    "serveraliveinterval",
    "setuptimeout",
    "streamlocalbindmask",
    "syslogfacility",
    "tag",
    "tunnel",
    "tunneldevice",
    "updatehostkeys",
    "verifyhostkeydns",
    "xauthlocation",
  ],
  words: [
    "addkeystoagent",
    "canonicaldomains",
    "canonicalizepermittedcnames",
    "channeltimeout",
    "ipqos",
    "localforward",
    "logverbose",
    "permitremoteopen",
    "rekeylimit",
    "remoteforward",
    "sendenv",
    "setenv",
  ],
  line: ["localcommand", "versionaddendum"],
  any: [
    // Deprecated or no longer supported: ssh reads past their arguments.
    "afstokenpassing",
    "cipher",
    "compressionlevel",
    "fallbacktorsh",
    "globalknownhostsfile2",
    "kerberosauthentication",
    "kerberostgtpassing",
    "protocol",
    "rhostsauthentication",
    "rhostsrsaauthentication",
    "rsaauthentication",
    "useblacklistedkeys",
    "useprivilegedport",
    "userknownhostsfile2",
    "useroaming",
    "usersh",
    // Newer than 9.2 or Apple's: their arguments are ssh's to check.
    "usekeychain",
    "warnweakcrypto",
  ],
};

/** Names that stand for another keyword, both in lower case. */
export const aliases: ReadonlyMap<string, string> = new Map([
  ["challengeresponseauthentication", "kbdinteractiveauthentication"],
  ["dsaauthentication", "pubkeyauthentication"],
  ["hostbasedkeytypes", "hostbasedacceptedalgorithms"],
  ["identityfile2", "identityfile"],
  ["keepalive", "tcpkeepalive"],
  ["pubkeyacceptedkeytypes", "pubkeyacceptedalgorithms"],
  ["skeyauthentication", "kbdinteractiveauthentication"],
  ["smartcarddevice", "pkcs11provider"],
  ["tisauthentication", "kbdinteractiveauthentication"],
]);

/** Every keyword, without the aliases. */
export const keywords: readonly Keyword[] = [
  ...Object.entries(structure).map(([title, shape]) => ({ use: "structure" as const, title, shape })),
  ...Object.entries(acted).map(([title, shape]) => ({ use: "acted" as const, title, shape })),
  ...Object.entries(refused).map(([title, [shape, harmless]]) => ({ use: "refused" as const, title, shape, harmless })),
  ...Object.entries(passed).flatMap(([shape, names]) =>
    names.map((title) => ({ use: "passed" as const, title, shape: shape as Shape })),
  ),
].map((keyword) => ({ name: lowerCase(keyword.title), ...keyword }));

const table = new Map(keywords.map((keyword) => [keyword.name, keyword]));

/** @param name in lower case; an alias yields the keyword it stands for. Undefined for one ssh does not know. */
export const keywordNamed = (name: string): Keyword | undefined => table.get(aliases.get(name) ?? name);

/**
 * What a misspelt keyword may have meant: those that still mean something, as the manual writes the ones we know well.
 */
export const currentKeywords: readonly string[] = keywords
  .filter((keyword) => !passed.any.includes(keyword.name))
  .map((keyword) => keyword.title);

/** What `-o` takes, as the manual writes it. */
export const optionKeywords: readonly string[] = Object.keys(acted);
