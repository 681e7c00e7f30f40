/** What connecting goes by, and what it would have to be for the output of `ssh -G`. */
import { hostname } from "node:os";
import type { ResolvedHost } from "../../../../src/config/ssh-config/resolved-host.ts";
import { assembleAlgorithms } from "../../../../src/config/ssh-config/values/algorithm-list.ts";
import { expandTilde } from "../../../../src/files/paths.ts";
import { environmentOf, opensshSets, type Question } from "./ssh-oracle.ts";

const offered = (name: keyof typeof opensshSets, list: string | null): string =>
  assembleAlgorithms(list, opensshSets[name].defaults, opensshSets[name].supported).join(",");

/** By the names of `ssh -G`, in a form that both sides can be brought to. */
export const contractOf = (host: ResolvedHost): Record<string, unknown> => ({
  hostname: host.hostname,
  port: host.port,
  user: host.user,
  proxy: host.proxy.kind === "jump" ? host.proxy.hops.length : host.proxy.kind,
  addressfamily: host.addressFamily,
  bindaddress: host.bindAddress,
  bindinterface: host.bindInterface,
  connecttimeout: host.connectTimeoutMs,
  connectionattempts: host.connectionAttempts,
  tcpkeepalive: host.tcpKeepAlive,
  serveraliveinterval: host.serverAliveIntervalMs ?? (host.batchMode ? 300_000 : 0),
  serveralivecountmax: host.serverAliveCountMax,
  kexalgorithms: offered("kexalgorithms", host.kexAlgorithms),
  ciphers: offered("ciphers", host.ciphers),
  macs: offered("macs", host.macs),
  hostkeyalgorithms: offered("hostkeyalgorithms", host.hostKeyAlgorithms),
  casignaturealgorithms: offered("casignaturealgorithms", host.caSignatureAlgorithms),
  pubkeyacceptedalgorithms: offered("pubkeyacceptedalgorithms", host.pubkeyAcceptedAlgorithms),
  compression: host.compression,
  rekeylimit: `${host.rekeyLimit.bytes ?? 0} ${(host.rekeyLimit.ms ?? 0) / 1000}`,
  requiredrsasize: host.requiredRsaBits,
  userknownhostsfile: host.userKnownHostsFiles,
  globalknownhostsfile: host.globalKnownHostsFiles,
  stricthostkeychecking: host.strictHostKeyChecking,
  hashknownhosts: host.hashKnownHosts,
  hostkeyalias: host.hostKeyAlias,
  revokedhostkeys: host.revokedHostKeys,
  nohostauthenticationforlocalhost: host.noHostAuthenticationForLocalhost,
  identityfile: host.identityFiles,
  identitiesonly: host.identitiesOnly,
  identityagent: host.identityAgent.kind,
  certificatefile: host.certificateFiles,
  addkeystoagent: `${host.addKeysToAgent.mode} ${(host.addKeysToAgent.lifetimeMs ?? 0) / 1000}`,
  preferredauthentications: host.preferredAuthentications,
  pubkeyauthentication: host.pubkeyAuthentication,
  passwordauthentication: host.passwordAuthentication,
  kbdinteractiveauthentication: host.kbdInteractiveAuthentication,
  batchmode: host.batchMode,
  numberofpasswordprompts: host.numberOfPasswordPrompts,
  setenv: host.setEnv.map(({ name, value }) => `${name}=${value}`),
  sendenv: [...new Set(host.sendEnv)],
  remotecommand: host.remoteCommand,
  requesttty: host.requestTty,
  sessiontype: host.sessionType,
});

/** The same out of what ssh printed. */
export const contractOfSsh = (lines: readonly string[], question: Question): Record<string, unknown> => {
  const { home, cwd, localUser, variables } = environmentOf(question);
  const all = (name: string): string[] =>
    lines.filter((line) => line.startsWith(`${name} `)).map((line) => line.slice(name.length + 1));
  const maybe = (name: string): string | null => all(name)[0] ?? null;
  const text = (name: string): string => maybe(name) ?? "";
  const flag = (name: string): boolean => !/^(no|false)$/.test(text(name));
  const yesNo = (value: string): string => value.replace("true", "yes").replace("false", "no");
  const absolute = (path: string): string => (path.startsWith("/") ? path : `${cwd}/${path}`);
  // ssh prints the files of keys as they are written.
  const tokens: Readonly<Record<string, string>> = {
    ...{ d: home, h: text("hostname"), n: question.host, p: text("port"), r: text("user"), "%": "%" },
    ...{
      u: localUser,
      i: String(process.getuid?.()),
      l: hostname(),
      L: hostname().split(".")[0] ?? "",
    },
  };
  const tilde = (path: string): string => absolute(expandTilde(path, home) ?? path);
  const keyFile = (path: string): string =>
    absolute(
      (expandTilde(path, home) ?? path)
        .replace(/%(.)/g, (found, token) => tokens[token] ?? found)
        .replace(/\$\{(\w+)\}/, (_, name) => variables.get(name) ?? ""),
    );
  const revoked = maybe("revokedhostkeys");
  const keyFiles = (name: string): string[] => [
    ...new Set(
      all(name)
        .filter((path) => path.toLowerCase() !== "none")
        .map(keyFile),
    ),
  ];
  const files = (name: string, expand: (path: string) => string): string[] =>
    text(name) === "none"
      ? []
      : text(name)
          .split(/ (?=[/~]|rel)/)
          .map(expand);
  const [mode = "", lifetime] = text("addkeystoagent").split(" ");
  const addKeys = /^\d+$/.test(mode) ? `yes ${mode}` : `${yesNo(mode)} ${lifetime ?? 0}`;
  const agent = maybe("identityagent") ?? "SSH_AUTH_SOCK";
  const jump = maybe("proxyjump");
  return {
    hostname: text("hostname"),
    port: Number(text("port")),
    user: text("user"),
    proxy: jump?.split(",").length ?? (maybe("proxycommand") === null ? "direct" : "command"),
    addressfamily: text("addressfamily"),
    bindaddress: maybe("bindaddress"),
    bindinterface: maybe("bindinterface"),
    // Zero is no limit of ssh's own either.
    connecttimeout: Number(text("connecttimeout").replace("none", "0")) * 1000 || null,
    connectionattempts: Number(text("connectionattempts")),
    tcpkeepalive: flag("tcpkeepalive"),
    serveraliveinterval: Number(text("serveraliveinterval")) * 1000,
    serveralivecountmax: Number(text("serveralivecountmax")),
    kexalgorithms: text("kexalgorithms"),
    ciphers: text("ciphers"),
    macs: text("macs"),
    hostkeyalgorithms: text("hostkeyalgorithms"),
    casignaturealgorithms: text("casignaturealgorithms"),
    pubkeyacceptedalgorithms: text("pubkeyacceptedalgorithms"),
    compression: flag("compression"),
    rekeylimit: text("rekeylimit"),
    requiredrsasize: Number(text("requiredrsasize")),
    userknownhostsfile: files("userknownhostsfile", absolute),
    globalknownhostsfile: files("globalknownhostsfile", tilde),
    stricthostkeychecking: yesNo(text("stricthostkeychecking")),
    hashknownhosts: flag("hashknownhosts"),
    hostkeyalias: maybe("hostkeyalias"),
    revokedhostkeys: revoked && keyFile(revoked),
    nohostauthenticationforlocalhost: flag("nohostauthenticationforlocalhost"),
    identityfile: keyFiles("identityfile"),
    identitiesonly: flag("identitiesonly"),
    // A variable that nobody set is no agent.
    identityagent: /^\$?SSH_AUTH_SOCK$/.test(agent) ? "caller" : /^(none$|\$)/.test(agent) ? "none" : "socket",
    certificatefile: keyFiles("certificatefile"),
    addkeystoagent: addKeys,
    preferredauthentications: (maybe("preferredauthentications") ?? "publickey,keyboard-interactive,password").split(
      ",",
    ),
    pubkeyauthentication: flag("pubkeyauthentication"),
    passwordauthentication: flag("passwordauthentication"),
    kbdinteractiveauthentication: flag("kbdinteractiveauthentication"),
    batchmode: flag("batchmode"),
    numberofpasswordprompts: Number(text("numberofpasswordprompts")),
    setenv: all("setenv"),
    sendenv: [...new Set(all("sendenv"))],
    remotecommand: maybe("remotecommand"),
    requesttty: yesNo(text("requesttty")),
    sessiontype: text("sessiontype"),
  };
};
