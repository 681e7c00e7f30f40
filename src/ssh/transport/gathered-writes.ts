import type { Duplex } from "node:stream";

/**
 * From now on, what is written to a socket in one turn leaves together when the turn ends. ssh2 writes a packet in up to four pieces, and with
 * Nagle's algorithm off each would be a system call here, a segment on the wire, and a wake-up of the server.
 */
export const gatherWrites = (socket: Duplex): void => {
  const write = socket.write.bind(socket);
  let gathers = false;
  const release = (): void => {
    gathers = false;
    socket.uncork();
  };
  const gathered = (...words: Parameters<typeof write>): boolean => {
    if (!gathers) {
      gathers = true;
      socket.cork();
      process.nextTick(release);
    }
    return write(...words);
  };
  socket.write = gathered as typeof socket.write;
};
