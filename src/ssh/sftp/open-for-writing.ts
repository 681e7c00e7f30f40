import type { WriteOptions } from "../../core/files/remote-files.ts";
import { openNoFifo } from "./fifo.ts";
import { openFlag, statusCode } from "./packet-types.ts";
import { StatusReply } from "./replies.ts";
import { dropHandle, type Handle, openFile, statPath } from "./requests.ts";
import { whyNoFile, whyNotNew } from "./second-look.ts";
import { isStatus, isVague, sftpFailure } from "./sftp-failure.ts";
import type { FileToWrite } from "./write-file.ts";

export interface OpenedForWriting {
  handle: Handle;
  /** Whether it was made by this. */
  isNew: boolean;
}

/**
 * Opens in one round trip. A file that is made is made by an exclusive OPEN, so that it is known to be ours, and is never wider than `mode`: the server's umask takes bits away at most.
 * @throws SshMcpError
 */
export const openForWriting = async (
  { client, sent, action }: FileToWrite,
  { create, offset, mode, append = false }: Pick<WriteOptions, "create" | "offset" | "mode" | "append">,
): Promise<OpenedForWriting> => {
  const write = openFlag.write | (append ? openFlag.append : 0);
  const isWhole = offset === 0 && !append;
  const openNew = (): Promise<Handle> =>
    openFile(client, sent, write | openFlag.create | openFlag.exclusive, mode === null ? {} : { mode: mode & 0o777 });
  if (create === "new") {
    try {
      return { handle: await openNew(), isNew: true };
    } catch (thrown) {
      throw sftpFailure(action, thrown, isVague(thrown) ? await whyNotNew(client, sent) : null);
    }
  }
  let made: Promise<Handle> | null = null;
  const open = (): Promise<Handle> => {
    const opening = openFile(client, sent, write | (isWhole ? openFlag.truncate : 0), {});
    // Behind the other one: it makes the file only where that found none. What is to be gone on with is not made.
    made = create === "any" && (isWhole || append) ? openNew() : null;
    made?.catch(() => undefined);
    return opening;
  };
  const { opening: opened } = await openNoFifo(client, () => statPath(client, sent), open, action);
  const isMade = made !== null && (await settledHandle(made, action)) !== null;
  const existing = await settledHandle(opened, action);
  if (isMade && made !== null) {
    if (existing !== null) dropHandle(client, existing);
    return { handle: await made, isNew: true };
  }
  if (existing !== null) return { handle: existing, isNew: false };
  return await explain();

  async function explain(): Promise<OpenedForWriting> {
    try {
      await opened;
    } catch (thrown) {
      const isMissing = isStatus(thrown, statusCode.noSuchFile);
      if (!isMissing || made === null) {
        throw sftpFailure(action, thrown, isVague(thrown) ? await whyNoFile(client, sent) : null);
      }
    }
    return await throughLink();
  }

  /** Neither there nor to be made: the name is a link to nothing, or the folder says no. */
  async function throughLink(): Promise<OpenedForWriting> {
    try {
      await made;
    } catch (thrown) {
      if (!isVague(thrown)) throw sftpFailure(action, thrown);
    }
    try {
      const attributes = mode === null ? {} : { mode: mode & 0o777 };
      // Whoever made it meanwhile owns its mode: nothing is set afterwards.
      return { handle: await openFile(client, sent, write | openFlag.create, attributes), isNew: false };
    } catch (thrown) {
      throw sftpFailure(action, thrown, isVague(thrown) ? await whyNoFile(client, sent) : null);
    }
  }
};

const settledHandle = async (opening: Promise<Handle>, action: string): Promise<Handle | null> => {
  try {
    return await opening;
  } catch (thrown) {
    if (!(thrown instanceof StatusReply)) throw sftpFailure(action, thrown);
    return null;
  }
};
