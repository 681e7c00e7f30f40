import { createServer, type Server, type Socket } from "node:net";
import { onCleanup } from "./cleanup.ts";

export interface Listener {
  readonly host: "127.0.0.1";
  readonly port: number;
  /** Connections that are open now. */
  readonly sockets: ReadonlySet<Socket>;
  /** Connections accepted since the start. */
  accepted(): number;
  /** Stops listening and destroys what is open. Cleanup does this too. */
  stop(): Promise<void>;
}

export interface ListenOptions {
  /** A port that was used before; a free one by default. */
  port?: number | undefined;
  /** Whether our side stays open when the client has ended its own. */
  allowHalfOpen?: boolean;
}

/** Listens on 127.0.0.1; an error of a socket only closes it. */
export const listen = async (onSocket: (socket: Socket) => void, options: ListenOptions = {}): Promise<Listener> => {
  const { port = 0, allowHalfOpen = true } = options;
  const sockets = new Set<Socket>();
  let accepted = 0;
  const server = createServer({ allowHalfOpen, noDelay: true }, (socket) => {
    accepted++;
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
    socket.on("error", () => socket.destroy());
    onSocket(socket);
  });
  const bound = await boundPort(server, port);
  const stop = onCleanup(async () => {
    const closed = new Promise((resolve) => server.close(resolve));
    for (const socket of sockets) socket.destroy();
    await closed;
  });
  return { host: "127.0.0.1", port: bound, sockets, accepted: () => accepted, stop };
};

/** Starts listening on loopback. @returns the port */
export const boundPort = async (server: Server, port = 0): Promise<number> => {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  server.once("error", reject).listen(port, "127.0.0.1", resolve);
  await promise;
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("the server has no port");
  return address.port;
};
