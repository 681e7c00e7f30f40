import type { Duplex } from "node:stream";
import type ssh2 from "ssh2";
import { Client } from "ssh2";
import { SshMcpError } from "../../core/errors.ts";
import { agreeOnThread } from "../key-exchange/key-agreement.ts";
import { type Offers, offersOf } from "../key-exchange/ssh2-key-exchange.ts";
import { handshakeError, handshakeTooSlow } from "../transport/handshake-errors.ts";
import { patiently } from "../transport/within.ts";

export interface KeyShowing {
  socket: Duplex;
  /** What is offered: one algorithm of host keys. */
  algorithms: ssh2.Algorithms;
  /** For messages: `HOST port PORT`. */
  where: string;
  /** The host as it is typed. */
  destination: string;
  limitMs: number;
}

/** The key in wire form; or, when the server has none of the algorithms, what both sides offered. */
export type ShowOfKey = { key: Buffer } | { offers: Offers };

/**
 * The host key a server has proved that it holds, in a key exchange of which nothing else is made: no login is begun. Closes the socket.
 * @throws SshMcpError for each way in which a key exchange fails; CANCELED when `signal` aborts first
 */
export const showHostKey = async (showing: KeyShowing, signal: AbortSignal): Promise<ShowOfKey> => {
  const { socket, algorithms, where, destination, limitMs } = showing;
  const { promise, resolve, reject } = Promise.withResolvers<ShowOfKey>();
  const client = new Client();
  let shown: Buffer | null = null;
  let hasHeard = false;
  const fail = (error: Error): void => {
    const offers = /no matching host key/i.test(error.message) ? offersOf(client) : null;
    if (offers !== null) resolve({ offers });
    else reject(handshakeError(error, { client, phase: "handshake", where, destination, hasHeard }));
  };
  // It comes when the server's signature was verified.
  client.once("handshake", () => {
    if (shown === null)
      reject(new SshMcpError("INTERNAL", `the key exchange with ${where} went through without a host key`));
    else resolve({ key: shown });
  });
  client.on("error", fail);
  client.on("close", () => fail(new Error("Connection lost")));
  socket.once("data", () => {
    hasHeard = true;
  });
  try {
    client.connect({
      ...{ sock: socket, username: "", readyTimeout: 0, algorithms },
      hostVerifier: (key: Buffer, verdict: (accepted: boolean) => void): void => {
        shown = Buffer.from(key);
        verdict(true);
      },
    });
    agreeOnThread(client, socket);
    return await patiently(promise, {
      ...{ limitMs, signal, late: () => handshakeTooSlow("handshake", where, limitMs) },
      canceled: () => new SshMcpError("CANCELED", `looking at the host keys of ${where} was canceled`),
    });
  } finally {
    socket.on("error", () => undefined);
    socket.destroy();
  }
};
