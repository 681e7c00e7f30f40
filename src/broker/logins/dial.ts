import { commandSettingsOf, type ResolvedHost } from "../../config/ssh-config/resolved-host.ts";
import type { CallScope } from "../../core/call-scope.ts";
import { formatLimit } from "../../core/duration.ts";
import { SshMcpError } from "../../core/errors.ts";
import { escapeLine } from "../../core/escape.ts";
import type { Ask } from "../../core/question.ts";
import type { LoginUnderWay } from "../../ssh/auth/identities.ts";
import type { Connection } from "../../ssh/connection.ts";
import { algorithmsFor } from "../../ssh/key-exchange/algorithms.ts";
import { fingerprint } from "../../ssh/public-key.ts";
import { canceled } from "../../ssh/transport/canceled.ts";
import type { ConnectionOptions } from "../../ssh/transport/connection-options.ts";
import { openConnection } from "../../ssh/transport/handshake.ts";
import { joinedBanners } from "../../ssh/transport/login-banner.ts";
import type { Clock } from "./clock.ts";
import { planAuthentication } from "./dial-identities.ts";
import type { DialPlan } from "./dial-plan.ts";
import { planTrust } from "./dial-trust.ts";
import { wayTo } from "./dial-way.ts";
import { FailedLogins } from "./failed-logins.ts";
import { HandshakeLimit } from "./handshake-limit.ts";
import type { LoginSecrets } from "./held-secrets.ts";
import { atHop, HopError } from "./hop-error.ts";
import { explainedByProposal } from "./proposed-host.ts";
import { SecretSources, sourcesMs } from "./secret-sources.ts";

/** All the way there and the logins on it, unless the caller says otherwise; what ssh_config allows each server to connect comes on top. */
const defaultTimeoutMs = 15_000;
/** A link that is cut without a word is noticed after three of these. */
const keepaliveIntervalMs = 15_000;
const keepaliveCountMax = 3;
/** What an agent that needs nobody may take for a signature, in milliseconds. */
const programMs = 1000;

/** What a dial needs of those who wait for it. */
export interface DialScope extends Pick<CallScope, "caller" | "signal" | "ask" | "variables" | "notice"> {
  /** Whether nobody but models waits for it. */
  isForModels(): boolean;
  /** What the session holds of the secrets of its last login; absent for a login that is no session's own. */
  memory?: LoginSecrets;
  /** Says something to the people among them that no model is to read. */
  noticeToPeople(message: string): void;
}

/** What one call alone needs of its login: nobody shares it. */
export const scopeOf = (call: CallScope): DialScope => {
  const isModel = call.caller.face === "mcp";
  return { ...call, isForModels: () => isModel, noticeToPeople: (message) => isModel || call.notice(message) };
};

/** That of a login that has its place in the line. */
interface PlacedScope extends DialScope {
  /** Gives the place back before the login is through. */
  leave(): void;
}

/** One connection of those that lead to a server: its own, or that to a jump host. */
interface Leg {
  /** Of the time for all of them, what is left. */
  budget: { leftMs: number };
  /** The time for all of them. */
  timeoutMs: number;
  /** What is left of the time of all sources of secrets. */
  sources: { leftMs: number };
  isHop: boolean;
  /** Whether it says nothing of the session's own login. */
  isBeside: boolean;
}

/** Dials what was planned, within the limits that hold for all sessions together. */
export class Dialer {
  readonly #failed: FailedLogins;
  readonly #handshakes = new HandshakeLimit();

  constructor(clock: Clock) {
    this.#failed = new FailedLogins(clock);
  }

  /**
   * Questions are answered through the scope; its signal ends the attempt. Jump hosts on the way are connected to first, each as the server itself
   * would be, and live as long as the connection that goes through them.
   * @throws SshMcpError for each way in which connecting, verifying or authenticating fails; AUTH_FAILED without a new attempt when only models
   *   ask for a login that was refused lately
   */
  dial(plan: DialPlan, scope: DialScope): Promise<Connection> {
    return this.#dial(plan, scope, { ...timeFor(plan), isHop: false, isBeside: false });
  }

  /** The same beside a connection that the session has: how it ends says nothing of the session's own login. */
  dialBeside(plan: DialPlan, scope: DialScope): Promise<Connection> {
    return this.#dial(plan, scope, { ...timeFor(plan), isHop: false, isBeside: true });
  }

  /**
   * Connects to the last jump host on the way, and to nothing behind it. Whoever asks for it closes it.
   * @returns null when there is none
   * @throws as `dial`, with the jump host's name
   */
  async dialHop(plan: DialPlan, scope: DialScope): Promise<Connection | null> {
    return await this.#hop(plan, scope, { ...timeFor(plan), isHop: true, isBeside: false });
  }

  async #dial(plan: DialPlan, scope: DialScope, leg: Leg): Promise<Connection> {
    const failedAs = failureKey(plan);
    if (scope.isForModels()) this.#failed.check(failedAs);
    const note = (error: unknown): void => {
      // A jump host's failure is noted as its own.
      if (!leg.isBeside && !(error instanceof HopError)) this.#failed.note(failedAs, error);
    };
    try {
      const connection = await this.#onward(plan, scope, leg);
      note(null);
      return connection;
    } catch (error) {
      note(error);
      throw error;
    }
  }

  async #onward(plan: DialPlan, scope: DialScope, leg: Leg): Promise<Connection> {
    const hop = await this.#hop(plan, scope, leg);
    if (hop === null) return await this.#enter(plan, scope, leg, null);
    try {
      const connection = await this.#enter(plan, scope, leg, hop);
      connection.login.askedForSecret ||= hop.login.askedForSecret;
      if (hop.login.banner !== null) {
        connection.login.banner = joinedBanners(hop.login.banner, connection.login.banner);
      }
      void connection.ended.then(() => hop.close());
      return connection;
    } catch (error) {
      void hop.close();
      throw error;
    }
  }

  async #hop({ via }: DialPlan, scope: DialScope, leg: Leg): Promise<Connection | null> {
    if (via === null) return null;
    return await this.#dial(via, scope, { ...leg, isHop: true }).catch((error: unknown) => {
      throw atHop(error, via);
    });
  }

  async #enter(plan: DialPlan, scope: DialScope, leg: Leg, hop: Connection | null): Promise<Connection> {
    const { hostname, port } = plan.resolved;
    const leave = await this.#handshakes.enter(`${hostname} port ${port}`, scope.signal, plan.way);
    try {
      const ask: Ask = (question) => {
        // Nobody has to wait in line for a person to come back to the keyboard.
        leave();
        return scope.ask(question);
      };
      return await connect(plan, { ...scope, ask, leave }, leg, hop);
    } finally {
      leave();
    }
  }
}

/** What a login was refused as: with another source of its password it is another one. */
const failureKey = ({ key, settings: { passwordCommand } }: DialPlan): string =>
  passwordCommand === null ? key : JSON.stringify([key, passwordCommand]);

const timeFor = (plan: DialPlan): Pick<Leg, "budget" | "timeoutMs" | "sources"> => {
  const timeoutMs = plan.request.timeoutMs ?? defaultTimeoutMs + connectTimeouts(plan);
  return { budget: { leftMs: timeoutMs }, timeoutMs, sources: { leftMs: sourcesMs } };
};

const connectTimeouts = ({ resolved, via }: DialPlan): number =>
  (resolved.connectTimeoutMs ?? 0) + (via === null ? 0 : connectTimeouts(via));

/** @throws SshMcpError for each way in which connecting, verifying or authenticating fails */
const connect = async (
  plan: DialPlan,
  scope: PlacedScope,
  { budget, timeoutMs, sources, isHop }: Leg,
  hop: Connection | null,
): Promise<Connection> => {
  const { resolved, request, destination } = plan;
  const { hostname: host, port, user } = resolved;
  if (budget.leftMs <= 0) throw outOfTime(plan, timeoutMs);
  const secrets = new SecretSources(plan, scope, sources);
  const ask: Ask = (question) => secrets.ask(question);
  const trust = await planTrust(plan, { ask, notice: (message) => scope.notice(message) });
  const authenticate = await planAuthentication(plan, scope.caller.agentSocket);
  const options: ConnectionOptions = {
    ...{ host, port, user, destination },
    authentication: (askFor, login) => authenticate(askFor, { ...login, offTheClock: leavingWhenLong(login, scope) }),
    open: await wayTo(plan, scope, hop),
    algorithms: algorithmsFor({ ...resolved, legacy: plan.settings.legacy, knownKeyTypes: trust.knownKeyTypes }),
    rekeyLimit: resolved.rekeyLimit,
    requiredRsaBits: resolved.requiredRsaBits,
    verifyHostKey: async (blob, peer) => {
      const isAccepted = await trust.verifyHostKey(blob, peer);
      secrets.hostKey = fingerprint(blob);
      return isAccepted;
    },
    onHostKeys: trust.onHostKeys,
    ask,
    commands: commandSettingsOf(resolved),
    ...{ timeoutMs, budget, spare: !isHop },
    // Who calls knows better than a file.
    connectTimeoutMs: request.timeoutMs === null ? resolved.connectTimeoutMs : null,
    keepalive: keepaliveOf(resolved),
  };
  const connection = await openConnection(options, scope.signal).catch((error: unknown) => {
    throw explainedByProposal(error, plan, scope.caller.face);
  });
  await trust.settled(budget, scope.signal);
  if (scope.signal.aborted) {
    void connection.close();
    throw canceled(host);
  }
  // What else gave it will give it again; what is held is a person's.
  connection.login.askedForSecret &&= secrets.askedPerson || scope.memory?.wasRecalled === true;
  return connection;
};

/** Nor has anybody to wait in line until a key is touched. */
const leavingWhenLong =
  ({ offTheClock }: LoginUnderWay, { leave }: PlacedScope): LoginUnderWay["offTheClock"] =>
  async (work) => {
    const timer = setTimeout(leave, programMs);
    try {
      return await offTheClock(work);
    } finally {
      clearTimeout(timer);
    }
  };

/** Jump hosts took all of it. */
const outOfTime = ({ destination }: DialPlan, timeoutMs: number): SshMcpError =>
  new SshMcpError("CONNECT_TIMEOUT", `the way to ${escapeLine(destination)} took all of ${formatLimit(timeoutMs)}`);

const keepaliveOf = ({ serverAliveIntervalMs, serverAliveCountMax }: ResolvedHost): ConnectionOptions["keepalive"] =>
  serverAliveIntervalMs === null
    ? { intervalMs: keepaliveIntervalMs, countMax: keepaliveCountMax }
    : // ssh2 counts before it asks: with none it would end a connection that is well.
      { intervalMs: serverAliveIntervalMs, countMax: Math.max(1, serverAliveCountMax) };
