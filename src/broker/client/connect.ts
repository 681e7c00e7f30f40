/** The way to a running broker. On the client's warm path: no package, and nothing is started here. */
import { lstatSync, type Stats } from "node:fs";
import { errorCode } from "../../core/error-code.ts";
import { SshMcpError } from "../../core/errors.ts";
import { quoteWord, quoteWords } from "../../core/quote.ts";
import { type BrokerPlace, checkBrokerPlace } from "../../files/broker-place.ts";
import type { Transport } from "../wire/protocol.ts";
import { connectSocket } from "../wire/socket-transport.ts";
import { notAnswering } from "./call-errors.ts";

/** A broker that takes no connection for so long is not merely busy. */
const busyLimitMs = 10_000;
const tryAgainMs = 50;
/** Its queue is full; it was killed with the connection in its queue. The next try finds out which. */
const passing: ReadonlySet<string> = new Set(["EAGAIN", "ECONNRESET"]);

/**
 * Connects to the broker of a place; it has not said anything yet.
 * @returns null when nobody is there
 * @throws SshMcpError SANDBOX_BLOCKED when this process may not connect; BROKER_UNAVAILABLE when something else lies where the socket
 *   should, when the way there is not private, or when a broker takes no connection; LOCAL_IO when it cannot be looked at
 */
export const connectToBroker = async (place: BrokerPlace): Promise<Transport | null> => {
  if (checkBrokerPlace(place) === "absent") return null;
  const deadline = performance.now() + busyLimitMs;
  for (;;) {
    if (!isSocketAt(place.socket)) return null;
    try {
      return await connectSocket(place.socket);
    } catch (cause) {
      const code = await reasonOf(errorCode(cause), place.socket);
      if (code === "ENOENT" || code === "ECONNREFUSED") return null;
      if (code === "EPERM" || code === "EACCES") throw blocked(place.socket, code);
      if (code !== null && !passing.has(code)) throw unreachable(place.socket, code);
      if (performance.now() > deadline) throw notAnswering();
      await Bun.sleep(tryAgainMs);
    }
  }
};

/** @returns null when the system would take a connection after all */
const reasonOf = async (code: string, path: string): Promise<string | null> =>
  code === "ECONNREFUSED" ? (await import("./connect-errno.ts")).connectErrno(path) : code;

/** @throws SshMcpError BROKER_UNAVAILABLE for what is there and is no socket */
const isSocketAt = (path: string): boolean => {
  let stats: Stats | undefined;
  try {
    stats = lstatSync(path, { throwIfNoEntry: false });
  } catch (cause) {
    throw unreachable(path, errorCode(cause));
  }
  if (stats === undefined) return false;
  if (stats.isSocket()) return true;
  const what = stats.isSymbolicLink() ? "a symbolic link" : stats.isDirectory() ? "a directory" : "a file";
  throw new SshMcpError("BROKER_UNAVAILABLE", `${what} lies where the broker's socket belongs: ${path}`, {
    hint: quoteWords(["mv", path, `${path}.old`]),
    retryable: false,
  });
};

const blocked = (path: string, code: string): SshMcpError =>
  new SshMcpError(
    "SANDBOX_BLOCKED",
    `this process may not connect to the broker at ${path} (${code}): its sandbox must allow unix sockets, in Claude Code by sandbox.network.allowAllUnixSockets, on macOS also by the path in allowUnixSockets`,
    { hint: "ssh-mcp --no-broker …" },
  );

const unreachable = (path: string, code: string): SshMcpError =>
  new SshMcpError("BROKER_UNAVAILABLE", `the broker's socket ${path} cannot be used (${code})`, {
    hint: `ls -l ${quoteWord(path)}`,
  });
