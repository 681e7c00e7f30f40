/**
 * Why a unix socket takes no connection, asked of the system itself. Bun says ECONNREFUSED also where a sandbox forbids the connection, and
 * where a listener is there that has not taken those before: to start another broker is right in neither. Loaded only when that is in question.
 */
import { ptr } from "bun:ffi";
import { openErrno, openLibc } from "../../files/libc.ts";

/** AF_UNIX and SOCK_STREAM, the same on Linux, macOS and the BSDs. */
const unixFamily = 1;
const streamType = 1;
/** Linux: fcntl(2). A connect that would have to wait fails with EAGAIN. */
const nonBlocking = 0o4000;

const isMac = process.platform === "darwin";
const errnoNames: Readonly<Record<number, string>> = isMac
  ? { 1: "EPERM", 2: "ENOENT", 13: "EACCES", 35: "EAGAIN", 61: "ECONNREFUSED" }
  : { 1: "EPERM", 2: "ENOENT", 11: "EAGAIN", 13: "EACCES", 111: "ECONNREFUSED" };

/**
 * Tries a connection, and gives it up at once.
 * @returns the name of the error, `errno N` for one that is not expected; null when there was none
 * @throws Error where libc cannot be called
 */
export const connectErrno = (path: string): string | null => {
  const { socket, connect, close } = openLibc({
    socket: { args: ["int", "int", "int"], returns: "int" },
    connect: { args: ["int", "ptr", "u32"], returns: "int" },
    close: { args: ["int"], returns: "int" },
  });
  const errno = openErrno();
  const file = socket(unixFamily, process.platform === "linux" ? streamType | nonBlocking : streamType, 0);
  if (file < 0) return nameOf(errno());
  const address = socketAddress(path);
  const result = connect(file, ptr(address), address.length);
  const error = errno();
  close(file);
  return result === 0 ? null : nameOf(error);
};

const nameOf = (error: number): string => errnoNames[error] ?? `errno ${error}`;

/** sockaddr_un, unix(7): the BSDs have the length where Linux has the low byte of the family. */
const socketAddress = (path: string): Uint8Array => {
  const bytes = new TextEncoder().encode(path);
  const address = new Uint8Array(2 + bytes.length + 1);
  address.set(isMac ? [address.length, unixFamily] : [unixFamily, 0]);
  address.set(bytes, 2);
  return address;
};
