import { lookup } from "node:dns/promises";
import { connect, isIP, type Socket } from "node:net";
import { type NetworkInterfaceInfo, networkInterfaces } from "node:os";
import type { ResolvedHost } from "../../config/ssh-config/resolved-host.ts";
import { formatLimit } from "../../core/duration.ts";
import { errorCode } from "../../core/error-code.ts";
import { SshMcpError } from "../../core/errors.ts";
import { quoteWord } from "../../core/quote.ts";
import { canceled } from "./canceled.ts";
import { patiently, within } from "./within.ts";

/** What ssh_config says of it. */
export type TcpSettings = Pick<
  ResolvedHost,
  "addressFamily" | "bindAddress" | "bindInterface" | "connectionAttempts" | "tcpKeepAlive"
>;

const usual: TcpSettings = {
  ...{ addressFamily: "any", bindAddress: null, bindInterface: null },
  ...{ connectionAttempts: 1, tcpKeepAlive: true },
};

/** ssh(1) waits as long before it tries all addresses again. */
const betweenAttemptsMs = 1000;

/**
 * Opens a TCP connection with Nagle's algorithm off. Addresses are tried one after the other, and all of them again, as ssh(1) does.
 * @param limitMs how long all attempts together may take; a silent address gets its share, not all of it
 * @throws SshMcpError DNS_FAILED, CONNECT_REFUSED, UNREACHABLE, CONNECT_TIMEOUT or CANCELED
 */
export const dialTcp = async (
  host: string,
  port: number,
  limitMs: number,
  signal: AbortSignal,
  settings: TcpSettings = usual,
): Promise<Socket> => {
  const endsAt = performance.now() + limitMs;
  const addresses = await resolveHost(host, limitMs, signal, families[settings.addressFamily]);
  const rounds = Math.max(1, settings.connectionAttempts);
  let failure: SshMcpError | null = null;
  for (let round = 0; round < rounds; round++) {
    if (round > 0) await pause(Math.min(betweenAttemptsMs, endsAt - performance.now()), signal);
    for (const [index, address] of addresses.entries()) {
      const left = endsAt - performance.now();
      if (left <= 0) break;
      const ahead = (rounds - round) * addresses.length - index;
      try {
        const localAddress = await bindAddress(settings, isIP(address) === 6 || address.includes(":") ? 6 : 4);
        const socket = await attempt({ host, address, port, localAddress }, left / ahead, signal);
        if (settings.tcpKeepAlive) socket.setKeepAlive(true);
        return socket;
      } catch (error) {
        if (!(error instanceof SshMcpError) || error.code === "CANCELED") throw error;
        failure ??= error;
      }
    }
  }
  throw failure ?? silent(host, port, limitMs);
};

const families = { any: 0, inet: 4, inet6: 6 } as const;

/** Rejects at nothing: whoever waits looks at the signal. */
const pause = async (ms: number, signal: AbortSignal): Promise<void> => {
  if (ms <= 0 || signal.aborted) return;
  const over = Promise.withResolvers<void>();
  signal.addEventListener("abort", () => over.resolve(), { once: true });
  await within(over.promise, ms, undefined);
};

/**
 * The local address to connect from, of the family that the server's has; undefined leaves it to the system.
 * @throws SshMcpError UNREACHABLE when there is none
 */
const bindAddress = async (settings: TcpSettings, family: 4 | 6): Promise<string | undefined> => {
  if (settings.bindAddress !== null) {
    const found = await lookup(settings.bindAddress, { family }).catch(() => null);
    // What is an address already comes back as it is.
    if (found !== null && isIP(found.address) === family) return found.address;
    throw new SshMcpError("UNREACHABLE", `BindAddress ${settings.bindAddress} has no IPv${family} address`);
  }
  if (settings.bindInterface === null) return undefined;
  // What is bound to one link only cannot be bound to without naming it.
  const suits = (one: NetworkInterfaceInfo): boolean =>
    one.family === `IPv${family}` && !(one.family === "IPv6" && one.scopeid !== 0);
  const address = networkInterfaces()[settings.bindInterface]?.find(suits)?.address;
  if (address !== undefined) return address;
  throw new SshMcpError("UNREACHABLE", `BindInterface ${settings.bindInterface} has no IPv${family} address`, {
    hint: "ip address",
  });
};

const resolveHost = async (
  host: string,
  limitMs: number,
  signal: AbortSignal,
  family: 0 | 4 | 6,
): Promise<string[]> => {
  const literal = isIP(host) || isIP(host.split("%")[0] ?? "");
  if (literal !== 0 && family !== 0 && literal !== family) {
    throw new SshMcpError("DNS_FAILED", `${host} is no IPv${family} address, and AddressFamily allows no other`);
  }
  if (literal !== 0) return [host];
  try {
    const found = await patiently(lookup(host, { all: true, family }), {
      ...{ limitMs, signal, canceled: () => canceled(host) },
      late: () => new Error(`no answer within ${formatLimit(limitMs)}`),
    });
    return [...new Set(found.map((entry) => entry.address))];
  } catch (cause) {
    if (cause instanceof SshMcpError) throw cause;
    throw new SshMcpError(
      "DNS_FAILED",
      `the name ${host} cannot be resolved${family === 0 ? "" : ` to an IPv${family} address`}`,
      {
        cause,
        hint: `getent hosts ${quoteWord(host)}`,
      },
    );
  }
};

interface Attempt {
  /** As it was named. */
  host: string;
  address: string;
  port: number;
  localAddress: string | undefined;
}

const attempt = (
  { host, address, port, localAddress }: Attempt,
  limitMs: number,
  signal: AbortSignal,
): Promise<Socket> =>
  new Promise((resolve, reject) => {
    const from = localAddress === undefined ? {} : { localAddress };
    const socket = connect({ host: address, port, noDelay: true, ...from });
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
    const onError = (error: Error): void => settle(refusal({ host, address, port, localAddress }, error));
    const timer = setTimeout(() => settle(silent(host, port, limitMs)), limitMs);
    socket.once("connect", () => settle(null));
    socket.on("error", onError);
    if (signal.aborted) return onAbort();
    signal.addEventListener("abort", onAbort, { once: true });
  });

const silent = (host: string, port: number, limitMs: number): SshMcpError =>
  new SshMcpError("CONNECT_TIMEOUT", `${host} port ${port} did not answer within ${formatLimit(limitMs)}`);

const refusal = ({ host, address, port, localAddress }: Attempt, error: Error): SshMcpError => {
  const code = errorCode(error);
  switch (code) {
    case "EADDRNOTAVAIL":
      if (localAddress === undefined) break;
      return new SshMcpError("UNREACHABLE", `this machine has no address ${localAddress} to connect from`, {
        cause: error,
        hint: "ip address",
      });
    case "ECONNREFUSED":
      return new SshMcpError("CONNECT_REFUSED", `${host} port ${port} refused the connection`, {
        cause: error,
      });
    case "ECONNRESET":
      return new SshMcpError("CONNECTION_LOST", `${host} port ${port} ended the connection at once`, { cause: error });
    case "ETIMEDOUT":
      return new SshMcpError("CONNECT_TIMEOUT", `${host} port ${port} did not answer`, { cause: error });
  }
  return new SshMcpError("UNREACHABLE", `${host} port ${port} cannot be reached (${code})`, {
    cause: error,
    hint: `ip route get ${quoteWord(address.replace(/%.*/, ""))}`,
  });
};
