import type { StopResult } from "../../core/command.ts";
import { within } from "../transport/within.ts";
import type { SessionChannel } from "./channel.ts";
import { StopHelpers, type Verdict } from "./stop-helper.ts";
import { isTagged, type StopHost, type StoppableCommand } from "./stoppable.ts";

interface Waiting {
  command: StoppableCommand;
  decide: (verdict: Verdict | null) => void;
}

/** Pause between the rungs INT, TERM and KILL. */
const rungMs = 1000;
/** How long a stopped command's channel may take to close by itself. */
const closeGraceMs = 250;
/** Helpers of several users at once: OpenSSH's ten channels are eight commands and these. */
const helpersAtOnce = 2;

/**
 * Stops commands of one connection: INT, TERM after a second, KILL after two. A helper on a second channel does it where it can, because it
 * sees the process table; it goes first, since a signal through the channel would end the shell and orphan the children that lead to no
 * one any more. One helper stops all that are to be stopped at the same time. Otherwise the signals go through the command's own channel
 * (RFC 4254, section 6.9), which OpenSSH delivers to the whole group.
 */
export class Stopper {
  readonly #host: StopHost;
  readonly #helpers: StopHelpers;
  #waiting: Waiting[] = [];
  #running: Promise<void> | null = null;

  constructor(host: StopHost) {
    this.#host = host;
    this.#helpers = new StopHelpers(host);
  }

  async stop(command: StoppableCommand): Promise<StopResult> {
    const { channel } = command;
    if (!this.#host.connected()) return "unconfirmed";
    // Nothing of it was sent, and nothing will be: sudo ends with its input, in its own time.
    if (command.become?.isBegun === false) {
      channel.close();
      return "confirmed";
    }
    const startedAt = performance.now();
    // First of all, before anything is awaited: who is stopped together must be looked for together.
    const verdict = await this.#askHelper(command);
    const tagged = await isTagged(command);
    if (verdict === "left") return "unconfirmed";
    if (verdict === "gone") {
      // An open channel is held by somebody: a process that the helper could not tell to be the command's.
      return (await closes(channel, rungMs)) || command.readerBehind() ? "confirmed" : "unconfirmed";
    }
    if (verdict === "none" && (await closes(channel, closeGraceMs))) {
      if (!this.#host.connected()) return "unconfirmed";
      return tagged ? "confirmed" : "dispatched";
    }
    // A helper that never came to a verdict has used up the time that a person waits for.
    const pause = performance.now() - startedAt > 2 * rungMs ? rungMs / 4 : rungMs;
    const isOver = await signalChannel(channel, pause);
    // A channel that ends with its connection says nothing of the command.
    if (!this.#host.connected()) return "unconfirmed";
    if (tagged && (isOver || verdict === null)) return await this.#lookAgain(command, isOver);
    return isOver ? "dispatched" : "unconfirmed";
  }

  /** The command's own slot is free once its channel is: where it was the only one, a helper can come after all. */
  async #lookAgain(command: StoppableCommand, isOver: boolean): Promise<StopResult> {
    command.channel.close();
    const verdict = await this.#helpers.run([command], true);
    if (verdict === "left") return "unconfirmed";
    // Nothing there and a channel that had to be closed from here: somebody held it who cannot be found.
    if (verdict === "gone" || (verdict === "none" && isOver)) return "confirmed";
    return isOver ? "dispatched" : "unconfirmed";
  }

  /** Null when no helper could be opened, or it gave no verdict in time. */
  #askHelper(command: StoppableCommand): Promise<Verdict | null> {
    return new Promise((decide) => {
      this.#waiting.push({ command, decide });
      this.#running ??= this.#serve();
    });
  }

  async #serve(): Promise<void> {
    // Whoever is stopped in the same turn of the loop, as all are when a client goes, comes along.
    await new Promise((resolve) => setImmediate(resolve));
    while (this.#waiting.length > 0) {
      const batch = this.#waiting;
      this.#waiting = [];
      // A helper is one user.
      await this.#serveUsers([...Map.groupBy(batch, ({ command }) => command.become?.who).values()]);
    }
    this.#running = null;
  }

  /** Those that got no helper come again: the channels of what the others have stopped are free by then. */
  async #serveUsers(users: readonly Waiting[][]): Promise<void> {
    for (let left = users; left.length > 0; ) {
      const queue = left.values();
      const refused: Waiting[][] = [];
      const worker = async (): Promise<void> => {
        for (const same of queue) {
          if (!(await this.#serveSame(same))) refused.push(same);
          else if (left.length > 1) await Promise.all(same.map(({ command }) => closes(command.channel, closeGraceMs)));
        }
      };
      await Promise.all(Array.from({ length: helpersAtOnce }, worker));
      if (refused.length === left.length) {
        for (const { decide } of refused.flat()) decide(null);
        return;
      }
      left = refused;
    }
  }

  /** Resolves to false, with nothing decided, when the server opens no channel for the helper. */
  async #serveSame(batch: readonly Waiting[]): Promise<boolean> {
    const verdict = await this.#stopBatch(batch.map(({ command }) => command));
    if (verdict === "full") return false;
    for (const { command, decide } of batch) {
      // One that cannot be ended says nothing about the others.
      const single = verdict === "left" && batch.length > 1 ? await this.#helpers.run([command], false) : verdict;
      decide(single === "full" ? null : single);
    }
    return true;
  }

  async #stopBatch(commands: readonly StoppableCommand[]): Promise<Verdict | "full" | null> {
    const { pool } = this.#host;
    // With no other command there, and none to come, what runs beside the helper is to be stopped, tagged or not.
    const all = pool.commands === commands.length && !commands.some(({ become }) => become);
    const release = all ? pool.hold() : () => undefined;
    try {
      return await this.#helpers.run(commands, true, { all, looked: release });
    } finally {
      release();
    }
  }
}

/**
 * Climbs the ladder through the channel, from TERM: a shell's background children ignore INT, and OpenSSH forgets the group once its leader
 * is gone, so that INT would leave them out of reach. Resolves to whether the channel closed.
 */
const signalChannel = async (channel: SessionChannel, pauseMs: number): Promise<boolean> => {
  for (const signal of ["TERM", "KILL"] as const) {
    if (channel.isClosed) return true;
    channel.signal(signal);
    if (await closes(channel, pauseMs)) return true;
  }
  return channel.isClosed;
};

const closes = (channel: SessionChannel, limitMs: number): Promise<boolean> =>
  within(
    channel.closed.then(() => true),
    limitMs,
    false,
  );
