/** What a stop is given: the command, and the connection it runs on. */
import { within } from "../transport/within.ts";
import type { SessionChannel } from "./channel.ts";
import type { ChannelPool } from "./channel-pool.ts";
import type { OtherUser } from "./prologue.ts";

/** How long the server's answer to the tag is waited for. */
const tagLimitMs = 500;

export interface StoppableCommand {
  channel: SessionChannel;
  /** The value of `tagVariable` that was sent as the command's environment. */
  tag: string;
  /** Whether the server took the tag. */
  tagged: Promise<boolean>;
  /** Whether output waits for the caller: then the server cannot close the channel, whatever became of the command. */
  readerBehind(): boolean;
  /** For one that runs as another user; null or absent for one of the login's own. */
  become?: OtherUser | null;
}

/** What a stop needs to know of the connection. */
export interface StopHost {
  pool: ChannelPool;
  /** False when the connection is gone: then there is nobody to ask. */
  connected(): boolean;
  /** Whether the server runs one command of its own whatever is asked for: a helper would run it a second time. */
  runsForcedCommand(): boolean;
}

/** The server's word on the tag may still be on its way. */
export const isTagged = ({ tagged, become }: StoppableCommand): Promise<boolean> =>
  // Another user's processes carry one that no server had to take.
  become ? Promise.resolve(true) : within(tagged, tagLimitMs, false);
