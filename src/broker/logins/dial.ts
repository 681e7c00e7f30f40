import type { Ask, CallScope } from "../../core/session.ts";
import { collectIdentities } from "../../ssh/auth/identities.ts";
import { type KeyFile, keyFileOf, readKeyFile } from "../../ssh/auth/key-file.ts";
import type { Connection } from "../../ssh/connection.ts";
import { verifyHostKey } from "../../ssh/host-keys/host-key.ts";
import { readKnownHostsFairly } from "../../ssh/host-keys/known-hosts.ts";
import { openConnection } from "../../ssh/transport/handshake.ts";
import type { Clock } from "./clock.ts";
import type { DialPlan } from "./dial-plan.ts";
import { FailedLogins } from "./failed-logins.ts";
import type { GivenFiles } from "./given-files.ts";
import { HandshakeLimit } from "./handshake-limit.ts";

/** TCP, handshake and authentication together, unless the caller says otherwise. */
const defaultTimeoutMs = 15_000;
/** A link that is cut without a word is noticed after three of these. */
const keepaliveIntervalMs = 15_000;

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

const namedKey = async (path: string, given: GivenFiles): Promise<KeyFile> => {
  const content = given.get(path);
  return content === undefined ? readKeyFile(path) : keyFileOf(path, Buffer.from(content));
};

const connect = async (plan: DialPlan, scope: DialScope): Promise<Connection> => {
  const { resolved, request, destination, connectCommand, askingCommand, typedHost } = plan;
  const at = { host: resolved.hostname, port: resolved.port };
  const known = await readKnownHostsFairly([...resolved.userKnownHostsFiles, ...resolved.globalKnownHostsFiles], at);
  // Those of the command line come first, and one that cannot be used is an error: it was asked for.
  const namedPaths = resolved.identityFiles.slice(0, resolved.identityFilesRequested);
  const named = await Promise.all(namedPaths.map((path) => namedKey(path, plan.environment.given)));
  return openConnection(
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
            askingCommand,
          },
          key,
        ),
      identities: (ask, login) =>
        collectIdentities({
          named,
          configured: resolved.identityFiles.slice(resolved.identityFilesRequested),
          identitiesOnly: resolved.identitiesOnly,
          agentSocket: scope.caller.agentSocket,
          ask,
          login,
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
};
