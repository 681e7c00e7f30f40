import { randomBytes } from "node:crypto";
import type { StopResult } from "../../core/command.ts";
import { within } from "../transport/within.ts";
import type { SessionChannel } from "./channel.ts";
import type { ChannelPool } from "./channel-pool.ts";
import { stopScript } from "./stop-script.ts";

/** Debian's stock sshd accepts `LC_*`, and nothing reads this one. Its value marks a command's processes, and a helper's own. */
export const tagVariable = "LC_SSH_MCP";

export interface StoppableCommand {
  channel: SessionChannel;
  /** The value of `tagVariable` that was sent as the command's environment. */
  tag: string;
  /** Whether the server took the tag. */
  tagged: Promise<boolean>;
  /** Whether output waits for the caller: then the server cannot close the channel, whatever became of the command. */
  readerBehind(): boolean;
}

/** What a stop needs to know of the connection. */
export interface StopHost {
  pool: ChannelPool;
  /** False when the connection is gone: then there is nobody to ask. */
  connected(): boolean;
  /** Whether the server runs one command of its own whatever is asked for: a helper would run it a second time. */
  runsForcedCommand(): boolean;
}

type Verdict = "gone" | "none" | "left" | "unsure" | "blind";

interface Waiting {
  command: StoppableCommand;
  decide: (verdict: Verdict | null) => void;
}

/** From the helper's start to its verdict; the ladder itself takes 3.5 s on the server. */
const verdictLimitMs = 4000;
/** How long the server may take to open a channel for the helper, and to start it. */
const answerLimitMs = 1000;
/** Pause between the rungs INT, TERM and KILL. */
const rungMs = 1000;
/** How long a stopped command's channel may take to close by itself. */
const closeGraceMs = 250;

/**
 * Stops commands of one connection: INT, TERM after a second, KILL after two. A helper on a second channel does it where it can, because it
 * sees the process table; it goes first, since a signal through the channel would end the shell and orphan the children that lead to no
 * one any more. One helper stops all that are to be stopped at the same time. Otherwise the signals go through the command's own channel
 * (RFC 4254, section 6.9), which OpenSSH delivers to the whole group.
 */
export class Stopper {
  readonly #host: StopHost;
  #waiting: Waiting[] = [];
  #running: Promise<void> | null = null;
  /** A helper was started and said nothing: whatever ran instead of it must not run again. */
  #mute = false;

  constructor(host: StopHost) {
    this.#host = host;
  }

  async stop(command: StoppableCommand): Promise<StopResult> {
    if (!this.#host.connected()) return "unconfirmed";
    const startedAt = performance.now();
    // First of all, before anything is awaited: who is stopped together must be looked for together.
    const verdict = await this.#askHelper(command);
    const tagged = await isTagged(command);
    if (verdict === "left") return "unconfirmed";
    if (verdict === "gone") {
      // An open channel is held by somebody: a process that the helper could not tell to be the command's.
      return (await closes(command.channel, rungMs)) || command.readerBehind() ? "confirmed" : "unconfirmed";
    }
    if (verdict === "none" && (await closes(command.channel, closeGraceMs))) return tagged ? "confirmed" : "dispatched";
    // A helper that never came to a verdict has used up the time that a person waits for.
    const pause = performance.now() - startedAt > 2 * rungMs ? rungMs / 4 : rungMs;
    if (!(await signalChannel(command.channel, pause))) return "unconfirmed";
    // The command's own slot is free now: where it was the only one, a helper can look after all.
    const left = tagged ? await this.#runHelper([command], false, false) : null;
    if (left === "left") return "unconfirmed";
    return left === "none" ? "confirmed" : "dispatched";
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
      const verdict = await this.#stopBatch(batch.map(({ command }) => command));
      for (const { command, decide } of batch) {
        // One that cannot be ended says nothing about the others.
        const single = verdict === "left" && batch.length > 1;
        decide(single ? await this.#runHelper([command], false, false) : verdict);
      }
    }
    this.#running = null;
  }

  async #stopBatch(commands: readonly StoppableCommand[]): Promise<Verdict | null> {
    const { pool } = this.#host;
    // With no other command there, and none to come, what runs beside the helper is to be stopped, tagged or not.
    const all = pool.commands === commands.length;
    const release = all ? pool.hold() : () => undefined;
    try {
      return await this.#runHelper(commands, all, true);
    } finally {
      release();
    }
  }

  async #runHelper(commands: readonly StoppableCommand[], all: boolean, signals: boolean): Promise<Verdict | null> {
    if (this.#mute || this.#host.runsForcedCommand() || !this.#host.connected()) return null;
    const opening = this.#host.pool.acquireHelper().catch(() => null);
    const helper = await within(opening, answerLimitMs, null);
    if (helper === null) {
      // It may still come, long after anybody waits for it.
      void opening.then((late) => late?.close());
      return null;
    }
    const mark = `ssh-mcp-stop-${randomBytes(12).toString("hex")}`;
    const tagged = (await Promise.all(commands.map(isTagged))).every(Boolean);
    const tags = commands.map(({ tag }) => tag);
    try {
      const script = stopScript({ mark, variable: tagVariable, tags, tagged, all, signals });
      return await this.#converse(helper, mark, script);
    } catch {
      // Whatever went wrong with the helper, everybody who waits for it gets an answer: nobody could look.
      return null;
    } finally {
      helper.close();
    }
  }

  async #converse(helper: SessionChannel, mark: string, script: string): Promise<Verdict | null> {
    let heard = "";
    const verdict = new Promise<Verdict | null>((resolve) => {
      helper.read((stream, chunk) => {
        helper.consume(chunk.length);
        if (stream !== "stdout") return;
        // A chatty profile may come first; only the last stretch can hold the line.
        heard = (heard + chunk.toString("latin1")).slice(-4096);
        const found = new RegExp(`${mark} (gone|none|left|unsure|blind)\\n`).exec(heard);
        if (found?.[1] !== undefined) resolve(found[1] as Verdict);
      });
      void helper.closed.then(() => resolve(null));
    });
    void helper.env(tagVariable, mark);
    // `exec`, so that the helper's parent is the server process, whatever the login shell.
    if (!(await within(helper.exec("exec /bin/sh -s"), answerLimitMs, false))) return null;
    const sent = helper.write(Buffer.from(script)).then(() => helper.eof());
    const said = await within(
      sent.then(() => verdict),
      verdictLimitMs,
      null,
    );
    if (said === null) this.#mute = true;
    return said;
  }
}

/** The server's word on the tag may still be on its way. */
const isTagged = ({ tagged }: StoppableCommand): Promise<boolean> => within(tagged, answerLimitMs / 2, false);

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
