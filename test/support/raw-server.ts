import type { Socket } from "node:net";
import { type Listener, listen } from "./listener.ts";

export interface RawServer extends Listener {
  /** Everything that clients sent, all connections together. */
  received(): string;
}

/** The name of one of `rawBehaviours`. */
export type RawBehaviour = keyof typeof rawBehaviours;

/** Starts a server that is no SSH server. A function decides itself what happens on each connection. */
export const startRawServer = async (
  behaviour: RawBehaviour | ((socket: Socket) => void),
  port?: number,
): Promise<RawServer> => {
  const chunks: Buffer[] = [];
  const accept = (socket: Socket) => {
    socket.on("data", (chunk) => chunks.push(chunk));
    socket.on("end", () => socket.end());
    if (typeof behaviour === "function") behaviour(socket);
    else rawBehaviours[behaviour](socket);
  };
  const listener = await listen(accept, { port });
  return { ...listener, received: () => Buffer.concat(chunks).toString("latin1") };
};

/** What stands where an SSH server should: a server of any other protocol, or a broken or hostile one. */
export const rawBehaviours = {
  /** Accepts and never says a word. */
  silent: () => {},
  http: (socket) => socket.end("HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"),
  /** Bytes that are no text, and then nothing. */
  garbage: (socket) => socket.write(Uint8Array.from({ length: 512 }, (_, index) => (index * 167 + 13) & 0xff)),
  close: (socket) => socket.end(),
  reset: (socket) => socket.resetAndDestroy(),
  /** An SSH identification and then nothing. */
  stalled: (socket) => socket.write("SSH-2.0-stalled\r\n"),
  /** Lines before an identification that never comes; RFC 4253, section 4.2 sets no limit. */
  "endless-lines": (socket) => endless(socket, "Welcome. Please wait for the next line.\r\n".repeat(100)),
  /** One line without an end. */
  "endless-line": (socket) => endless(socket, "x".repeat(4096)),
  ssh1: (socket) => socket.write("SSH-1.5-ancient\r\n"),
} satisfies Record<string, (socket: Socket) => unknown>;

const endless = (socket: Socket, text: string): void => {
  const more = () => {
    while (!socket.destroyed && socket.write(text));
  };
  socket.on("drain", more);
  more();
};
