/** What ended a connection before it was one, in our words. */
import type { Client } from "ssh2";
import { formatLimit } from "../../core/duration.ts";
import { SshMcpError } from "../../core/errors.ts";
import { negotiationFailure } from "../key-exchange/negotiation-failure.ts";
import { offersOf } from "../key-exchange/ssh2-key-exchange.ts";
import { connectionError, type Phase } from "./connection-errors.ts";
import { softwareOf } from "./ssh2.ts";

export interface HandshakeFacts {
  client: Client;
  phase: Phase;
  /** For messages: `HOST port PORT`. */
  where: string;
  /** The host as it is typed, for the lines of configuration that would help. */
  destination: string;
  /** Whether the server has sent anything. */
  hasHeard: boolean;
}

/** Translates an error of ssh2's. */
export const handshakeError = (error: Error, facts: HandshakeFacts): SshMcpError => {
  const { client, phase, where, destination, hasHeard } = facts;
  // Only here are these words ssh2's: later a server may say the like.
  if (phase === "handshake" && isNoMatch(error)) {
    const offers = offersOf(client);
    if (offers !== null) return negotiationFailure(error.message, offers.ours, offers.theirs, { where, destination });
  }
  // Words came, and none of them was an SSH identification.
  const isStranger = hasHeard && softwareOf(client) === "";
  return connectionError(isStranger ? new Error("no SSH identification came") : error, phase, where);
};

const isNoMatch = ({ message }: Error): boolean => /no matching/i.test(message);

/** @param limitMs how long it was allowed to take */
export const handshakeTooSlow = (phase: Phase, where: string, limitMs: number): SshMcpError =>
  new SshMcpError(
    "CONNECT_TIMEOUT",
    `${phase === "handshake" ? "the SSH handshake" : "the login"} with ${where} was not through within ${formatLimit(limitMs)}`,
  );

/** What nobody expected to be thrown. */
export const handshakeFault = (thrown: unknown, where: string): SshMcpError =>
  thrown instanceof SshMcpError
    ? thrown
    : new SshMcpError(
        "INTERNAL",
        `connecting to ${where} failed: ${thrown instanceof Error ? thrown.message : thrown}`,
        {
          cause: thrown,
        },
      );
