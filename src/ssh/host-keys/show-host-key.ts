import type { Duplex } from "node:stream";
import type ssh2 from "ssh2";
import { Client } from "ssh2";
import { formatLimit } from "../../core/duration.ts";
import { SshMcpError } from "../../core/errors.ts";
import { agreeOnThread } from "../key-exchange/key-agreement.ts";
import { connectionError } from "../transport/connection-errors.ts";

export interface KeyShowing {
  socket: Duplex;
  /** What is offered: one algorithm of host keys. */
  algorithms: ssh2.Algorithms;
  /** For messages: `HOST port PORT`. */
  where: string;
  limitMs: number;
}

/**
 * The host key a server has proved that it holds, in a key exchange of which nothing else is made: no login is begun. Closes the socket.
 * @returns the key in wire form, or null when the server has none of the algorithms
 * @throws SshMcpError for each way in which a key exchange fails; CANCELED when `signal` aborts first
 */
export const showHostKey = async (showing: KeyShowing, signal: AbortSignal): Promise<Buffer | null> => {
  const { socket, algorithms, where, limitMs } = showing;
  const { promise, resolve, reject } = Promise.withResolvers<Buffer | null>();
  const client = new Client();
  let shown: Buffer | null = null;
  const abort = (): void => reject(new SshMcpError("CANCELED", `looking at the host keys of ${where} was canceled`));
  const late = (): void =>
    reject(
      new SshMcpError(
        "CONNECT_TIMEOUT",
        `the SSH handshake with ${where} was not through within ${formatLimit(limitMs)}`,
      ),
    );
  const timer = setTimeout(late, limitMs);
  signal.addEventListener("abort", abort, { once: true });
  if (signal.aborted) abort();
  // It comes when the server's signature was verified.
  client.once("handshake", () => resolve(shown));
  client.on("error", (error: Error) => {
    if (/no matching host key/i.test(error.message)) resolve(null);
    else reject(connectionError(error, "handshake", where));
  });
  client.on("close", () => reject(connectionError(new Error("Connection lost"), "handshake", where)));
  try {
    client.connect({
      ...{ sock: socket, username: "", readyTimeout: 0, algorithms },
      hostVerifier: (key: Buffer, verdict: (accepted: boolean) => void): void => {
        shown = Buffer.from(key);
        verdict(true);
      },
    });
    agreeOnThread(client, socket);
    return await promise;
  } finally {
    clearTimeout(timer);
    signal.removeEventListener("abort", abort);
    socket.on("error", () => undefined);
    socket.destroy();
  }
};
