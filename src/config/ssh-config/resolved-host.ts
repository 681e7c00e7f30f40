/** What ssh_config(5) says of one host: every option that is acted on, with its value or its default. */
import type { StrictHostKeyChecking } from "./values/values.ts";

/** How the server is reached. */
export type ProxyWay =
  | { kind: "direct" }
  /**
   * ProxyJump, in the order of the way: the first hop is dialled, the last one reaches the host. Each is a destination of its own,
   * `[user@]host[:port]` or `ssh://…` as written, and is resolved with the same configuration file.
   */
  | { kind: "jump"; hops: readonly string[] }
  /** ProxyCommand, with its tokens expanded: a line for the person's shell. */
  | { kind: "command"; command: string };

/** IdentityAgent. `caller`: the socket that SSH_AUTH_SOCK of whoever calls names. */
export type IdentityAgent = { kind: "caller" } | { kind: "none" } | { kind: "socket"; path: string };

export interface AddKeysToAgent {
  mode: "no" | "yes" | "ask" | "confirm";
  /** Milliseconds until the agent forgets the key; null is never. */
  lifetimeMs: number | null;
}

/**
 * An algorithm list as it is written, null when nothing is said: a comma list, or `+list`, `-list`, `^list` against the defaults, with
 * wildcards in `-list`.
 */
export type AlgorithmList = string | null;

/** OpenSSH's SSH_RSA_MINIMUM_MODULUS_SIZE, in bits: shorter RSA keys are refused whatever RequiredRSASize says. */
export const fewestRsaBits = 1024;

export interface ResolvedHost {
  /** What is dialled, and looked up in known_hosts: a name in lower case, or an address in canonical form. */
  hostname: string;
  port: number;
  user: string;
  /** Whether a Host line names the host as typed, without wildcards. */
  isAlias: boolean;

  proxy: ProxyWay;
  addressFamily: "any" | "inet" | "inet6";
  /** Address, or null. */
  bindAddress: string | null;
  /** Name of a network interface, or null. */
  bindInterface: string | null;
  /** ConnectTimeout: limit for TCP and key exchange; null when nothing is said. */
  connectTimeoutMs: number | null;
  connectionAttempts: number;
  tcpKeepAlive: boolean;
  /** Null when nothing is said; 0 for never. */
  serverAliveIntervalMs: number | null;
  serverAliveCountMax: number;

  kexAlgorithms: AlgorithmList;
  ciphers: AlgorithmList;
  macs: AlgorithmList;
  hostKeyAlgorithms: AlgorithmList;
  caSignatureAlgorithms: AlgorithmList;
  pubkeyAcceptedAlgorithms: AlgorithmList;
  compression: boolean;
  /** Null when nothing is said. 0 milliseconds is never, which `none` says. */
  rekeyLimit: { bytes: number | null; ms: number | null };
  requiredRsaBits: number;

  /** Absolute paths; new keys go to the first. Empty for `none`. */
  userKnownHostsFiles: readonly string[];
  globalKnownHostsFiles: readonly string[];
  strictHostKeyChecking: StrictHostKeyChecking;
  hashKnownHosts: boolean;
  /** The name that known_hosts and host certificates have for the host, without a port, or null. */
  hostKeyAlias: string | null;
  /** Absolute path, or null. */
  revokedHostKeys: string | null;
  updateHostKeys: "yes" | "no" | "ask";
  noHostAuthenticationForLocalhost: boolean;

  /** Absolute paths of private keys, in the order to try; they need not exist. */
  identityFiles: readonly string[];
  /** How many of them, from the first on, the request named (`-i`): one that cannot be used is worth an error. */
  identityFilesRequested: number;
  /** Whether the files are the ones that are tried when nobody names any. */
  identityFilesAreDefaults: boolean;
  /** Offer keys of these files alone, even when the agent has more. */
  identitiesOnly: boolean;
  identityAgent: IdentityAgent;
  /** Absolute paths, in the order to try. */
  certificateFiles: readonly string[];
  /** How many of them, from the first on, the request named: one that cannot be used is worth an error. */
  certificateFilesRequested: number;
  /** Whether certificates beside keys count: not when any line of CertificateFile is there, `none` included. */
  certificatesBeside: boolean;
  addKeysToAgent: AddKeysToAgent;
  /** RFC 4252 method names in the order to try. */
  preferredAuthentications: readonly string[];
  pubkeyAuthentication: boolean;
  passwordAuthentication: boolean;
  kbdInteractiveAuthentication: boolean;
  /** Nobody is asked anything. */
  batchMode: boolean;
  numberOfPasswordPrompts: number;

  /** In order; the first of a name wins. */
  setEnv: readonly { name: string; value: string }[];
  /** Patterns of names whose values travel. */
  sendEnv: readonly string[];
  /** `caller`: the caller's own agent. */
  forwardAgent: { kind: "no" } | { kind: "caller" } | { kind: "socket"; path: string };
  /** With its tokens expanded, or null. */
  remoteCommand: string | null;
  requestTty: "no" | "yes" | "force" | "auto";
  /** What is asked of the server: a command or a shell, a subsystem, or nothing. */
  sessionType: "default" | "subsystem" | "none";
}

/** The part of it that commands are about. */
export type CommandSettings = Pick<
  ResolvedHost,
  "setEnv" | "sendEnv" | "forwardAgent" | "remoteCommand" | "requestTty" | "sessionType"
>;

/** Nothing else of the host, which may hold values of somebody's environment. */
export const commandSettingsOf = (host: ResolvedHost): CommandSettings => {
  const { setEnv, sendEnv, forwardAgent, remoteCommand, requestTty, sessionType } = host;
  return { setEnv, sendEnv, forwardAgent, remoteCommand, requestTty, sessionType };
};
