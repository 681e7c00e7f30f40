/** Who is at the other end of a unix socket, as the kernel knows it. node:net and Bun do not say, so libc is asked. */
import { ptr } from "bun:ffi";
import { openLibc } from "./libc.ts";

/**
 * The user of the process that connected.
 * @param file descriptor of an accepted unix socket
 * @returns null where the system does not say, or libc cannot be called
 */
export const peerUid = (file: number): number | null => peerOf(file)?.uid ?? null;

/** That process' number, where the system says it; one of another namespace has none here. */
export const peerPid = (file: number): number | null => peerOf(file)?.pid || null;

interface Peer {
  uid: number;
  pid: number | null;
}

const peerOf = (file: number): Peer | null => {
  if (ask === undefined) ask = howToAsk();
  return ask?.(file) ?? null;
};

type Ask = (file: number) => Peer | null;

/** Undefined until it is needed; null where there is no way. */
let ask: Ask | null | undefined;

const howToAsk = (): Ask | null => {
  try {
    return process.platform === "linux" ? byCredentials() : byPeerId();
  } catch {
    return null;
  }
};

/** unix(7): SO_PEERCRED of SOL_SOCKET gives `pid_t pid; uid_t uid; gid_t gid`, the numbers as on every machine that Bun runs on. */
const socketLevel = 1;
const peerCredentials = 17;

const byCredentials = (): Ask => {
  const { getsockopt } = openLibc({ getsockopt: { args: ["int", "int", "int", "ptr", "ptr"], returns: "int" } });
  const credentials = new Uint32Array(3);
  const length = new Uint32Array(1);
  return (file) => {
    length[0] = credentials.byteLength;
    const result = getsockopt(file, socketLevel, peerCredentials, ptr(credentials), ptr(length));
    const [pid = 0, uid = 0] = credentials;
    return result === 0 ? { uid, pid } : null;
  };
};

/** macOS and the BSDs: getpeereid(3). */
const byPeerId = (): Ask => {
  const { getpeereid } = openLibc({ getpeereid: { args: ["int", "ptr", "ptr"], returns: "int" } });
  const ids = new Uint32Array(2);
  return (file) =>
    getpeereid(file, ptr(ids), ptr(ids, Uint32Array.BYTES_PER_ELEMENT)) === 0 ? { uid: ids[0] ?? 0, pid: null } : null;
};
