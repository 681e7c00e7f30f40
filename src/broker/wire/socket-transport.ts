/**
 * A transport over a unix socket, for both sides. Bun's sockets keep nothing that the kernel does not take at once, so what has to wait waits
 * here. On the client's warm path: no package, and not `node:net`, which takes longer to load than a call takes.
 */
import type { Socket } from "bun";
import type { Transport } from "./protocol.ts";

/** Pieces that wait are gathered into writes of this size: each is a system call, and wakes the reader. A unix socket holds little more. */
const gatherSize = 256 * 1024;
/** How long a peer that does not read can keep a closed connection open. */
const lingerMs = 3000;

/**
 * Connects to a listening unix socket.
 * @throws Error with the errno's name as its `code`: ENOENT, ECONNREFUSED, EACCES, EPERM
 */
export const connectSocket = async (path: string): Promise<Transport> => {
  const transport = new SocketTransport();
  await Bun.connect<SocketTransport>({ unix: path, data: transport, socket: handlers });
  return transport;
};

/** A socket that listens. Ending it removes the *path* it was bound to, whoever's socket is there by then. */
export interface ListeningSocket {
  /** Connections that were accepted go on. */
  stop(): void;
}

/**
 * @param accept gets each connection, and the descriptor of its socket where Bun says it
 * @throws Error with a `code`: EADDRINUSE when the path exists, ENOENT, EACCES, …
 */
export const listenOnSocket = (
  path: string,
  accept: (transport: Transport, file: number | null) => void,
): ListeningSocket => {
  const server = Bun.listen<SocketTransport>({
    unix: path,
    socket: {
      ...handlers,
      open: (socket) => {
        socket.data = new SocketTransport();
        socket.data.opened(socket);
        // Bun has it, and its types do not.
        accept(socket.data, "fd" in socket && typeof socket.fd === "number" ? socket.fd : null);
      },
    },
  });
  return { stop: () => server.stop() };
};

class SocketTransport implements Transport {
  peer: number | null = null;
  onData: (bytes: Uint8Array) => void = () => undefined;
  onDrain: () => void = () => undefined;
  onClose: () => void = () => undefined;
  #socket: Socket<SocketTransport> | null = null;
  #queue: Uint8Array[] = [];
  /** Bytes of the first in the queue that were taken. */
  #taken = 0;
  #pending = 0;
  /** Bytes that the kernel took since the beginning. */
  #out = 0;
  /** Those who wait until it has taken so many, in that order. */
  #waiting: { out: number; callback: () => void }[] = [];
  #open = true;
  #scheduled = false;
  /** Something was written out in this turn of the loop. */
  #busy = false;
  /** The kernel takes no more for now: a drain event will say when it does. */
  #full = false;
  #linger: ReturnType<typeof setTimeout> | undefined;

  get pending(): number {
    return this.#pending;
  }

  write(bytes: Uint8Array): void {
    if (!this.#open || bytes.length === 0) return;
    this.#queue.push(bytes);
    this.#pending += bytes.length;
    if (!this.#scheduled && !this.#full) this.#schedule();
  }

  whenTaken(callback: () => void): void {
    if (!this.#open) return;
    this.#waiting.push({ out: this.#out + this.#pending, callback });
    this.#push();
  }

  close(): void {
    if (!this.#open) return;
    this.#open = false;
    if (this.#pending === 0) this.#socket?.end();
    else this.#linger = setTimeout(() => this.abort(), lingerMs);
  }

  abort(): void {
    this.#open = false;
    this.#socket?.terminate();
  }

  opened(socket: Socket<SocketTransport>): void {
    this.#socket = socket;
  }

  received(bytes: Uint8Array): void {
    if (this.#open) this.onData(bytes);
  }

  drained(): void {
    this.#full = false;
    this.#flush();
  }

  ended(): void {
    this.#open = false;
    this.#socket = null;
    this.#queue = [];
    this.#pending = 0;
    this.#waiting = [];
    clearTimeout(this.#linger);
    // Later, also when it is this side that closes: whoever calls `close` is not called back from inside.
    queueMicrotask(() => this.onClose());
  }

  /**
   * Not at once: what is written in one go, a hello and a request, leaves in one piece. More in the same turn of the loop waits for its end:
   * then it is output on its way, of which there will be more.
   */
  #schedule(): void {
    this.#scheduled = true;
    if (this.#busy) {
      setImmediate(() => this.#flush());
      return;
    }
    this.#busy = true;
    queueMicrotask(() => this.#flush());
    setImmediate(() => {
      this.#busy = false;
    });
  }

  #flush(): void {
    this.#scheduled = false;
    this.#push();
    if (this.#pending > 0) return;
    if (this.#open) this.onDrain();
    else this.#socket?.end();
  }

  /** Gives the kernel what it takes. */
  #push(): void {
    while (this.#pending > 0 && this.#socket !== null && !this.#full) {
      const bytes = this.#next();
      const taken = this.#socket.write(bytes);
      // A socket that broke says so by its close event.
      if (taken < 0) return;
      this.#forget(taken);
      this.#full = taken < bytes.length;
    }
    while (this.#waiting[0] !== undefined && this.#waiting[0].out <= this.#out) this.#waiting.shift()?.callback();
  }

  /** What goes out next: one large piece, or small ones together, which stay in the queue until they are taken. */
  #next(): Uint8Array {
    const [first] = this.#queue;
    if (first === undefined) return new Uint8Array(0);
    const rest = first.subarray(this.#taken);
    if (this.#queue.length === 1 || rest.length >= gatherSize) return rest;
    gathered ??= new Uint8Array(gatherSize);
    let length = 0;
    for (const bytes of this.#queue) {
      const piece = (length === 0 ? rest : bytes).subarray(0, gatherSize - length);
      gathered.set(piece, length);
      length += piece.length;
      if (length === gatherSize) break;
    }
    return gathered.subarray(0, length);
  }

  #forget(taken: number): void {
    this.#pending -= taken;
    this.#out += taken;
    let left = this.#taken + taken;
    let count = 0;
    for (const { length } of this.#queue) {
      if (left < length) break;
      left -= length;
      count++;
    }
    this.#queue.splice(0, count);
    this.#taken = left;
  }
}

/** One for all: it is in use only while the kernel copies from it. */
let gathered: Uint8Array | null = null;

const handlers = {
  open: (socket: Socket<SocketTransport>): void => socket.data.opened(socket),
  data: (socket: Socket<SocketTransport>, bytes: Uint8Array): void => socket.data.received(bytes),
  drain: (socket: Socket<SocketTransport>): void => socket.data.drained(),
  close: (socket: Socket<SocketTransport>): void => socket.data.ended(),
  // Bun hands an exception of these handlers here and nowhere else: it is a bug, and must be seen.
  error: (socket: Socket<SocketTransport>, thrown: unknown): void => {
    socket.terminate();
    queueMicrotask(() => {
      throw thrown;
    });
  },
};
