import { SshMcpError } from "../../core/errors.ts";
import type { FileFacts } from "../../core/files/file-facts.ts";
import type { WriteOptions } from "../../core/files/remote-files.ts";
import { formHandle } from "./form-handle.ts";
import { channelsFor, type Lane, Lanes } from "./lanes.ts";
import { openForWriting } from "./open-for-writing.ts";
import { openFlag, statusCode } from "./packet-types.ts";
import { StatusReply } from "./replies.ts";
import {
  closeHandle,
  dropHandle,
  type Handle,
  lstatPath,
  openFile,
  type PathBytes,
  setHandle,
  statHandle,
  syncHandle,
} from "./requests.ts";
import { whyNoRoom } from "./second-look.ts";
import type { SftpClient } from "./sftp-client.ts";
import { changeFailure, isStatus, isVague, sftpFailure } from "./sftp-failure.ts";
import { RangeWriter } from "./write-range.ts";

export interface FileToWrite {
  client: SftpClient;
  sent: PathBytes;
  another: () => Promise<SftpClient | null>;
  /** `cannot write "/x" on db1` */
  action: string;
}

/** The bits that a server takes away when somebody writes. */
const specialBits = 0o6000;

/** `RemoteFiles.write` over SFTP. */
export const writeFile = async (
  file: FileToWrite,
  bytes: AsyncIterable<Uint8Array>,
  options: WriteOptions,
): Promise<number> => {
  const { client, sent, action } = file;
  const {
    create,
    mode,
    forms,
    unchanged,
    onForm,
    onWritten,
    append = false,
    sync = true,
    expected = 0,
    isFree = true,
  } = options;
  const isOurs = !append && (create === "new" || options.offset > 0);
  const another = isOurs ? channelsFor(client, expected, file.another) : null;
  const { handle, isNew } = await openForWriting(file, options);
  // A server that does not know of adding puts it where the end was; nothing is cut there.
  const offset = append && isNew ? 0 : options.offset;
  const ownMode = isNew ? mode : null;
  const lanes = new Lanes({ client, handle, busy: 0 }, another && (() => openLane(file, handle, another)));
  const writer = new RangeWriter(lanes, offset, onWritten ?? null);
  lanes.grow(expected);
  let isClosed = false;
  try {
    if (!(await isFree)) throw new SshMcpError("ALREADY_EXISTS", "the name was taken before it was made");
    if (unchanged !== undefined) await refuseOther(client, sent, handle, unchanged);
    // Each of these is answered before a byte is: requests of one channel are done in their order.
    const prepared = prepare(client, handle, append ? 0 : offset, ownMode);
    prepared.catch(() => undefined);
    if (offset > 0) await prepared;
    const made = forms === undefined ? null : statHandle(client, handle);
    made?.catch(() => undefined);
    await writer.send(bytes);
    // A file of one request is finished in the same round trip: nothing can have a hole.
    if (writer.requests > 1) await writer.answered();
    const formed = made === null ? null : await formHandle(client, handle, await made, forms ?? []);
    isClosed = true;
    const finished = finish(client, handle, lanes, formed === null ? ownMode : null, sync);
    finished.catch(() => undefined);
    await Promise.all([prepared, writer.answered(), formed?.done]);
    if (formed !== null) onForm?.(formed.index);
    await finished;
    return writer.written;
  } catch (thrown) {
    const after = offset + writer.written;
    const reason = isVague(thrown) ? await whyNoRoom(client, sent) : null;
    if (!isClosed) {
      if (!append) await cutHole(client, handle, writer, after);
      dropHandle(client, handle);
    }
    if (append) {
      const failed = client.isEnded && writer.requests > 0 ? changeFailure : sftpFailure;
      throw failed(action, thrown, reason, `; at least ${bytesOf(writer.written)} added`);
    }
    throw sftpFailure(
      action,
      thrown,
      reason,
      `; ${bytesOf(writer.written)} written${offset > 0 ? `, up to byte ${after}` : ""}`,
    );
  } finally {
    writer.end();
    lanes.close();
  }
};

const bytesOf = (count: number): string => `${count} ${count === 1 ? "byte is" : "bytes are"}`;

const prepare = async (client: SftpClient, handle: Handle, offset: number, mode: number | null): Promise<void> => {
  if (mode !== null) {
    const set = setHandle(client, handle, { mode });
    try {
      await set;
    } catch (thrown) {
      await acceptNarrower(client, handle, mode, thrown);
    }
  }
  if (offset === 0) return;
  const { size } = await statHandle(client, handle);
  if (size < offset) {
    throw new SshMcpError("REMOTE_IO", `it has ${bytesOf(size)} there, and cannot be gone on with at byte ${offset}`);
  }
  if (size > offset) await setHandle(client, handle, { size: offset });
};

/** Version 3 opens no name without following it, and says of no file which one it is: what is said of it has to do. */
const refuseOther = async (client: SftpClient, sent: PathBytes, handle: Handle, wanted: FileFacts): Promise<void> => {
  const [opened, named] = await Promise.all([statHandle(client, handle), lstatPath(client, sent)]);
  const isSame = ({ type, size, mode, uid, gid, mtime }: FileFacts): boolean =>
    type === "file" &&
    size === wanted.size &&
    mode === wanted.mode &&
    uid === wanted.uid &&
    gid === wanted.gid &&
    mtime === wanted.mtime;
  if (!isSame(opened) || !isSame(named)) throw new SshMcpError("PRECONDITION_FAILED", "it is another file by now");
};

/** File systems without permissions refuse to set them; only a wider file than was asked for is a failure. */
const acceptNarrower = async (client: SftpClient, handle: Handle, mode: number, thrown: unknown): Promise<void> => {
  if (!(thrown instanceof StatusReply)) throw thrown;
  const facts: FileFacts = await statHandle(client, handle);
  if (facts.mode === null || (facts.mode & ~mode) !== 0) throw thrown;
};

/** On the disk where that is wanted, with its mode, and closed: NFS says only then what went wrong. */
const finish = async (
  client: SftpClient,
  handle: Handle,
  lanes: Lanes,
  mode: number | null,
  sync: boolean,
): Promise<void> => {
  const requests: Promise<void>[] = lanes.release().map((lane) => closeHandle(lane.client, lane.handle));
  if (mode !== null && (mode & specialBits) !== 0) requests.push(setHandle(client, handle, { mode }));
  if (sync && client.offers("fsync@openssh.com")) requests.push(syncHandle(client, handle).catch(ignoreUnsyncable));
  requests.push(closeHandle(client, handle));
  await Promise.all(requests);
};

/** Devices, and file systems that are none, have nothing to sync: EINVAL, which OpenSSH calls a bad message. */
const ignoreUnsyncable = (thrown: unknown): void => {
  if (!isStatus(thrown, statusCode.badMessage) && !isStatus(thrown, statusCode.operationUnsupported)) throw thrown;
};

/** What was written behind a hole would look like content to whoever goes on with the file later. */
const cutHole = async (client: SftpClient, handle: Handle, writer: RangeWriter, size: number): Promise<void> => {
  if (!writer.mayHaveHole || client.isEnded) return;
  await writer.settled();
  await setHandle(client, handle, { size }).catch(() => undefined);
};

/** The same file on another channel, as far as a server can tell. */
const openLane = async (
  { client: first, sent }: FileToWrite,
  handle: Handle,
  another: () => Promise<SftpClient | null>,
): Promise<Lane | null> => {
  const client = await another();
  if (client === null) return null;
  const looking = lstatPath(client, sent);
  looking.catch(() => undefined);
  const lane: Lane = { client, handle: await openFile(client, sent, openFlag.write, {}), busy: 0 };
  try {
    const [link, ours, theirs] = await Promise.all([
      looking,
      statHandle(first, handle),
      statHandle(client, lane.handle),
    ]);
    const isOne = ours.mode === theirs.mode && ours.uid === theirs.uid && ours.gid === theirs.gid;
    if (isOne && link.type === "file" && theirs.type === "file") return lane;
  } catch {
    // A lane is not needed: the first channel writes it all.
  }
  dropHandle(client, lane.handle);
  return null;
};
