import type { CommandRequest, CommandResult } from "../../core/command.ts";
import { SshMcpError } from "../../core/errors.ts";
import { channelInTime } from "./channel-in-time.ts";
import { type CommandSetup, plainSetup } from "./command-setup.ts";
import { type Elsewhere, firstChannel } from "./first-channel.ts";
import { prepareCommand } from "./prepare.ts";
import { type CommandHost, RunningCommand } from "./running-command.ts";

/** A wait for a channel up to this is the connection's matter and takes nothing from the command's own time. */
const freeWaitMs = 5000;

/** A command that waits for longer is to be told so. */
const toldAfterMs = 1000;

/** @returns what ends the watch: a timer */
export const watchBusy = (pool: { readonly isFull: boolean }, onBusy: OnBusy): ReturnType<typeof setTimeout> =>
  setTimeout(() => pool.isFull && onBusy(), toldAfterMs);

/** Called once when other commands have kept this one waiting for a channel for a while. */
export type OnBusy = () => void;

/**
 * Runs one command and streams it. The exec request is handed over at most once; from then on the answer is always a result.
 * Its time runs from the exec request on; a wait for a channel counts when it is longer than a few seconds.
 * @param elsewhere may come free for it before the connection itself does
 * @throws SshMcpError when the request was not handed over: CANCELED, TIMEOUT, TOO_LARGE, CHANNEL_REFUSED, CONNECTION_LOST, PROTOCOL_ERROR
 */
export const runCommand = async (
  host: CommandHost,
  request: CommandRequest,
  signal: AbortSignal,
  onBusy: OnBusy = () => {},
  setup: CommandSetup = plainSetup,
  elsewhere: Elsewhere | null = null,
): Promise<CommandResult> => {
  const prepared = prepareCommand(request, setup, host.pool.longestCommand);
  const bytes = Buffer.byteLength(prepared.line);
  if (bytes > host.pool.longestCommand) {
    throw new SshMcpError(
      "TOO_LARGE",
      `a command line of ${bytes} bytes is over the server's ${host.pool.longestCommand}`,
      {
        hint: "ssh-mcp exec TARGET -- sh -s <FILE",
      },
    );
  }
  const { timeoutMs } = request;
  const startedAt = performance.now();
  const limitMs = timeoutMs === null ? null : Math.max(timeoutMs, freeWaitMs);
  const telling = watchBusy(host.pool, onBusy);
  let owner = host;
  const open = elsewhere === null ? host.acquire : firstChannel(host, elsewhere, (other) => (owner = other));
  const channel = await channelInTime(open, limitMs, signal).finally(() => clearTimeout(telling));
  setup.onChannel?.();
  const waited = performance.now() - startedAt;
  const left = timeoutMs === null || waited <= freeWaitMs ? timeoutMs : Math.max(1, timeoutMs - waited);
  return new RunningCommand(owner, channel, { ...request, ...setup, ...prepared, timeoutMs: left }, signal).finish();
};
