/** One function for each request of draft-ietf-secsh-filexfer-02, sections 6.3 to 6.10, and of the extensions that we use. */
import type { FileFacts } from "../../core/files/file-facts.ts";
import { type FileSystem, readFileSystem } from "./extensions.ts";
import { type Attributes, writeAttributes } from "./file-attributes.ts";
import { packetType } from "./packet-types.ts";
import {
  type Entries,
  type ReplyReader,
  readData,
  readEntries,
  readFacts,
  readHandle,
  readName,
  readOk,
} from "./replies.ts";
import type { SftpClient } from "./sftp-client.ts";

export type PathBytes = Uint8Array;
export type Handle = Uint8Array;

/** Of one that the client counts as open until it is closed. */
const readOpened =
  (client: SftpClient): ReplyReader<Handle> =>
  (packet) => {
    const handle = readHandle(packet);
    client.countHandle(1);
    return handle;
  };

export const openFile = (client: SftpClient, path: PathBytes, flags: number, attributes: Attributes): Promise<Handle> =>
  client.ask(
    packetType.open,
    (writer) => writeAttributes(writer.string(path).uint32(flags), attributes),
    readOpened(client),
  );

/** To be asked once for each handle. */
export const closeHandle = (client: SftpClient, handle: Handle): Promise<void> => {
  client.countHandle(-1);
  return client.ask(packetType.close, (writer) => writer.string(handle), readOk);
};

/** Nobody waits for the answer. */
export const dropHandle = (client: SftpClient, handle: Handle): void => {
  client.unattended(closeHandle(client, handle));
};

/** @returns null at the end of the file; fewer bytes than asked for do not say that it ends */
export const readAt = (client: SftpClient, handle: Handle, offset: number, length: number): Promise<Buffer | null> =>
  client.ask(packetType.read, (writer) => writer.string(handle).uint64(offset).uint32(length), readData(length));

export const writeAt = (client: SftpClient, handle: Handle, offset: number, content: Uint8Array): Promise<void> =>
  client.ask(packetType.write, (writer) => writer.string(handle).uint64(offset), readOk, content);

export const statPath = (client: SftpClient, path: PathBytes): Promise<FileFacts> =>
  client.ask(packetType.stat, (writer) => writer.string(path), readFacts);

export const lstatPath = (client: SftpClient, path: PathBytes): Promise<FileFacts> =>
  client.ask(packetType.lstat, (writer) => writer.string(path), readFacts);

export const statHandle = (client: SftpClient, handle: Handle): Promise<FileFacts> =>
  client.ask(packetType.fstat, (writer) => writer.string(handle), readFacts);

export const setPath = (client: SftpClient, path: PathBytes, attributes: Attributes): Promise<void> =>
  client.ask(packetType.setstat, (writer) => writeAttributes(writer.string(path), attributes), readOk);

export const setHandle = (client: SftpClient, handle: Handle, attributes: Attributes): Promise<void> =>
  client.ask(packetType.fsetstat, (writer) => writeAttributes(writer.string(handle), attributes), readOk);

export const openDirectory = (client: SftpClient, path: PathBytes): Promise<Handle> =>
  client.ask(packetType.opendir, (writer) => writer.string(path), readOpened(client));

export const readDirectory = (client: SftpClient, handle: Handle): Promise<Entries | null> =>
  client.ask(packetType.readdir, (writer) => writer.string(handle), readEntries);

export const removeFile = (client: SftpClient, path: PathBytes): Promise<void> =>
  client.ask(packetType.remove, (writer) => writer.string(path), readOk);

export const removeEmptyDirectory = (client: SftpClient, path: PathBytes): Promise<void> =>
  client.ask(packetType.rmdir, (writer) => writer.string(path), readOk);

export const makeDirectory = (client: SftpClient, path: PathBytes, attributes: Attributes): Promise<void> =>
  client.ask(packetType.mkdir, (writer) => writeAttributes(writer.string(path), attributes), readOk);

export const realPath = (client: SftpClient, path: PathBytes): Promise<string> =>
  client.ask(packetType.realpath, (writer) => writer.string(path), readName);

export const readLink = (client: SftpClient, path: PathBytes): Promise<string> =>
  client.ask(packetType.readlink, (writer) => writer.string(path), readName);

export const renamePath = (client: SftpClient, from: PathBytes, to: PathBytes): Promise<void> =>
  client.ask(packetType.rename, (writer) => writer.string(from).string(to), readOk);

/** The draft says the link first; OpenSSH, and whoever is compatible with it, what it leads to (PROTOCOL, section 4.1). */
export const makeLink = (client: SftpClient, target: PathBytes, path: PathBytes): Promise<void> =>
  client.ask(packetType.symlink, (writer) => writer.string(target).string(path), readOk);

const name = (extension: string): Uint8Array => Buffer.from(`${extension}@openssh.com`);
const posixRename = name("posix-rename");
const fsync = name("fsync");
const statvfs = name("statvfs");
const fstatvfs = name("fstatvfs");

/** rename(2): over what is there. */
export const replacePath = (client: SftpClient, from: PathBytes, to: PathBytes): Promise<void> =>
  client.ask(packetType.extended, (writer) => writer.string(posixRename).string(from).string(to), readOk);

export const syncHandle = (client: SftpClient, handle: Handle): Promise<void> =>
  client.ask(packetType.extended, (writer) => writer.string(fsync).string(handle), readOk);

/** @returns null where the server does not say */
export const fileSystemOf = async (client: SftpClient, path: PathBytes): Promise<FileSystem | null> => {
  if (!client.offers("statvfs@openssh.com")) return null;
  return await client.ask(packetType.extended, (writer) => writer.string(statvfs).string(path), readFileSystem);
};

/** @returns null where the server does not say */
export const fileSystemOfHandle = async (client: SftpClient, handle: Handle): Promise<FileSystem | null> => {
  if (!client.offers("fstatvfs@openssh.com")) return null;
  return await client.ask(packetType.extended, (writer) => writer.string(fstatvfs).string(handle), readFileSystem);
};
