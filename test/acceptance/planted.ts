/** Something that is no broker, where one should listen. */
import { createServer, type Socket } from "node:net";
import { onCleanup } from "../support/cleanup.ts";

/** Listens on a unix socket that nobody listens on. @param behave gets each connection */
export const listenAt = async (path: string, behave: (socket: Socket) => void): Promise<void> => {
  const server = createServer((socket) => {
    socket.on("error", () => {});
    behave(socket);
  });
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  server.once("error", reject).listen(path, resolve);
  await promise;
  onCleanup(() => server.close());
};
