/** What a connection is made of, whoever asks for it. */
import type { Duplex } from "node:stream";
import type ssh2 from "ssh2";
import type { CommandSettings } from "../../config/ssh-config/resolved-host.ts";
import type { Ask } from "../../core/question.ts";
import type { Authentication } from "../auth/authentication.ts";
import type { LoginUnderWay } from "../auth/identities.ts";
import type { RekeyLimit } from "../key-exchange/rekey.ts";
import type { AnnouncedKeys } from "./host-keys-request.ts";

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
   * Judges the server's host key (SSH wire form), or its certificate, at the first key exchange and at every later one. Only a literal true
   * accepts; what it throws is why the connection failed. There is no connection without it.
   * @param peer the address that was reached; null through a jump host or a command
   */
  verifyHostKey: (key: Buffer, peer: string | null) => Promise<boolean>;
  /** Told of the host keys that the server says it has, and of the algorithms of host keys that were offered to it. */
  onHostKeys?: (announced: AnnouncedKeys, algorithms: readonly string[]) => void;
  /** The login. @param ask stops the clock while a person is asked */
  authentication: (ask: Ask, login: LoginUnderWay) => Authentication;
  ask: Ask;
  /** For hints, see Question. */
  destination: string;
  /** What its commands get. */
  commands: CommandSettings;
  /** Limit for TCP, handshake and authentication together; questions to a person stop its clock. */
  timeoutMs: number;
  /** Of that, what the way here has left; brought up to date. All of it when absent. */
  budget?: { leftMs: number };
  /** Limit for TCP and the first key exchange, as ConnectTimeout of ssh_config(5); null or absent for none of their own. */
  connectTimeoutMs?: number | null;
  /** False for a connection that only others are carried through: it gets no spare channel. */
  spare?: boolean;
  /** Silence of the server, in milliseconds, after which it is asked whether it is still there, and how often without an answer; 0 never asks. */
  keepalive: { intervalMs: number; countMax: number };
  /** When keys are made anew, as RekeyLimit of ssh_config(5); absent for the default. */
  rekeyLimit?: RekeyLimit;
  /** Bits that an RSA host key must have, as RequiredRSASize; absent for OpenSSH's minimum, which always holds. */
  requiredRsaBits?: number;
}
