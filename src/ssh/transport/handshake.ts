import type { Duplex } from "node:stream";
import type ssh2 from "ssh2";
import { Client } from "ssh2";
import { formatLimit } from "../../core/duration.ts";
import { SshMcpError } from "../../core/errors.ts";
import type { Ask } from "../../core/session.ts";
import type { Authentication } from "../auth/authentication.ts";
import type { LoginUnderWay } from "../auth/identities.ts";
import { Connection } from "../connection.ts";
import { connectionError, type Phase } from "./connection-errors.ts";
import { Deadline } from "./deadline.ts";
import { onAuthFailure, onForcedCommand, pipelineFirstAttempt, softwareOf } from "./ssh2.ts";

/** Servers that are known to take the first attempt in the same round trip as the request for the service it belongs to. */
const pipelinesLogin = /^(OpenSSH|dropbear)_/;
/** Characters of the login banner that are kept. */
const bannerLimit = 64 * 1024;

export interface ConnectionOptions {
  host: string;
  port: number;
  user: string;
  /**
   * Opens the way to the server: TCP, a channel of a jump host, a command's pipes.
   * @param limitMs how long it may take
   * @throws SshMcpError
   */
  open: (limitMs: number, signal: AbortSignal) => Promise<Duplex>;
  /** What is offered in the key exchange, see `algorithmsFor`. */
  algorithms: ssh2.Algorithms;
  /**
   * Judges the server's host key (SSH wire form), at the first key exchange and at every later one. Only a literal true accepts;
   * what it throws is why the connection failed. There is no connection without it.
   */
  verifyHostKey: (key: Buffer) => Promise<boolean>;
  /** The login. @param ask stops the clock while a person is asked */
  authentication: (ask: Ask, login: LoginUnderWay) => Authentication;
  ask: Ask;
  /** For hints, see Question. */
  destination: string;
  /** Limit for TCP, handshake and authentication together; questions to a person stop its clock. */
  timeoutMs: number;
  /** Silence of the server, in milliseconds, after which it is asked whether it is still there, and how often without an answer; 0 never asks. */
  keepalive: { intervalMs: number; countMax: number };
}

/**
 * Dials, verifies, authenticates.
 * @throws SshMcpError for each way in which that fails, CANCELED when `signal` aborts first
 */
export const openConnection = async (options: ConnectionOptions, signal: AbortSignal): Promise<Connection> => {
  const startedAt = performance.now();
  const socket = await options.open(options.timeoutMs, signal);
  return new Handshake(options, socket, options.timeoutMs - (performance.now() - startedAt), signal).run();
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
  readonly #where: string;
  #phase: Phase = "handshake";
  #hostKey: Buffer | null = null;
  #banner = "";
  #askedForSecret = false;
  #hasHeard = false;
  #runsForcedCommand = false;

  constructor(options: ConnectionOptions, socket: Duplex, limitMs: number, signal: AbortSignal) {
    this.#options = options;
    this.#socket = socket;
    this.#signal = signal;
    this.#where = `${options.host} port ${options.port}`;
    this.#deadline = new Deadline(Math.max(1, limitMs), () => this.#fail(this.#tooSlow()));
  }

  async run(): Promise<Connection> {
    const abort = (): void =>
      this.#fail(new SshMcpError("CANCELED", `connecting to ${this.#options.host} was canceled; no command was sent`));
    this.#signal.addEventListener("abort", abort, { once: true });
    if (this.#signal.aborted) abort();
    else this.#start();
    try {
      return await this.#done.promise;
    } finally {
      this.#deadline.clear();
      this.#over.abort();
      this.#signal.removeEventListener("abort", abort);
    }
  }

  #start(): void {
    const client = this.#client;
    // Gone when the login is through: ssh2 keeps its authHandler, and decrypted keys must not live as long as the connection.
    let authentication: Authentication | null = this.#authentication();
    client.once("handshake", () => {
      this.#phase = "authentication";
      if (pipelinesLogin.test(softwareOf(client))) pipelineFirstAttempt(client);
    });
    this.#socket.once("data", () => {
      this.#hasHeard = true;
    });
    client.on("banner", (text) => {
      if (this.#banner.length < bannerLimit) this.#banner = (this.#banner + text).slice(0, bannerLimit);
    });
    client.on("change password", () => {
      this.#fail(
        new SshMcpError("AUTH_FAILED", `the password of ${this.#options.user} on ${this.#options.host} has expired`, {
          hint: `ssh ${this.#options.destination}`,
        }),
      );
    });
    client.on("ready", () => {
      const method = authentication?.method ?? "none";
      authentication = null;
      this.#ready(method);
    });
    client.on("error", (error: Error & { level?: string }) => {
      // One key could not sign; ssh2 goes on with the next attempt.
      if (error.level === "agent") return;
      const denied = error.level === "client-authentication";
      this.#fail(denied && authentication !== null ? authentication.failure : this.#translate(error));
    });
    client.on("close", () => this.#fail(this.#translate(new Error("Connection lost"))));
    client.connect({
      sock: this.#socket,
      username: this.#options.user,
      readyTimeout: 0,
      keepaliveInterval: this.#options.keepalive.intervalMs,
      keepaliveCountMax: this.#options.keepalive.countMax,
      algorithms: this.#options.algorithms,
      // ssh2 takes anything but a literal false as "accepted", a returned promise too: this returns nothing and calls back with a boolean.
      hostVerifier: (key: Buffer, verdict: (accepted: boolean) => void): void => {
        // A rekey must meet the key that was accepted: another one mid-connection is somebody else. It is judged at once, because ssh2 1.17.0
        // frames what is sent while a verifier makes up its mind as if the exchange were over, and the server ends the connection.
        if (this.#hostKey !== null) verdict(this.#hostKey.equals(key));
        else void this.#verify(key).then(verdict);
      },
      authHandler: ((_left: unknown, _partial: unknown, deliver: (attempt: unknown) => void) => {
        authentication?.next(deliver);
      }) as never,
    });
    onForcedCommand(client, () => {
      this.#runsForcedCommand = true;
    });
    onAuthFailure(client, (allowed, partial) => authentication?.failed(allowed, partial));
  }

  #authentication(): Authentication {
    const authentication = this.#options.authentication(this.#ask, {
      over: this.#over.signal,
      offTheClock: (work) => this.#deadline.paused(work),
    });
    authentication.onGiveUp = () => this.#fail(authentication.failure);
    return authentication;
  }

  readonly #ask: Ask = (question) =>
    this.#deadline.paused(() => {
      if (question.kind !== "host-key") this.#askedForSecret = true;
      return this.#options.ask(question);
    });

  async #verify(key: Buffer): Promise<boolean> {
    try {
      const accepted = await this.#deadline.paused(() => this.#options.verifyHostKey(key));
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
    // ssh2 throws when nobody listens for errors; the connection does from here on.
    const connection = new Connection(this.#client, this.#socket, this.#where, {
      authMethod,
      hostKey: this.#hostKey,
      banner: this.#banner === "" ? null : this.#banner,
      runsForcedCommand: this.#runsForcedCommand,
      askedForSecret: this.#askedForSecret,
    });
    this.#done.resolve(connection);
  }

  /** The first failure is the reason; the socket goes at once, so that nothing of a failed login lingers. */
  #fail(error: SshMcpError): void {
    this.#done.reject(error);
    this.#socket.on("error", () => undefined);
    this.#socket.destroy();
  }

  #translate(error: Error): SshMcpError {
    // Words came, and none of them was an SSH identification.
    const stranger = this.#hasHeard && softwareOf(this.#client) === "";
    return connectionError(stranger ? new Error("no SSH identification came") : error, this.#phase, this.#where);
  }

  #tooSlow(): SshMcpError {
    const what = this.#phase === "handshake" ? "the SSH handshake" : "the login";
    return new SshMcpError(
      "CONNECT_TIMEOUT",
      `${what} with ${this.#where} was not through within ${formatLimit(this.#options.timeoutMs)}`,
    );
  }
}
