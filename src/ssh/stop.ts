import { randomBytes } from "node:crypto";
import type { StopResult } from "../core/session.ts";
import type { SessionChannel } from "./channel.ts";
import type { ChannelPool } from "./channel-pool.ts";
import { stopScript } from "./stop-script.ts";
import { within } from "./within.ts";

export interface StoppableCommand {
  channel: SessionChannel;
  pool: ChannelPool;
  /** `NAME=VALUE` sent as the command's environment. */
  tag: string;
  /** Whether the server took the tag. */
  tagged: Promise<boolean>;
  /** False when the connection is gone: then there is nobody to ask. */
  connected(): boolean;
  /** Whether output waits for the caller: then the server cannot close the channel, whatever became of the command. */
  readerBehind(): boolean;
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
 * Stops a command: INT, TERM after a second, KILL after two. A helper on a second channel does it where it can, because it sees the process
 * table; it goes first, since a signal through the channel would end the shell and orphan the children that lead to no one any more.
 * Otherwise the signals go through the command's own channel (RFC 4254, section 6.9), which OpenSSH delivers to the whole group.
 */
export const stopCommand = async (command: StoppableCommand): Promise<StopResult> => {
  if (!command.connected()) return "unconfirmed";
  const startedAt = performance.now();
  const tagged = await within(command.tagged, answerLimitMs / 2, false);
  const verdict = await askHelper(command, { tagged, signals: true });
  if (verdict === "gone") {
    // An open channel is held by somebody: a process that the helper could not tell to be the command's.
    const ended = (await closes(command.channel, rungMs)) || command.readerBehind();
    return ended ? "confirmed" : "unconfirmed";
  }
  if (verdict === "none" || verdict === "unsure") {
    const ended = await closes(command.channel, closeGraceMs);
    if (ended && tagged) return "confirmed";
    if (ended) return "dispatched";
  }
  if (verdict === "left") return "unconfirmed";
  // A helper that never came to a verdict has used up the time that a person waits for.
  const pause = performance.now() - startedAt > 2 * rungMs ? rungMs / 4 : rungMs;
  if (!(await signalChannel(command.channel, pause))) return "unconfirmed";
  // The command's own slot is free now: where it was the only one, the helper can look after all.
  const left = tagged ? await askHelper(command, { tagged, signals: false }) : null;
  if (left === "left") return "unconfirmed";
  return left === "none" || left === "unsure" ? "confirmed" : "dispatched";
};

type Verdict = "gone" | "none" | "left" | "unsure" | "blind";

/** Null when no helper could be opened, or it gave no verdict in time. */
const askHelper = async (
  command: StoppableCommand,
  { tagged, signals }: { tagged: boolean; signals: boolean },
): Promise<Verdict | null> => {
  const opening = command.pool.acquireHelper().catch(() => null);
  const helper = await within(opening, answerLimitMs, null);
  if (helper === null) {
    // It may still come, long after anybody waits for it.
    void opening.then((late) => late?.close());
    return null;
  }
  const mark = `ssh-mcp-stop-${randomBytes(12).toString("hex")}`;
  const only = !tagged && command.pool.commands === 1;
  try {
    return await runHelper(helper, mark, stopScript({ mark, tag: command.tag, only, signals }));
  } finally {
    helper.close();
  }
};

const runHelper = async (helper: SessionChannel, mark: string, script: string): Promise<Verdict | null> => {
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
  // `exec`, so that the helper's parent is the server process, whatever the login shell.
  if (!(await within(helper.exec("exec /bin/sh -s"), answerLimitMs, false))) return null;
  const sent = helper.write(Buffer.from(script)).then(() => helper.eof());
  return within(
    sent.then(() => verdict),
    verdictLimitMs,
    null,
  );
};

/**
 * Climbs the ladder through the channel, from TERM: a shell's background children ignore INT, and OpenSSH forgets the group once its leader is
 * gone, so that INT would leave them out of reach. Resolves to whether the channel closed.
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
