/**
 * What ssh_config(5) says about one host, equal to `ssh -G` of OpenSSH 9.2 for the keywords we act on. The first value
 * of a keyword wins; identity files add up. What would have ssh connect elsewhere, or trust or log in otherwise, and is
 * not supported yet is an error; the rest is passed over: see keywords.ts.
 */

import { Evaluation, namesHost } from "./evaluation.ts";
import { absolute, expandHostName, expandPath, type PathFacts, type Variables } from "./expand.ts";
import { missingConfigFile } from "./file.ts";
import { canonicalHost } from "./host-address.ts";
import { lowerCase } from "./match-pattern.ts";
import { parseOptions, requestDirective } from "./options.ts";
import { type ConfigFile, type Directive, parseConfigFile, parseConfigText } from "./parser.ts";
import type { ResolvedHost } from "./resolved-host.ts";
import type { Seen } from "./seen-files.ts";
import { parseFiles, parseFlag, parsePort, parseStrict } from "./values.ts";

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
export interface HostEnvironment {
  home: string;
  /** Folder that relative paths are meant from. */
  cwd: string;
  localUser: string;
  /** For `${NAME}` in paths. */
  variables: Variables;
  /** Default /etc/ssh/ssh_config. */
  systemFile?: string;
  /** What the caller's own process read for `configFile`, by path; other files are read from the disk. */
  given?: ReadonlyMap<string, Uint8Array>;
  /** Told of whatever decides what ssh_config says. */
  seen?: Seen | undefined;
}

/** readconf.c fill_default_options, OpenSSH 9.2. */
const defaultIdentityFiles = ["id_rsa", "id_ecdsa", "id_ecdsa_sk", "id_ed25519", "id_ed25519_sk", "id_xmss", "id_dsa"];
const defaultUserKnownHostsFiles = ["known_hosts", "known_hosts2"];
const defaultGlobalKnownHostsFiles = ["/etc/ssh/ssh_known_hosts", "/etc/ssh/ssh_known_hosts2"];

/**
 * @throws SshMcpError CONFIG_INVALID for a file ssh would not accept, INVALID_INPUT for an option it would not accept,
 *   and UNSUPPORTED for what applies to this host and we cannot do, each naming file and line or `-o`
 */
export const resolveHost = (request: HostRequest, env: HostEnvironment): ResolvedHost => {
  const files = readFiles(request.configFile, env);
  const evaluation = new Evaluation(request.host, env.localUser);
  for (const directive of requestDirectives(request)) evaluation.apply(directive, true);
  for (const file of files) evaluation.read(file);

  const { values } = evaluation;
  const named = values.get("hostname");
  const hostname = canonicalHost(
    named === undefined ? request.host : expandHostName(named.args[0] ?? "", request.host, named.origin),
  );
  const portLine = values.get("port");
  const port = portLine === undefined ? 22 : parsePort(portLine);
  const user = evaluation.user();
  const facts: PathFacts = { ...env, originalHost: request.host, host: hostname, port, user };

  const flag = (name: string): boolean => {
    const directive = values.get(name);
    return directive !== undefined && parseFlag(directive);
  };
  const strict = values.get("stricthostkeychecking");
  const userFiles = values.get("userknownhostsfile");
  const globalFiles = values.get("globalknownhostsfile");
  const inHome = (names: readonly string[]): string[] => names.map((name) => absolute(`.ssh/${name}`, env.home));
  const identities = evaluation.identityFiles;
  return {
    hostname,
    port,
    user,
    identityFiles: identities.length === 0 ? inHome(defaultIdentityFiles) : identityPaths(identities, facts),
    identityFilesRequested: identityPaths(identities.slice(0, request.identityFiles.length), facts).length,
    identitiesOnly: flag("identitiesonly"),
    userKnownHostsFiles:
      userFiles === undefined
        ? inHome(defaultUserKnownHostsFiles)
        : parseFiles(userFiles).map((path) => expandPath(path, facts, userFiles.origin)),
    globalKnownHostsFiles:
      globalFiles === undefined
        ? defaultGlobalKnownHostsFiles
        : parseFiles(globalFiles).map((path) => absolute(path, env.cwd)),
    strictHostKeyChecking: strict === undefined ? "ask" : parseStrict(strict),
    hashKnownHosts: flag("hashknownhosts"),
    isAlias: files.some((file) => namesHost(file, request.host)),
    ...notReadYet,
    identityFilesAreDefaults: identities.length === 0,
  };
};

/**
 * Whether a Host line names this text exactly, without wildcards. Such a text is a host even when it looks like
 * `user@host` or `host:port`, so ask this before cutting a destination apart.
 * @throws SshMcpError CONFIG_INVALID
 */
export const isHostAlias = (text: string, configFile: string | null, env: HostEnvironment): boolean =>
  readFiles(configFile, env).some((file) => namesHost(file, text));

const readFiles = (configFile: string | null, env: HostEnvironment): ConfigFile[] => {
  const systemFile = env.systemFile ?? "/etc/ssh/ssh_config";
  const scope = { home: env.home, systemFile, seen: env.seen };
  if (configFile !== null) {
    if (configFile.toLowerCase() === "none") return [];
    const given = env.given?.get(configFile);
    if (given !== undefined) {
      return [parseConfigText(configFile, textOf(given), { owner: "user", ...scope })];
    }
    const path = absolute(configFile, env.cwd);
    const file = parseConfigFile(path, "named", { owner: "user", ...scope });
    if (file === null) throw missingConfigFile(path);
    return [file];
  }
  const user = parseConfigFile(absolute(".ssh/config", env.home), "default", { owner: "user", ...scope });
  const system = parseConfigFile(systemFile, "named", { owner: "system", ...scope });
  return [user, system].filter((file) => file !== null);
};

/** As a file is read: nothing at its begin is taken away. */
const textOf = (bytes: Uint8Array): string => new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes);

/** In the order in which they win: `-o` before `-l`, `-p` and the destination, as for `ssh -o User=a b@host`. */
const requestDirectives = (request: HostRequest): Directive[] => [
  ...request.identityFiles.map((path) => requestDirective("identityfile", path)),
  ...parseOptions(request.options),
  ...(request.user === null ? [] : [requestDirective("user", request.user)]),
  ...(request.port === null ? [] : [requestDirective("port", String(request.port))]),
];

const identityPaths = (directives: readonly Directive[], facts: PathFacts): string[] => {
  const paths = directives
    .filter(({ args }) => lowerCase(args[0] ?? "") !== "none")
    .map(({ args, origin }) => expandPath(args[0] ?? "", facts, origin));
  return [...new Set(paths)];
};

/** What no keyword sets yet. */
const notReadYet = {
  proxy: { kind: "direct" },
  addressFamily: "any",
  bindAddress: null,
  bindInterface: null,
  connectTimeoutMs: null,
  connectionAttempts: 1,
  tcpKeepAlive: true,
  serverAliveIntervalMs: null,
  serverAliveCountMax: 3,
  kexAlgorithms: null,
  ciphers: null,
  macs: null,
  hostKeyAlgorithms: null,
  caSignatureAlgorithms: null,
  pubkeyAcceptedAlgorithms: null,
  compression: false,
  rekeyLimit: { bytes: null, ms: null },
  requiredRsaBits: 1024,
  hostKeyAlias: null,
  revokedHostKeys: null,
  updateHostKeys: "no",
  noHostAuthenticationForLocalhost: false,
  identityAgent: { kind: "caller" },
  certificateFiles: [],
  addKeysToAgent: { mode: "no", lifetimeMs: null },
  preferredAuthentications: ["publickey", "keyboard-interactive", "password"],
  pubkeyAuthentication: true,
  passwordAuthentication: true,
  kbdInteractiveAuthentication: true,
  batchMode: false,
  numberOfPasswordPrompts: 3,
  setEnv: [],
  sendEnv: [],
  forwardAgent: { kind: "no" },
  remoteCommand: null,
  requestTty: "auto",
} satisfies Partial<ResolvedHost>;
