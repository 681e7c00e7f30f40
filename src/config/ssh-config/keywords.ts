/**
 * Every keyword OpenSSH 9.2 to 10 knows (readconf.c), with Debian's and Apple's own, and what we do about each:
 *
 * - acted on: we do as ssh does;
 * - refused: ssh would trust or connect differently for it, and we cannot. Values that change nothing are fine. KnownHostsCommand: a host
 *   whose key it would deny would be met as unknown. RefuseConnection (OpenSSH 10) has ssh itself refuse;
 * - passed over: it changes none of that, and is listed by `hosts show`. A login method we do not have (GSSAPI, host-based, PKCS#11) is passed
 *   over too: ssh tries it beside the others, so that leaving it out can only lose a way in, never open one. So is a setting that makes ssh
 *   ask less than we do (VerifyHostKeyDNS), CheckHostIP, which looks at an address once more whose name has been looked at.
 */

import { lowerCase } from "./match-pattern.ts";
import * as choices from "./values/choices.ts";
import * as forwards from "./values/forward-check.ts";
import * as check from "./values/value-checks.ts";

export type Keyword = {
  /** In lower case. */
  name: string;
  /** As the manual writes it. */
  title: string;
  /** What an argument list must look like, in active blocks and others. */
  check: check.Check;
} & ({ use: "structure" | "acted" | "passed" } | { use: "refused"; harmless: RegExp });

const structure: Readonly<Record<string, check.Check>> = {
  Host: check.words,
  Match: check.any,
  Include: check.words,
  IgnoreUnknown: check.word,
};

const askStates = check.choice(choices.askStates, "yes, no or ask");

const acted: Readonly<Record<string, check.Check>> = {
  HostName: check.word,
  Port: check.port,
  User: check.word,
  IdentityFile: check.word,
  IdentitiesOnly: check.flag,
  IdentityAgent: check.word,
  CertificateFile: check.word,
  AddKeysToAgent: check.addKeysToAgent,
  ProxyJump: check.proxyJump,
  ProxyCommand: check.line,
  UserKnownHostsFile: check.hostsFiles,
  GlobalKnownHostsFile: check.hostsFiles,
  StrictHostKeyChecking: check.choice(choices.strictStates, "yes, ask, accept-new or no"),
  HostKeyAlias: check.word,
  HashKnownHosts: check.flag,
  RevokedHostKeys: check.word,
  UpdateHostKeys: askStates,
  NoHostAuthenticationForLocalhost: check.flag,
  KexAlgorithms: check.algorithms("kex"),
  Ciphers: check.algorithms("cipher"),
  MACs: check.algorithms("mac"),
  HostKeyAlgorithms: check.algorithms("hostKey"),
  CASignatureAlgorithms: check.algorithms("hostKey"),
  PubkeyAcceptedAlgorithms: check.algorithms("hostKey"),
  RequiredRSASize: check.integer,
  PreferredAuthentications: check.word,
  PubkeyAuthentication: check.choice(choices.pubkeyStates, "yes, no, unbound or host-bound"),
  PasswordAuthentication: check.flag,
  KbdInteractiveAuthentication: check.flag,
  BatchMode: check.flag,
  NumberOfPasswordPrompts: check.integer,
  ConnectTimeout: check.time,
  ConnectionAttempts: check.integer,
  ServerAliveInterval: check.time,
  ServerAliveCountMax: check.integer,
  TCPKeepAlive: check.flag,
  AddressFamily: check.choice(choices.addressFamilyStates),
  BindAddress: check.word,
  BindInterface: check.word,
  Compression: check.choice(choices.compressionStates, "yes or no"),
  RekeyLimit: check.rekeyLimit,
  SetEnv: check.setEnv,
  SendEnv: check.sendEnv,
  ForwardAgent: check.word,
  RemoteCommand: check.line,
  SessionType: check.choice(choices.sessionTypeStates),
  RequestTTY: check.choice(choices.requestTtyStates, "yes, no, force or auto"),
  CanonicalizeHostname: check.choice(choices.canonicalizeStates, "yes, no or always"),
  CanonicalDomains: check.canonicalDomains,
  CanonicalizeMaxDots: check.integer,
  CanonicalizeFallbackLocal: check.flag,
  CanonicalizePermittedCNAMEs: check.permittedCnames,
  Tag: check.word,
};

/** Keyword: check, and the values under which it changes nothing. */
const refused: Readonly<Record<string, readonly [check.Check, RegExp]>> = {
  KnownHostsCommand: [check.line, /^none$/i],
  RefuseConnection: [check.line, /^(?!)/],
};

const passed: Readonly<Record<string, check.Check>> = {
  ...Object.fromEntries(
    [
      ...["CheckHostIP", "ClearAllForwardings", "EnableEscapeCommandline", "EnableSSHKeysign", "ExitOnForwardFailure"],
      ...["ForkAfterAuthentication", "ForwardX11", "ForwardX11Trusted", "GatewayPorts", "GSSAPIAuthentication"],
      ...["GSSAPIDelegateCredentials", "GSSAPIKeyExchange", "GSSAPIRenewalForcesRekey", "GSSAPITrustDNS"],
      ...["HostbasedAuthentication", "PermitLocalCommand", "ProxyUseFdpass", "StdinNull", "StreamLocalBindUnlink"],
      "VisualHostKey",
    ].map((title) => [title, check.flag]),
  ),
  ...Object.fromEntries(
    [
      ...["ControlPath", "GSSAPIClientIdentity", "GSSAPIServerIdentity", "KbdInteractiveDevices", "PKCS11Provider"],
      ...["SecurityKeyProvider", "XAuthLocation", "ObscureKeystrokeTiming"],
    ].map((title) => [title, check.word]),
  ),
  ControlMaster: check.choice(choices.controlMasterStates, "yes, no, ask, auto or autoask"),
  ControlPersist: check.timeOrFlag,
  DynamicForward: forwards.forward,
  EscapeChar: check.escapeCharacter,
  FingerprintHash: check.choice(choices.digestStates),
  ForwardX11Timeout: check.time,
  GSSAPIKexAlgorithms: check.gssKex,
  HostbasedAcceptedAlgorithms: check.algorithms("hostKey"),
  IPQoS: check.ipqos,
  LocalForward: forwards.forward,
  LogLevel: check.choice(choices.logLevelStates),
  LogVerbose: check.wordsOrNone,
  PermitRemoteOpen: forwards.permitRemoteOpen,
  RemoteForward: forwards.forward,
  StreamLocalBindMask: check.octalMask,
  SyslogFacility: check.choice(choices.facilityStates),
  Tunnel: check.choice(choices.tunnelStates),
  TunnelDevice: check.tunnelDevice,
  VerifyHostKeyDNS: askStates,
  LocalCommand: check.line,
  // Newer than 9.2.
  ChannelTimeout: check.words,
  VersionAddendum: check.line,
  WarnWeakCrypto: check.any,
  // Apple's.
  UseKeychain: check.any,
};

/** Deprecated or no longer supported: ssh reads past them and their arguments. */
const bygone = [
  ...["afstokenpassing", "cipher", "compressionlevel", "fallbacktorsh", "globalknownhostsfile2"],
  ...["kerberosauthentication", "kerberostgtpassing", "protocol", "rhostsauthentication", "rhostsrsaauthentication"],
  ...["rsaauthentication", "useblacklistedkeys", "useprivilegedport", "userknownhostsfile2", "useroaming", "usersh"],
];

/** Names that stand for another keyword, both in lower case. */
export const aliases: ReadonlyMap<string, string> = new Map([
  ["challengeresponseauthentication", "kbdinteractiveauthentication"],
  ["dsaauthentication", "pubkeyauthentication"],
  ["hostbasedkeytypes", "hostbasedacceptedalgorithms"],
  ["identityfile2", "identityfile"],
  ["keepalive", "tcpkeepalive"],
  // Debian's.
  ["protocolkeepalives", "serveraliveinterval"],
  ["setuptimeout", "serveraliveinterval"],
  ["pubkeyacceptedkeytypes", "pubkeyacceptedalgorithms"],
  ["skeyauthentication", "kbdinteractiveauthentication"],
  ["smartcarddevice", "pkcs11provider"],
  ["tisauthentication", "kbdinteractiveauthentication"],
]);

const entries = (use: "structure" | "acted" | "passed", table: Readonly<Record<string, check.Check>>): Keyword[] =>
  Object.entries(table).map(([title, of]) => ({ name: lowerCase(title), title, use, check: of }));

const current: readonly Keyword[] = [
  ...entries("structure", structure),
  ...entries("acted", acted),
  ...Object.entries(refused).map(([title, [of, harmless]]) => ({
    ...{ name: lowerCase(title), title, check: of, harmless },
    use: "refused" as const,
  })),
  ...entries("passed", passed),
];

/** Every keyword, without the aliases. */
export const keywords: readonly Keyword[] = [
  ...current,
  ...entries("passed", Object.fromEntries(bygone.map((name) => [name, check.any]))),
];

const table = new Map(keywords.map((keyword) => [keyword.name, keyword]));

/** @param name in lower case; an alias yields the keyword it stands for. Undefined for one ssh does not know. */
export const keywordNamed = (name: string): Keyword | undefined => table.get(aliases.get(name) ?? name);

/** What a misspelt keyword may have meant: those that still mean something, as the manual writes them. */
export const currentKeywords: readonly string[] = current.map(({ title }) => title);
