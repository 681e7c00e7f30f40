import { type HostSettings, hostSettings } from "../../config/host-settings.ts";
import { ownConfigFile } from "../../config/own-config/own-file.ts";
import { absoluteRequest } from "../../config/ssh-config/absolute-request.ts";
import { AskedFacts } from "../../config/ssh-config/asked-facts.ts";
import { type HostEnvironment, isHostAlias, resolveHost } from "../../config/ssh-config/resolve.ts";
import type { ResolvedHost } from "../../config/ssh-config/resolved-host.ts";
import type { Seen } from "../../config/ssh-config/seen-files.ts";
import { formatDestination, parseDestination, validateUser } from "../../core/destination.ts";
import { SshMcpError } from "../../core/errors.ts";
import type { CallScope, DialRequest } from "../../core/session.ts";
import { baseDirectory } from "../../files/base-directory.ts";
import { localUser } from "../../files/passwd.ts";
import { homeDirectory } from "../../files/paths.ts";
import { askedWorld } from "./asked-world.ts";
import { askingCommandOf, connectCommandOf } from "./connect-command.ts";
import { currentSettings } from "./current-settings.ts";
import { type GivenFiles, mustBeFiles, namesGivenFiles, readGivenFiles } from "./given-files.ts";
import { hopRequest, mustBePlainNames, mustLeadOn, type Stop } from "./jump-chain.ts";
import { sessionKey, wayOf } from "./session-identity.ts";

/**
 * A destination that ssh_config has been asked about: what would be dialled, before anything is. It holds values of the caller's environment
 * and keys that the caller gave: it serves one dial, and is kept no longer.
 */
export interface DialPlan {
  /** With absolute paths: made again from another folder, it means the same. */
  request: DialRequest;
  resolved: ResolvedHost;
  /** The host or alias as typed: what a session is named after. */
  typedHost: string;
  /** The destination with the caller's user and port, in canonical form. */
  destination: string;
  /**
   * The command by which a person opens the session at a terminal, and answers what is asked on the way: built from what was parsed, and quoted.
   * For a jump host it is the one of the destination behind it.
   */
  connectCommand: string;
  /** The same, and for a jump host the one that leads to itself. */
  ownCommand: string;
  /** The same, with a person asked about a host key that is not known, whatever the caller or ssh_config say of that. */
  askingCommand: string;
  /** What `config.toml` says of the host as typed. */
  settings: HostSettings;
  /** The last jump host on the way, with the way to it; null when the host is reached without one. */
  via: DialPlan | null;
  /** See `wayOf`. */
  way: string;
  /** The session's identity, see `sessionKey`. */
  key: string;
  /** What else may be asked of ssh_config for the same caller. */
  environment: PlanEnvironment;
}

/** The world a destination is meant in. */
export type PlanEnvironment = HostEnvironment & { given: GivenFiles; asked: AskedFacts };

/** What planning needs of a call. */
export type PlanScope = Pick<CallScope, "caller" | "variables"> & Partial<Pick<CallScope, "signal">>;

/**
 * Resolves a destination: an exact alias of ssh_config first, else `[user@]host[:port]`. Connects to nothing; asks the caller for the
 * files that it alone can read, for the variables that ssh_config refers to, and for no others.
 * @param seen told of what ssh_config was read from
 * @throws SshMcpError INVALID_INPUT, CONFIG_INVALID, KEY_INVALID, UNSUPPORTED, CANCELED
 */
export const planDial = async (
  request: DialRequest,
  scope: PlanScope & Pick<CallScope, "files">,
  seen?: Seen,
): Promise<DialPlan> => {
  if (scope.caller.face === "mcp") mustNameFiles(request);
  const given = namesGivenFiles(request) ? await readGivenFiles(request, scope) : nothingGiven;
  return await planWith(request, given, scope, seen);
};

/** The environment of whoever runs an agent's program holds what no model is to read, as it would in an error that names the file. */
const mustNameFiles = ({ identityFiles }: DialRequest): void => {
  if (!identityFiles.some((file) => file.includes("${"))) return;
  throw new SshMcpError("INVALID_INPUT", "identityFile names files: a variable in it stands for nothing", {
    hint: 'ssh_connect {"destination":"DESTINATION","identityFile":["~/.ssh/id_ed25519"]}',
  });
};

/** Plans once more what a session was opened for, whoever wants it open now. @throws as `planDial` */
export const planAgain = (request: DialRequest, scope: PlanScope, seen?: Seen): Promise<DialPlan> =>
  planWith(request, nothingGiven, scope, seen);

const nothingGiven: GivenFiles = new Map();

const planWith = (
  request: DialRequest,
  given: GivenFiles,
  scope: PlanScope,
  seen: Seen | undefined,
): Promise<DialPlan> => {
  const world = {
    home: homeDirectory(),
    cwd: scope.caller.cwd,
    localUser: localUser(),
    ownFile: ownConfigFile(baseDirectory()),
    given,
    seen,
  };
  const asked = new AskedFacts(askedWorld(scope));
  return asked.resolve((facts) => planIn(request, { ...world, asked, ...facts }));
};

/**
 * Plans another destination in the world of a plan. Commands of ssh_config are run for it, and names looked up; no variable is asked for.
 * @throws as `planDial`
 */
export const planBeside = (request: DialRequest, { environment }: DialPlan): Promise<DialPlan> =>
  environment.asked.resolve(({ commands, names }) => planIn(request, { ...environment, commands, names }));

/** The same with the variables that are known; one that is not counts as not set. @throws as `planDial` */
export const planIn = (request: DialRequest, environment: PlanEnvironment): DialPlan =>
  planStop(request, environment, [], null);

/** @param chain the stops behind it, the destination first; @param connectCommand the destination's; null for the destination itself */
const planStop = (
  request: DialRequest,
  environment: PlanEnvironment,
  chain: readonly Stop[],
  connectCommand: string | null,
): DialPlan => {
  const isAlias = isHostAlias(request.destination, request.configFile, environment);
  const parsed = isAlias
    ? { user: null, host: request.destination, port: null }
    : parseDestination(request.destination);
  if (request.user !== null) validateUser(request.user);
  const user = request.user ?? parsed.user;
  const port = request.port ?? parsed.port;
  const { identityFiles, configFile, options } = request;
  const resolved = resolveHost({ host: parsed.host, user, port, identityFiles, configFile, options }, environment);
  mustBeFiles(resolved, environment.given);
  mustBePlainNames(resolved, parsed.host);
  const absolute = absoluteRequest(request, environment);
  // An alias is taken as it stands; a user or a port beside it go into flags.
  const destination = isAlias ? parsed.host : formatDestination({ user, host: parsed.host, port });
  const typed = isAlias ? { destination, user, port } : { destination, user: null, port: null };
  const ownCommand = connectCommandOf({ ...absolute, ...typed }, null);
  const stops = [...chain, { destination, resolved, decides: chain.length === 0 || request.options.length === 0 }];
  mustLeadOn(stops, absolute.configFile);
  const { proxy } = resolved;
  const via =
    proxy.kind === "jump"
      ? planStop(hopRequest(proxy.hops, absolute), environment, stops, connectCommand ?? ownCommand)
      : null;
  return {
    request: absolute,
    resolved,
    typedHost: parsed.host,
    destination,
    connectCommand: connectCommand ?? ownCommand,
    ownCommand,
    askingCommand: askingCommandOf({ ...absolute, ...typed }),
    settings: hostSettings(currentSettings(), parsed.host),
    via,
    way: wayOf(resolved, via),
    key: sessionKey(resolved, absolute, environment.given, via),
    environment,
  };
};
