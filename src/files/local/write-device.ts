/** Writing into what is there and is no file that another could take the place of: a pipe, a terminal, /dev/null. */
import { constants, write } from "node:fs";
import { errorCode } from "../../core/error-code.ts";
import { SshMcpError } from "../../core/errors.ts";
import { shown } from "../../core/escape.ts";
import type { FileType } from "../../core/files/file-facts.ts";
import { isOfProcess } from "../process-path.ts";
import { atCalls } from "./at-calls.ts";
import { localError, systemError } from "./local-errors.ts";
import type { Place } from "./local-places.ts";

/** Of what is waited for, in milliseconds: nothing tells when somebody opens a pipe for reading. */
const betweenTries = 20;
const toWrite = constants.O_WRONLY | constants.O_NONBLOCK | constants.O_NOCTTY;
const devices: ReadonlySet<FileType> = new Set(["character", "block", "fifo", "socket"]);

export const isDevice = ({ tree, path }: Place): boolean => {
  const { directory, name } = tree.spot(path);
  return devices.has(atCalls().look(directory, name)?.type ?? "file");
};

/**
 * A pipe is written to once somebody reads it, and as fast as they do.
 * @param where the operand, absolute
 * @param signal ends all waiting
 * @throws SshMcpError POLICY_DENIED for who may not write anywhere, CANCELED, LOCAL_IO
 */
export const writeInto = async (
  place: Place,
  where: string,
  bytes: AsyncIterable<Uint8Array>,
  signal: AbortSignal,
): Promise<void> => {
  if (!place.tree.policy.isOpen) {
    throw new SshMcpError("POLICY_DENIED", `${shown(where)} is no regular file: only a person writes into it`, {
      hint: "a person may: ssh-mcp cp SOURCE DESTINATION",
    });
  }
  const progress = { done: 0 };
  let file: number | null = null;
  try {
    const opened = await opening(place, where, signal);
    file = opened;
    for await (const piece of bytes) await writeAll(opened, piece, progress, where, signal);
  } catch (cause) {
    throw localError(where, "written", cause, progress.done);
  } finally {
    if (file !== null) atCalls().close(file);
  }
};

/** In the directory that is held, without following a link: what is opened is looked at again, for it may have been swapped. */
const opening = async ({ tree, path }: Place, where: string, signal: AbortSignal): Promise<number> => {
  const calls = atCalls();
  for (;;) {
    if (signal.aborted) throw canceled(where);
    const { directory, name } = tree.spot(path);
    const type = calls.look(directory, name)?.type ?? "file";
    if (type === "socket" || !devices.has(type)) throw notDevice(where, type);
    try {
      const file = calls.open(directory, name, toWrite, 0);
      const { type: opened } = calls.lookAt(file);
      if (devices.has(opened)) return file;
      calls.close(file);
      throw notDevice(where, opened);
    } catch (cause) {
      // fifo(7): nobody reads it yet.
      if (type !== "fifo" || errorCode(cause) !== "ENXIO") throw cause;
    }
    await pause(signal);
  }
};

const writeAll = async (
  file: number,
  piece: Uint8Array,
  progress: { done: number },
  where: string,
  signal: AbortSignal,
): Promise<void> => {
  for (let at = 0; at < piece.length; ) {
    if (signal.aborted) throw canceled(where);
    const taken = await writeSome(file, piece, at);
    if (taken === null) await pause(signal);
    else if (taken === 0) throw systemError("EIO");
    else {
      at += taken;
      progress.done += taken;
    }
  }
};

/** @returns bytes that were taken; null when there is no room now */
const writeSome = (file: number, piece: Uint8Array, at: number): Promise<number | null> =>
  new Promise((resolve, reject) => {
    write(file, piece, at, piece.length - at, null, (failure, taken) => {
      if (failure === null) resolve(taken);
      else if (errorCode(failure) === "EAGAIN") resolve(null);
      else reject(failure);
    });
  });

const pause = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    const on = (): void => {
      clearTimeout(timer);
      signal.removeEventListener("abort", on);
      resolve();
    };
    const timer = setTimeout(on, betweenTries);
    signal.addEventListener("abort", on, { once: true });
  });

const notDevice = (where: string, type: string): SshMcpError =>
  new SshMcpError("LOCAL_IO", `${shown(where)} is nothing to write into: it is a ${type}`);

const canceled = (where: string): SshMcpError =>
  new SshMcpError("CANCELED", `nobody waits any more for ${shown(where)} to be written`);

/**
 * A descriptor is another file in every process, and of this one what is said with `-`.
 * @throws SshMcpError INVALID_INPUT
 */
export const refuseProcess = (path: string): void => {
  if (!isOfProcess(path)) return;
  throw new SshMcpError("INVALID_INPUT", `${shown(path)} is no place to copy to: standard output is -`, {
    hint: "ssh-mcp cp TARGET:PATH -",
  });
};
