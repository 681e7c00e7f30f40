/** The way to a server, from what was planned: TCP, a jump host's channel, a proxy command's pipes. */
import type { Duplex } from "node:stream";
import { formatLimit } from "../../core/duration.ts";
import { SshMcpError } from "../../core/errors.ts";
import { escapeLine } from "../../core/escape.ts";
import { quoteWords } from "../../core/quote.ts";
import { shellWords } from "../../files/user-command.ts";
import type { Connection } from "../../ssh/connection.ts";
import { canceled } from "../../ssh/transport/canceled.ts";
import type { ConnectionOptions } from "../../ssh/transport/connection-options.ts";
import { startProxyCommand } from "../../ssh/transport/proxy-command.ts";
import { dialTcp } from "../../ssh/transport/tcp.ts";
import { patiently } from "../../ssh/transport/within.ts";
import type { DialScope } from "./dial.ts";
import type { DialPlan } from "./dial-plan.ts";

/** Lines of a proxy command's standard error that are shown: it may go on for as long as it runs. */
const shownLines = 50;

/** @param hop the connection to the last jump host, which ends with whoever dials; null without one */
export const wayTo = async (
  plan: DialPlan,
  scope: Pick<DialScope, "caller" | "variables" | "noticeToPeople">,
  hop: Connection | null,
): Promise<ConnectionOptions["open"]> => {
  const { resolved, destination, via } = plan;
  const { hostname: host, port, proxy } = resolved;
  if (proxy.kind === "jump" || via !== null) {
    // By its name alone another server may answer: never that way instead.
    if (hop === null || via === null) throw new SshMcpError("INTERNAL", `nothing leads to the jump host of ${host}`);
    return (limitMs, signal) => throughHop(hop, via, { host, port }, limitMs, signal);
  }
  if (proxy.kind !== "command") return (limitMs, signal) => dialTcp(host, port, limitMs, signal, resolved);
  const { cwd } = scope.caller;
  const environment = await scope.variables("all");
  const words = shellWords(proxy.command, { environment, cwd }, { exec: true });
  let shown = 0;
  const onLine = (line: string): void => {
    if (++shown <= shownLines) scope.noticeToPeople(`ProxyCommand of ${destination}: ${line}`);
  };
  return async (_limitMs, signal) => {
    if (signal.aborted) throw canceled(host);
    return startProxyCommand({ words, environment, cwd, onLine }, `${host} port ${port}`);
  };
};

const throughHop = async (
  hop: Connection,
  via: DialPlan,
  to: { host: string; port: number },
  limitMs: number,
  signal: AbortSignal,
): Promise<Duplex> => {
  const name = escapeLine(via.destination);
  const late = (): SshMcpError =>
    new SshMcpError(
      "CONNECT_TIMEOUT",
      `${to.host} port ${to.port} did not answer ${name} within ${formatLimit(limitMs)}`,
    );
  const opened = hop.tunnel(to, name);
  try {
    return await patiently(opened, { limitMs, signal, late, canceled: () => canceled(to.host) });
  } catch (error) {
    // It may still open.
    opened.then(
      (tunnel) => tunnel.destroy(),
      () => undefined,
    );
    throw error instanceof SshMcpError && error.code === "CHANNEL_REFUSED" ? withForwardHint(error, via, to) : error;
  }
};

/** OpenSSH's own try at the same: it shows what the server says. */
const withForwardHint = (
  { code, message, retryable, cause }: SshMcpError,
  { destination, request: { configFile } }: DialPlan,
  { host, port }: { host: string; port: number },
): SshMcpError => {
  const hop = /:\d+$/.test(destination) ? `ssh://${destination}` : destination;
  const config = configFile === null ? [] : ["-F", configFile];
  const hint = quoteWords(["ssh", "-v", ...config, "-W", `[${host}]:${port}`, hop]);
  return new SshMcpError(code, message, { hint, retryable, cause });
};
