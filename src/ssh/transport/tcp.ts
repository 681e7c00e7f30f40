import { lookup } from "node:dns/promises";
import { connect, isIP, type Socket } from "node:net";
import { formatLimit } from "../../core/duration.ts";
import { errorCode } from "../../core/error-code.ts";
import { SshMcpError } from "../../core/errors.ts";
import { quoteWord } from "../../core/quote.ts";

/**
 * Opens a TCP connection with Nagle's algorithm off. Addresses are tried one after the other, as ssh(1) does.
 * @param limitMs how long all attempts together may take; a silent address gets its share, not all of it
 * @throws SshMcpError DNS_FAILED, CONNECT_REFUSED, UNREACHABLE, CONNECT_TIMEOUT or CANCELED
 */
export const dialTcp = async (host: string, port: number, limitMs: number, signal: AbortSignal): Promise<Socket> => {
  const endsAt = performance.now() + limitMs;
  const addresses = await resolveHost(host, limitMs, signal);
  let failure: SshMcpError | null = null;
  for (const [index, address] of addresses.entries()) {
    const left = endsAt - performance.now();
    if (left <= 0) break;
    try {
      return await attempt(host, address, port, left / (addresses.length - index), signal);
    } catch (error) {
      if (!(error instanceof SshMcpError) || error.code === "CANCELED") throw error;
      failure ??= error;
    }
  }
  throw failure ?? silent(host, port, limitMs);
};

const resolveHost = async (host: string, limitMs: number, signal: AbortSignal): Promise<string[]> => {
  if (isIP(host) !== 0 || isIP(host.split("%")[0] ?? "") === 6) return [host];
  const { promise: givenUp, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new Error(`no answer within ${formatLimit(limitMs)}`)), limitMs);
  const onAbort = (): void => reject(canceled(host));
  signal.addEventListener("abort", onAbort, { once: true });
  try {
    const found = await Promise.race([lookup(host, { all: true }), givenUp]);
    return [...new Set(found.map((entry) => entry.address))];
  } catch (cause) {
    if (cause instanceof SshMcpError) throw cause;
    throw new SshMcpError("DNS_FAILED", `the name ${host} cannot be resolved`, {
      cause,
      hint: `getent hosts ${quoteWord(host)}`,
    });
  } finally {
    clearTimeout(timer);
    signal.removeEventListener("abort", onAbort);
  }
};

const attempt = (host: string, address: string, port: number, limitMs: number, signal: AbortSignal): Promise<Socket> =>
  new Promise((resolve, reject) => {
    const socket = connect({ host: address, port, noDelay: true });
    const settle = (error: SshMcpError | null): void => {
      clearTimeout(timer);
      signal.removeEventListener("abort", onAbort);
      socket.removeListener("error", onError);
      if (error === null) {
        resolve(socket);
        return;
      }
      // A late error of a socket nobody waits for must not reach the process.
      socket.on("error", () => undefined);
      socket.destroy();
      reject(error);
    };
    const onAbort = (): void => settle(canceled(host));
    const onError = (error: Error): void => settle(refusal(host, address, port, error));
    const timer = setTimeout(() => settle(silent(host, port, limitMs)), limitMs);
    socket.once("connect", () => settle(null));
    socket.on("error", onError);
    if (signal.aborted) return onAbort();
    signal.addEventListener("abort", onAbort, { once: true });
  });

const canceled = (host: string): SshMcpError =>
  new SshMcpError("CANCELED", `connecting to ${host} was canceled; nothing was sent`);

const silent = (host: string, port: number, limitMs: number): SshMcpError =>
  new SshMcpError("CONNECT_TIMEOUT", `${host} port ${port} did not answer within ${formatLimit(limitMs)}`);

const refusal = (host: string, address: string, port: number, error: Error): SshMcpError => {
  const code = errorCode(error);
  switch (code) {
    case "ECONNREFUSED":
      return new SshMcpError("CONNECT_REFUSED", `${host} port ${port} refused the connection`, {
        cause: error,
      });
    case "ECONNRESET":
      return new SshMcpError("CONNECTION_LOST", `${host} port ${port} ended the connection at once`, { cause: error });
    case "ETIMEDOUT":
      return new SshMcpError("CONNECT_TIMEOUT", `${host} port ${port} did not answer`, { cause: error });
    default:
      return new SshMcpError("UNREACHABLE", `${host} port ${port} cannot be reached (${code})`, {
        cause: error,
        hint: `ip route get ${quoteWord(address.replace(/%.*/, ""))}`,
      });
  }
};
