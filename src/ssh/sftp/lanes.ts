import { dropHandle, type Handle } from "./requests.ts";
import type { SftpClient } from "./sftp-client.ts";

/** One handle, open for writing, of a file on one channel. */
export interface Lane {
  client: SftpClient;
  handle: Handle;
  /** Bytes that were sent, and not answered. */
  busy: number;
}

/** Below this round trip, in milliseconds, one channel is never what limits. */
const longRoundTripMs = 20;
/** Bytes at least: most files are over by then. */
const worthALane = 8 * 1024 * 1024;
const mostLanes = 4;

const areWorthwhile = (client: SftpClient, bytes: number): boolean =>
  bytes >= worthALane && client.roundTripMs >= longRoundTripMs;

/**
 * Gives channels for further lanes. Where so many bytes are sure to want them, they are asked for at once, while the file is still being opened.
 * @param another gives one that its giver keeps, used or not
 */
export const channelsFor = (
  first: SftpClient,
  expected: number,
  another: () => Promise<SftpClient | null>,
): (() => Promise<SftpClient | null>) => {
  if (!areWorthwhile(first, expected)) return another;
  const asked = Array.from({ length: mostLanes - 1 }, () => another());
  for (const channel of asked) channel.catch(() => undefined);
  return () => asked.shift() ?? another();
};

/**
 * The channels that the bytes of one file go out over. It begins with one; when the round trip is long and much was sent, more are opened
 * beside it: the window that a server gives a channel (2 MiB of OpenSSH) is the limit then. What comes in needs only one: its window is ours to give.
 */
export class Lanes {
  readonly #first: Lane;
  readonly #lanes: Lane[];
  readonly #more: (() => Promise<Lane | null>) | null;
  /** Told when there is one more. */
  onOpened: (count: number) => void = () => undefined;
  #isClosed = false;
  #hasGrown = false;

  /** @param more opens the file on another channel; null when there is none, or it would not be the same file */
  constructor(first: Lane, more: (() => Promise<Lane | null>) | null) {
    this.#first = first;
    this.#lanes = [first];
    this.#more = more;
  }

  get first(): Lane {
    return this.#first;
  }

  /** The one with the least to do. */
  next(): Lane {
    let found = this.#first;
    for (const lane of this.#lanes) if (lane.busy < found.busy) found = lane;
    return found;
  }

  /** Opens more of them, once, beside what goes on. @param bytes that were sent, or will be */
  grow(bytes: number): void {
    if (this.#hasGrown || this.#more === null) return;
    if (!areWorthwhile(this.#first.client, bytes)) return;
    this.#hasGrown = true;
    for (let count = 1; count < mostLanes; count++) void this.#open(this.#more);
  }

  /** Gives all handles but the first to the caller, for closing; they are the lanes' own until then. */
  release(): readonly Lane[] {
    this.#isClosed = true;
    return this.#lanes.splice(1);
  }

  /** The first handle is its opener's to close. */
  close(): void {
    for (const lane of this.release()) dropHandle(lane.client, lane.handle);
  }

  async #open(more: () => Promise<Lane | null>): Promise<void> {
    try {
      const lane = await more();
      if (lane === null) return;
      if (this.#isClosed) dropHandle(lane.client, lane.handle);
      else this.onOpened(this.#lanes.push(lane));
    } catch {
      // It goes on with what there is.
    }
  }
}
