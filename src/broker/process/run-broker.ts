/**
 * `ssh-mcp broker run`: the process that keeps the sessions of one user on one machine. Clients start it when they find none; a person may as
 * well, in a terminal.
 */
import { closeSync, openSync, writeSync } from "node:fs";
import { posix } from "node:path";
import { isatty } from "node:tty";
import { readSettings } from "../../config/settings.ts";
import { type SshMcpError, toSshMcpError } from "../../core/errors.ts";
import { escapeLine } from "../../core/escape.ts";
import { release } from "../../core/version.ts";
import { type BrokerPlace, brokerPlace, makeBrokerPlace } from "../../files/broker-place.ts";
import { type Lock, tryLock } from "../../files/lock.ts";
import { machinePlace } from "../../files/machine.ts";
import { operations } from "../../operations/index.ts";
import { SessionStore } from "../../store/session-store.ts";
import { BrokerHosts } from "../hosts/broker-hosts.ts";
import { SessionRegistry } from "../sessions/session-registry.ts";
import { BrokerLog } from "./broker-log.ts";
import { createDispatch } from "./dispatch.ts";
import { hintPrefix } from "./hint-prefix.ts";
import { Lifetime } from "./lifetime.ts";
import { problemLines, withNews } from "./news.ts";
import { heedProcessEvents } from "./process-events.ts";

const idleLimitMs = 60_000;

export interface RunBrokerOptions {
  /** How long it stays without a client, a call and an SSH connection, in milliseconds. */
  idleMs?: number;
}

/**
 * Runs until nobody needs it, or it is stopped. Says once on standard output, in one line of JSON, that it is `{"ready":true}`, which it also
 * is when another broker has the place, or why it cannot be: `{"error":{code,message,hint,retryable}}`.
 * @returns the exit status
 */
export const runBroker = async ({ idleMs = idleLimitMs }: RunBrokerOptions = {}): Promise<number> => {
  process.umask(0o077);
  // No folder is kept from being removed or unmounted.
  process.chdir("/");
  let lifetime: Lifetime | null;
  try {
    lifetime = begin(idleMs);
  } catch (thrown) {
    const error = toSshMcpError(thrown);
    announce({ error: error.toRecord() });
    complain(error);
    return 1;
  }
  announce({ ready: true });
  if (lifetime === null) return 0;
  await lifetime.ended;
  return 0;
};

/** @returns null when another broker has the place */
const begin = (idleMs: number): Lifetime | null => {
  const place = brokerPlace();
  makeBrokerPlace(place);
  const lock = tryLock(place.brokerLock);
  if (lock === null) return null;
  try {
    return serve(place, lock, idleMs);
  } catch (error) {
    lock.release();
    throw error;
  }
};

const serve = (place: BrokerPlace, lock: Lock, idleMs: number): Lifetime => {
  const { base, socket } = place;
  const log = new BrokerLog(place.log);
  const directory = posix.join(base, "sessions");
  const store = new SessionStore(directory);
  const { records, problems, reserved } = store.loadAll();
  const news = problemLines(problems, directory);
  for (const line of news) log.write(line);
  const sessions = new SessionRegistry({
    store,
    restored: records,
    reserved,
    limit: readSettings(base).limits.sessions,
    hintPrefix: hintPrefix(base),
    log: (line) => log.write(line),
  });
  const dispatch = withNews(
    news,
    createDispatch({ operations, sessions, hosts: new BrokerHosts(base, sessions), rules: [] }),
  );
  const lifetime = new Lifetime({ socket, place: machinePlace(), lock, log, dispatch, sessions, idleMs });
  heedProcessEvents(lifetime, log);
  log.write(`serves, release ${release}`);
  void lifetime.ended.then(() => log.write("ends"));
  return lifetime;
};

/** Says it to whoever started this process, and lets go of the pipe: its reader may wait for the end. */
const announce = (line: object): void => {
  try {
    writeSync(1, `${JSON.stringify(line)}\n`);
  } catch {
    // Nobody waits for it any more.
  }
  if (isatty(1)) return;
  closeSync(1);
  // The lowest number that is free is 1: nothing else gets it, which a stray message would then be written into.
  openSync("/dev/null", "w");
};

const complain = ({ code, message, hint }: SshMcpError): void => {
  const lines = [`ssh-mcp: ${escapeLine(message)} [${code}]`, ...(hint === null ? [] : [`  try: ${escapeLine(hint)}`])];
  try {
    writeSync(2, `${lines.join("\n")}\n`);
  } catch {
    // Nobody reads it.
  }
};
