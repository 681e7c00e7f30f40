import { type HostEnvironment, isHostAlias, type ResolvedHost, resolveHost } from "../config/ssh-config.ts";
import { formatDestination, parseDestination, validateUser } from "../core/destination.ts";
import { type ErrorCode, SshMcpError } from "../core/errors.ts";
import { quoteWords } from "../core/quote.ts";
import type { CallScope, DialRequest } from "../core/session.ts";
import { localUser } from "../files/passwd.ts";
import { homeDirectory } from "../files/paths.ts";
import type { Connection } from "../ssh/connection.ts";
import { openConnection } from "../ssh/handshake.ts";
import { verifyHostKey } from "../ssh/host-key.ts";
import { collectIdentities } from "../ssh/identities.ts";
import { readKeyFile } from "../ssh/key-file.ts";
import { readKnownHosts } from "../ssh/known-hosts.ts";

/** TCP, handshake and authentication together, unless the caller says otherwise. */
const defaultTimeoutMs = 15_000;
/** A link that is cut without a word is noticed after three of these. */
const keepaliveIntervalMs = 15_000;

/** A destination that ssh_config has been asked about: what would be dialled, before anything is. */
export interface DialPlan {
  request: DialRequest;
  resolved: ResolvedHost;
  /** The host or alias as typed: what a session is named after. */
  typedHost: string;
  /** The destination with the caller's user and port, in canonical form. */
  destination: string;
  /** The command by which a person opens the same connection at a terminal: built from what was parsed, and quoted. */
  connectCommand: string;
  /** Two plans with the same identity reach the same server as the same user in the same way. */
  identity: string;
}

/**
 * Resolves a destination: an exact alias of ssh_config first, else `[user@]host[:port]`. Connects to nothing.
 * @throws SshMcpError INVALID_INPUT, CONFIG_INVALID, UNSUPPORTED
 */
export const planDial = (request: DialRequest, scope: CallScope): DialPlan => {
  const environment = environmentOf(scope);
  const isAlias = isHostAlias(request.destination, request.configFile, environment);
  const parsed = isAlias
    ? { user: null, host: request.destination, port: null }
    : parseDestination(request.destination);
  if (request.user !== null) validateUser(request.user);
  const user = request.user ?? parsed.user;
  const port = request.port ?? parsed.port;
  const { identityFiles, configFile, options } = request;
  const resolved = resolveHost({ host: parsed.host, user, port, identityFiles, configFile, options }, environment);
  // An alias is taken as it stands; a user or a port beside it go into flags.
  const destination = isAlias ? parsed.host : formatDestination({ user, host: parsed.host, port });
  const flags = [
    ...(isAlias && user !== null ? ["-l", user] : []),
    ...(isAlias && port !== null ? ["-p", String(port)] : []),
    ...identityFiles.flatMap((file) => ["-i", file]),
    ...(configFile === null ? [] : ["-F", configFile]),
    ...options.flatMap((option) => ["-o", option]),
  ];
  return {
    request,
    resolved,
    typedHost: parsed.host,
    destination,
    connectCommand: quoteWords(["ssh-mcp", "connect", ...flags, destination]),
    identity: JSON.stringify([resolved.hostname, resolved.port, resolved.user, identityFiles, configFile, options]),
  };
};

/**
 * Dials what was planned. The caller's questions are answered through its scope; its signal ends the attempt.
 * @throws SshMcpError for each way in which connecting, verifying or authenticating fails
 */
export const dial = async (plan: DialPlan, scope: CallScope): Promise<Connection> => {
  const { resolved, request, destination, connectCommand, typedHost } = plan;
  const at = { host: resolved.hostname, port: resolved.port };
  const known = readKnownHosts([...resolved.userKnownHostsFiles, ...resolved.globalKnownHostsFiles], at);
  // Those of the command line come first, and one that cannot be used is an error: it was asked for.
  const namedPaths = resolved.identityFiles.slice(0, resolved.identityFilesRequested);
  const named = await Promise.all(namedPaths.map(readKeyFile));
  const opening = openConnection(
    {
      ...at,
      user: resolved.user,
      knownKeyTypes: known.keyTypes,
      verifyHostKey: (key) =>
        verifyHostKey(
          {
            at,
            known,
            mode: resolved.strictHostKeyChecking,
            userFile: resolved.userKnownHostsFiles[0] ?? null,
            hash: resolved.hashKnownHosts,
            ask: scope.ask,
            destination,
            connectCommand,
          },
          key,
        ),
      identities: (ask) =>
        collectIdentities({
          named,
          configured: resolved.identityFiles.slice(resolved.identityFilesRequested),
          identitiesOnly: resolved.identitiesOnly,
          agentSocket: scope.caller.agentSocket,
          ask,
          destination,
          connectCommand,
        }),
      ask: scope.ask,
      typedHost,
      destination,
      connectCommand,
      timeoutMs: request.timeoutMs ?? defaultTimeoutMs,
      keepaliveIntervalMs,
    },
    scope.signal,
  );
  return opening.catch((error: unknown) => {
    throw withHint(error, plan);
  });
};

/** Where trying again would only fail again, and OpenSSH's own account of it helps. */
const diagnosed: ReadonlySet<ErrorCode> = new Set(["NO_COMMON_ALGORITHM", "PROTOCOL_ERROR", "CHANNEL_REFUSED"]);

/** A failure that names no next step of its own is met by trying the login at a terminal. */
export const withHint = (error: unknown, { resolved, connectCommand }: DialPlan): unknown => {
  if (!(error instanceof SshMcpError) || error.hint !== null || error.code === "CANCELED") return error;
  const { code, message, retryable } = error;
  const login = ["-l", resolved.user, "-p", String(resolved.port), resolved.hostname];
  const hint = diagnosed.has(code)
    ? quoteWords(["ssh", "-v", ...login, "exit"])
    : code === "CONNECT_TIMEOUT"
      ? `${connectCommand} --timeout 60s`
      : connectCommand;
  return new SshMcpError(code, message, { hint, retryable, cause: error });
};

const environmentOf = (scope: CallScope): HostEnvironment => ({
  home: homeDirectory(),
  cwd: scope.caller.cwd,
  localUser: localUser(),
  variables: process.env,
});
