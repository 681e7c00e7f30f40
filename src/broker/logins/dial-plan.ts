import { type HostSettings, hostSettings } from "../../config/host-settings.ts";
import { ownConfigFile } from "../../config/own-config/own-file.ts";
import { absoluteRequest } from "../../config/ssh-config/absolute-request.ts";
import { AskedFacts } from "../../config/ssh-config/asked-facts.ts";
import { readAhead } from "../../config/ssh-config/files/parsed-files.ts";
import type { Seen } from "../../config/ssh-config/files/seen-files.ts";
import { type HostEnvironment, isHostAlias, resolveHost } from "../../config/ssh-config/resolve.ts";
import type { ResolvedHost } from "../../config/ssh-config/resolved-host.ts";
import type { CallScope } from "../../core/call-scope.ts";
import { formatDestination, parseDestination, validateUser } from "../../core/destination.ts";
import type { DialRequest } from "../../core/dial-request.ts";
import { SshMcpError } from "../../core/errors.ts";
import type { Face } from "../../core/operation.ts";
import { baseDirectory } from "../../files/base-directory.ts";
import { localUser } from "../../files/passwd.ts";
import { homeDirectory } from "../../files/paths.ts";
import { askedWorld } from "./asked-world.ts";
import { askingCommandOf, connectCommandOf, widerCommandOf } from "./connect-command.ts";
import { currentSettings } from "./current-settings.ts";
import { type GivenFiles, mustBeFiles, namesGivenFiles, readGivenFiles } from "./given-files.ts";
import { hopRequest, mustBePlainNames, mustLeadOn, type Stop, stopOf } from "./jump-chain.ts";
import { hasPasswordCommand, withPlacedSecrets } from "./plan-secrets.ts";
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
  /** `connectCommand` without what keeps a login from being tried in every way, where something does. */
  widerCommand: string;
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

/** A request, and who wrote it. */
export interface ChosenRequest {
  request: DialRequest;
  chosenBy: Face;
}

/** How long a command of ssh_config may take where the caller says nothing: as long as the login that waits for it. */
const defaultLimitMs = 15_000;

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
  return await planWith({ request, chosenBy: scope.caller.face }, given, scope, seen);
};

/** The environment of whoever runs an agent's program holds what no model is to read, as it would in an error that names the file. */
const mustNameFiles = ({ identityFiles }: DialRequest): void => {
  if (!identityFiles.some((file) => file.includes("${"))) return;
  throw new SshMcpError("INVALID_INPUT", "identityFile names files: a variable in it stands for nothing", {
    hint: 'ssh_connect {"destination":"DESTINATION","identityFile":["~/.ssh/id_ed25519"]}',
  });
};

/** Plans once more what a session was opened for, whoever wants it open now. @throws as `planDial` */
export const planAgain = (chosen: ChosenRequest, scope: PlanScope, seen?: Seen): Promise<DialPlan> =>
  planWith(chosen, nothingGiven, scope, seen);

const nothingGiven: GivenFiles = new Map();

const planWith = async (
  { request, chosenBy }: ChosenRequest,
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
  // Every round goes by the same files.
  const ahead = await readAhead(request.configFile, world);
  const asked = new AskedFacts(askedWorld(scope, request.timeoutMs ?? defaultLimitMs));
  return asked.resolve((facts) => {
    const environment = { ...world, ahead, asked, ...facts };
    const plan = planIn(request, environment);
    return chosenBy === "mcp" && hasPasswordCommand(plan) ? withPlacedSecrets(plan, aloneOf(plan, environment)) : plan;
  });
};

/** The plan of the host with nothing said beside its name; null when it comes to none. */
const aloneOf = ({ typedHost, request }: DialPlan, environment: PlanEnvironment): DialPlan | null => {
  const unsaid = { user: null, port: null, identityFiles: [], options: [] };
  try {
    return planIn({ ...request, ...unsaid, destination: typedHost }, environment);
  } catch (error) {
    if (error instanceof SshMcpError) return null;
    throw error;
  }
};

/**
 * Plans another destination in the world of a plan. Commands of ssh_config are run for it, and names looked up; no variable is asked for.
 * @throws as `planDial`
 */
export const planBeside = (request: DialRequest, { environment }: DialPlan): Promise<DialPlan> =>
  environment.asked.resolve(({ commands, names }) => planIn(request, { ...environment, commands, names }));

/** The same with the variables that are known; one that is not counts as not set. @throws as `planDial` */
const planIn = (request: DialRequest, environment: PlanEnvironment): DialPlan =>
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
  const stops = [...chain, stopOf(destination, request)];
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
    widerCommand: connectCommand ?? widerCommandOf({ ...absolute, ...typed }, resolved),
    settings: hostSettings(currentSettings(), parsed.host),
    via,
    way: wayOf(resolved, via),
    key: sessionKey(resolved, absolute, environment.given, via),
    environment,
  };
};
