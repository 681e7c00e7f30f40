import { Socket } from "node:net";
import type { Duplex } from "node:stream";
import { Client } from "ssh2";
import { SshMcpError } from "../../core/errors.ts";
import type { Ask } from "../../core/question.ts";
import type { Authentication } from "../auth/authentication.ts";
import { listenForSignatures, takeUserauth, type UserauthPort } from "../auth/ssh2-userauth.ts";
import { parseCertificate } from "../certificate.ts";
import { Connection } from "../connection.ts";
import { mustBeLongEnough } from "../key-exchange/host-key-size.ts";
import { agreeOnThread } from "../key-exchange/key-agreement.ts";
import { rekeyRegularly } from "../key-exchange/rekey.ts";
import { canceled } from "./canceled.ts";
import { connectionError, type Phase } from "./connection-errors.ts";
import type { ConnectionOptions } from "./connection-options.ts";
import { Deadline } from "./deadline.ts";
import { gatherWrites } from "./gathered-writes.ts";
import { handshakeError, handshakeFault, handshakeTooSlow } from "./handshake-errors.ts";
import { onAnnouncedKeys } from "./host-keys-request.ts";
import { LoginBanner } from "./login-banner.ts";
import { encryptHere, giveUpReceived } from "./own-packets.ts";
import { onForcedCommand, softwareOf } from "./ssh2.ts";

/** Servers that are known to take the first attempt in the same round trip as the request for the service it belongs to. */
const pipelinesLogin = /^(OpenSSH|dropbear)_/;

/**
 * Dials, verifies, authenticates.
 * @throws SshMcpError for each way in which that fails, CANCELED when `signal` aborts first
 */
export const openConnection = async (options: ConnectionOptions, signal: AbortSignal): Promise<Connection> => {
  const startedAt = performance.now();
  const budget = options.budget ?? { leftMs: options.timeoutMs };
  const connectMs = options.connectTimeoutMs ?? Number.POSITIVE_INFINITY;
  const socket = await options.open(Math.min(budget.leftMs, connectMs), signal);
  const tookMs = performance.now() - startedAt;
  budget.leftMs -= tookMs;
  return new Handshake(options, socket, { budget, keyExchangeMs: connectMs - tookMs }, signal).run();
};

/** The part of a connection's life before it is one: ends in a Connection or in one error. */
class Handshake {
  readonly #options: ConnectionOptions;
  readonly #socket: Duplex;
  readonly #signal: AbortSignal;
  readonly #client = new Client();
  readonly #done = Promise.withResolvers<Connection>();
  readonly #over = new AbortController();
  readonly #deadline: Deadline;
  readonly #budget: { leftMs: number };
  /** Null without a limit of its own. */
  readonly #keyExchange: Deadline | null;
  readonly #where: string;
  #phase: Phase = "handshake";
  #hostKey: Buffer | null = null;
  #allowRekey = (): void => undefined;
  readonly #banner = new LoginBanner();
  #askedForSecret = false;
  #hasHeard = false;
  #runsForcedCommand = false;

  constructor(
    options: ConnectionOptions,
    socket: Duplex,
    { budget, keyExchangeMs }: { budget: { leftMs: number }; keyExchangeMs: number },
    signal: AbortSignal,
  ) {
    this.#options = options;
    this.#socket = socket;
    this.#signal = signal;
    this.#where = `${options.host} port ${options.port}`;
    this.#budget = budget;
    this.#deadline = new Deadline(Math.max(1, budget.leftMs), () => this.#fail(this.#tooSlow(options.timeoutMs)));
    this.#keyExchange = Number.isFinite(keyExchangeMs)
      ? new Deadline(Math.max(1, keyExchangeMs), () => this.#fail(this.#tooSlow(options.connectTimeoutMs ?? 0)))
      : null;
  }

  async run(): Promise<Connection> {
    const abort = (): void => this.#fail(canceled(this.#options.host));
    this.#signal.addEventListener("abort", abort, { once: true });
    try {
      if (this.#signal.aborted) abort();
      else this.#begin();
      return await this.#done.promise;
    } finally {
      this.#budget.leftMs = this.#deadline.leftMs;
      this.#deadline.clear();
      this.#keyExchange?.clear();
      this.#over.abort();
      this.#signal.removeEventListener("abort", abort);
    }
  }

  #begin(): void {
    try {
      this.#start();
    } catch (error) {
      this.#fail(handshakeFault(error, this.#where));
    }
  }

  #start(): void {
    const client = this.#client;
    // Gone when the login is through: decrypted keys must not live as long as the connection.
    let authentication: Authentication | null = this.#options.authentication(this.#ask, {
      over: this.#over.signal,
      offTheClock: (work) => this.#offTheClock(work),
    });
    client.once("handshake", () => {
      this.#phase = "authentication";
      this.#keyExchange?.clear();
      const begin = (port: UserauthPort): void => {
        const login = authentication;
        void login?.run(port).then((isThrough) => {
          if (!isThrough) this.#fail(login.failure);
        });
      };
      takeUserauth(client, pipelinesLogin.test(softwareOf(client)), begin, serverSignatures);
    });
    this.#socket.once("data", () => {
      this.#hasHeard = true;
    });
    client.on("banner", (text) => this.#banner.add(text));
    client.on("ready", () => {
      const method = authentication?.method ?? "none";
      authentication = null;
      this.#ready(method);
    });
    client.on("error", (error: Error & { code?: unknown }) => {
      // RFC 4253, section 11.1: the server's own end of a login under way; servers say so after too many failed attempts.
      const isCutOff = this.#phase === "authentication" && typeof error.code === "number";
      const failure = isCutOff ? authentication?.cutOff(error.message) : undefined;
      this.#fail(failure ?? this.#translate(error));
    });
    client.on("close", () => this.#fail(this.#translate(new Error("Connection lost"))));
    gatherWrites(this.#socket);
    client.connect({
      sock: this.#socket,
      username: this.#options.user,
      readyTimeout: 0,
      keepaliveInterval: this.#options.keepalive.intervalMs,
      keepaliveCountMax: this.#options.keepalive.countMax,
      algorithms: this.#options.algorithms,
      // ssh2 takes anything but a literal false as "accepted", a returned promise too: this returns nothing and calls back with a boolean.
      hostVerifier: (key: Buffer, verdict: (accepted: boolean) => void): void => {
        // A rekey must meet the key that was accepted: another one mid-connection is somebody else.
        if (this.#hostKey !== null) verdict(this.#hostKey.equals(key));
        else {
          void this.#verify(key).then((accepted) => {
            // ssh2 must not be told of what is over.
            if (!this.#over.signal.aborted) verdict(accepted);
          });
        }
      },
    });
    const serverSignatures = listenForSignatures(client);
    agreeOnThread(client, this.#socket);
    encryptHere(client);
    this.#allowRekey = rekeyRegularly(client, this.#socket, this.#options.rekeyLimit ?? { bytes: null, ms: null });
    onForcedCommand(client, () => {
      this.#runsForcedCommand = true;
    });
    onAnnouncedKeys(client, (announced) => {
      const { onHostKeys, algorithms } = this.#options;
      onHostKeys?.(announced, Array.isArray(algorithms.serverHostKey) ? algorithms.serverHostKey : []);
    });
  }

  #offTheClock<T>(work: () => Promise<T>): Promise<T> {
    const keyExchange = this.#keyExchange;
    return this.#deadline.paused(keyExchange === null ? work : () => keyExchange.paused(work));
  }

  readonly #ask: Ask = (question) =>
    this.#offTheClock(() => {
      if (question.kind !== "host-key" && question.asksLeave !== true) this.#askedForSecret = true;
      const banner = this.#banner.text;
      return this.#options.ask(banner === null ? question : { ...question, banner });
    });

  async #verify(key: Buffer): Promise<boolean> {
    try {
      mustBeLongEnough(key, this.#options.requiredRsaBits ?? 0, this.#where);
      const accepted = await this.#offTheClock(() => this.#options.verifyHostKey(key, addressOf(this.#socket)));
      if (accepted !== true) return false;
      this.#hostKey = Buffer.from(key);
      return true;
    } catch (error) {
      this.#fail(connectionError(error, this.#phase, this.#where));
      return false;
    }
  }

  #ready(authMethod: string): void {
    if (this.#hostKey === null) {
      this.#fail(new SshMcpError("INTERNAL", "the login went through without a verified host key"));
      return;
    }
    this.#client.removeAllListeners();
    this.#allowRekey();
    // ssh2 throws when nobody listens for errors; the connection does from here on.
    if (this.#socket instanceof Socket) giveUpReceived(this.#client, this.#socket);
    const connection = new Connection(this.#client, this.#socket, this.#where, {
      authMethod,
      // Of a certificate, the key that it is for: that is what a person knows it by.
      hostKey: Buffer.from(parseCertificate(this.#hostKey)?.publicKey ?? this.#hostKey),
      banner: this.#banner.text,
      runsForcedCommand: this.#runsForcedCommand,
      askedForSecret: this.#askedForSecret,
      commands: this.#options.commands,
    });
    if (this.#options.spare !== false) connection.prepare();
    this.#done.resolve(connection);
  }

  /** The first failure is the reason; the socket goes at once, so that nothing of a failed login lingers. */
  #fail(error: SshMcpError): void {
    this.#done.reject(error);
    this.#socket.on("error", () => undefined);
    this.#socket.destroy();
  }

  #translate(error: Error): SshMcpError {
    const facts = { client: this.#client, phase: this.#phase, where: this.#where, hasHeard: this.#hasHeard };
    return handshakeError(error, { ...facts, destination: this.#options.destination });
  }

  #tooSlow(limitMs: number): SshMcpError {
    return handshakeTooSlow(this.#phase, this.#where, limitMs);
  }
}

/** Channels and pipes have none. */
const addressOf = (socket: Duplex): string | null => (socket instanceof Socket ? (socket.remoteAddress ?? null) : null);
