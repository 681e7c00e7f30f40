/**
 * How long a broker lives, and how it ends. Giving up its place comes first, whatever the reason: from then on clients find nobody and start
 * another broker, while this one finishes what runs.
 */
import { release } from "../../core/version.ts";
import type { Lock } from "../../files/lock.ts";
import { within } from "../../ssh/transport/within.ts";
import type { SessionRegistry } from "../sessions/session-registry.ts";
import { type BrokerStatus, protocolVersion } from "../wire/protocol.ts";
import type { BrokerLog } from "./broker-log.ts";
import { Clients } from "./clients.ts";
import type { Dispatch } from "./dispatch.ts";
import type { BrokerHost } from "./greeting.ts";
import { type Listener, listenAt } from "./listener.ts";
import { Load } from "./load.ts";
import type { ServedConnection } from "./server.ts";

/** How often an idle broker looks whether it has been one for long enough. */
const lookMs = 2000;
/** The stop ladder, and the network to the last server. */
const stopLimitMs = 6000;

export interface LifetimeOptions {
  socket: string;
  /** Where the process runs, as in `Hello`. */
  place: string;
  lock: Lock;
  log: BrokerLog;
  dispatch: Dispatch;
  sessions: SessionRegistry;
  /** How long it stays without a client, a call and an SSH connection, in milliseconds. */
  idleMs: number;
}

export class Lifetime implements BrokerHost {
  readonly place: string;
  readonly #options: LifetimeOptions;
  readonly #load = new Load();
  readonly #clients: Clients;
  readonly #listener: Listener;
  readonly #ended = Promise.withResolvers<void>();
  readonly #look: ReturnType<typeof setInterval>;
  readonly #startedAt = performance.now();
  #idleSince = performance.now();
  /** Settles when the place is another's to take; null while it is ours. */
  #leaving: Promise<void> | null = null;
  #stopping = false;
  /** Other users who have connected: each is told of once. */
  readonly #strangers = new Set<number>();

  /**
   * Listens from now on.
   * @throws SshMcpError as `listenAt`
   */
  constructor(options: LifetimeOptions) {
    const { socket, place, dispatch, idleMs } = options;
    this.place = place;
    this.#options = options;
    this.#clients = new Clients({ dispatch, release, load: this.#load, host: this });
    this.#listener = listenAt({
      path: socket,
      accept: (transport) => this.#clients.accept(transport),
      strange: (uid) => this.#tellOfStranger(uid),
      lost: () => void this.#drain("its socket was removed or replaced"),
    });
    this.#look = setInterval(() => this.#endWhenIdle(), Math.min(lookMs, idleMs / 2));
  }

  /** Resolves when nothing is left to do; the process can end then. */
  get ended(): Promise<void> {
    return this.#ended.promise;
  }

  status(): BrokerStatus {
    const { socket, sessions } = this.#options;
    return {
      pid: process.pid,
      version: release,
      protocol: protocolVersion,
      socket,
      uptimeMs: Math.round(performance.now() - this.#startedAt),
      sessions: sessions.size,
      connections: sessions.liveConnections,
      clients: this.#clients.size,
      calls: this.#load.calls,
    };
  }

  givesWayTo(other: string): boolean {
    const { sessions } = this.#options;
    if (this.#leaving !== null || !isNewer(other)) return false;
    if (this.#load.calls > 0 || sessions.busy || sessions.holdsPersonSession || sessions.holdsShell) return false;
    void this.#drain(`a client of release ${other} has come`);
    return true;
  }

  /** Ends what runs, then the process. The one who asked is told last, by the end of its connection. */
  stop(asking: ServedConnection | null): void {
    if (this.#stopping) return;
    this.#stopping = true;
    void this.#stop(asking);
  }

  /** Ends at once, with whatever runs. */
  abandon(): void {
    this.#ended.resolve();
  }

  /** Once for each, who must not fill the log. */
  #tellOfStranger(uid: number): void {
    if (this.#strangers.has(uid)) return;
    this.#strangers.add(uid);
    this.#options.log.write(`closes every connection of another user (uid ${uid})`);
  }

  async #stop(asking: ServedConnection | null): Promise<void> {
    this.#options.log.write("stops");
    const others = [...this.#clients].filter((connection) => connection !== asking);
    const free = this.#leave();
    for (const connection of others) {
      connection.cancel("the broker was stopped");
      connection.leave(free);
    }
    await within(Promise.all([free, ...others.map(({ ended }) => ended)]), stopLimitMs, undefined);
    await within(this.#options.sessions.closeAll(), stopLimitMs, undefined);
    asking?.leave(free);
    await asking?.ended;
    this.#ended.resolve();
  }

  /** Finishes what runs, for as long as that takes, and takes nothing new. */
  async #drain(reason: string): Promise<void> {
    if (this.#leaving !== null) return;
    this.#options.log.write(`leaves: ${reason}`);
    const free = this.#leave();
    const all = [...this.#clients];
    for (const connection of all) connection.leave(free);
    await Promise.all([free, ...all.map(({ ended }) => ended)]);
    if (this.#stopping) return;
    await within(this.#options.sessions.closeAll(), stopLimitMs, undefined);
    this.#ended.resolve();
  }

  /** Gives up the place: first the socket's name, then the records, then the lock, so that two brokers never hold any of them. */
  #leave(): Promise<void> {
    this.#leaving ??= (async () => {
      clearInterval(this.#look);
      this.#listener.close();
      await within(this.#options.sessions.stopRecording(), stopLimitMs, undefined);
      this.#options.lock.release();
    })();
    return this.#leaving;
  }

  #endWhenIdle(): void {
    const { sessions, idleMs } = this.#options;
    const now = performance.now();
    if (this.#clients.size > 0 || this.#load.calls > 0 || sessions.liveConnections > 0 || sessions.busy) {
      this.#idleSince = now;
    } else if (now - this.#idleSince >= idleMs) void this.#drain("nobody needs it");
  }
}

const isNewer = (other: string): boolean => {
  try {
    return Bun.semver.order(other, release) > 0;
  } catch {
    // No release of ours is named like that.
    return false;
  }
};
