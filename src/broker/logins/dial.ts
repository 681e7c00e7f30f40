import type { Ask, CallScope } from "../../core/session.ts";
import type { Connection } from "../../ssh/connection.ts";
import { algorithmsFor } from "../../ssh/transport/algorithms.ts";
import { type ConnectionOptions, openConnection } from "../../ssh/transport/handshake.ts";
import { dialTcp } from "../../ssh/transport/tcp.ts";
import type { Clock } from "./clock.ts";
import { planAuthentication } from "./dial-identities.ts";
import type { DialPlan } from "./dial-plan.ts";
import { planTrust } from "./dial-trust.ts";
import { FailedLogins } from "./failed-logins.ts";
import { HandshakeLimit } from "./handshake-limit.ts";

/** TCP, handshake and authentication together, unless the caller says otherwise. */
const defaultTimeoutMs = 15_000;
/** A link that is cut without a word is noticed after three of these. */
const keepaliveIntervalMs = 15_000;
const keepaliveCountMax = 3;

/** What a dial needs of those who wait for it. */
export interface DialScope extends Pick<CallScope, "caller" | "signal" | "ask" | "variables"> {
  /** Whether nobody but models waits for it. */
  isForModels(): boolean;
}

/** Dials what was planned, within the limits that hold for all sessions together. */
export class Dialer {
  readonly #failed: FailedLogins;
  readonly #handshakes = new HandshakeLimit();

  constructor(clock: Clock) {
    this.#failed = new FailedLogins(clock);
  }

  /**
   * Questions are answered through the scope; its signal ends the attempt.
   * @throws SshMcpError for each way in which connecting, verifying or authenticating fails; AUTH_FAILED without a new attempt when only models
   *   ask for a login that was refused lately
   */
  async dial(plan: DialPlan, scope: DialScope): Promise<Connection> {
    if (scope.isForModels()) this.#failed.check(plan.key);
    try {
      const connection = await this.#dial(plan, scope);
      this.#failed.note(plan.key, null);
      return connection;
    } catch (error) {
      this.#failed.note(plan.key, error);
      throw error;
    }
  }

  /** The same beside a connection that the session has: how it ends says nothing of the session's own login. */
  async dialBeside(plan: DialPlan, scope: DialScope): Promise<Connection> {
    if (scope.isForModels()) this.#failed.check(plan.key);
    return await this.#dial(plan, scope);
  }

  async #dial(plan: DialPlan, scope: DialScope): Promise<Connection> {
    const { hostname, port } = plan.resolved;
    const leave = await this.#handshakes.enter(`${hostname} port ${port}`, scope.signal);
    try {
      const ask: Ask = (question) => {
        // Nobody has to wait in line for a person to come back to the keyboard.
        leave();
        return scope.ask(question);
      };
      return await connect(plan, { ...scope, ask });
    } finally {
      leave();
    }
  }
}

/** @throws SshMcpError for each way in which connecting, verifying or authenticating fails */
const connect = async (plan: DialPlan, scope: DialScope): Promise<Connection> => {
  const { resolved, request, destination } = plan;
  const { hostname: host, port, user } = resolved;
  const trust = await planTrust(plan, scope.ask);
  const authentication = await planAuthentication(plan, scope.caller.agentSocket);
  const options: ConnectionOptions = {
    ...{ host, port, user, destination, authentication },
    open: (limitMs, signal) => dialTcp(host, port, limitMs, signal),
    algorithms: algorithmsFor(trust.knownKeyTypes),
    verifyHostKey: trust.verifyHostKey,
    ask: scope.ask,
    timeoutMs: request.timeoutMs ?? defaultTimeoutMs,
    keepalive: { intervalMs: keepaliveIntervalMs, countMax: keepaliveCountMax },
  };
  return await openConnection(options, scope.signal);
};
