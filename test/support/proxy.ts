import { connect, type Socket } from "node:net";
import { type Listener, listen } from "./listener.ts";
import { type CutKind, type Direction, type FaultKind, Link, type LinkRules } from "./proxy-link.ts";
import { RoundTrips } from "./round-trips.ts";

export interface TcpProxy extends Listener {
  /** Milliseconds that every segment waits, from now on: one way, so a round trip takes both. */
  setDelay(delay: number | Record<Direction, number>): void;
  /** Round trips since the start or the last reset, as `RoundTrips` defines them. Set a delay, or it is no measure. */
  roundTrips(): number;
  resetCount(): void;
  /** Stops forwarding; connections stay open and their senders meet a full pipe, as with a cable that was pulled. */
  freeze(): void;
  thaw(): void;
  /** Ends all connections now, towards both sides. New ones are served. */
  cut(kind: CutKind): void;
  /** Cuts each connection once that many more bytes went that way; one that comes later counts from its start. */
  cutAfter(direction: Direction, bytes: number, kind: FaultKind): void;
  /** Inverts the byte at that offset, counted as for `cutAfter`. */
  corrupt(direction: Direction, offset: number): void;
  /** Bytes that were forwarded that way. */
  bytes(direction: Direction): number;
}

/** Starts a TCP proxy on 127.0.0.1 to a server there. It delays data, not the opening of a connection. */
export const startProxy = async (target: { host: string; port: number }): Promise<TcpProxy> => {
  const trips = new RoundTrips();
  const links = new Set<Link>();
  const rules: LinkRules = { delay: { toServer: 0, toClient: 0 }, frozen: false, marks: [], trips };
  const forwarded = { toServer: 0, toClient: 0 };

  const listener = await listen((client: Socket) => {
    const server = connect({ host: target.host, port: target.port, noDelay: true, allowHalfOpen: true });
    const link = new Link(client, server, rules, (direction, bytes) => {
      forwarded[direction] += bytes;
    });
    links.add(link);
    client.on("close", () => links.delete(link));
  });
  const mark = (direction: Direction, offset: number, action: FaultKind | "corrupt") => {
    rules.marks.push({ direction, offset, action });
    for (const link of links) link.mark(direction, offset, action);
  };

  return {
    ...listener,
    setDelay: (delay) => {
      rules.delay = typeof delay === "number" ? { toServer: delay, toClient: delay } : delay;
    },
    roundTrips: () => trips.count,
    resetCount: () => trips.reset(),
    freeze: () => {
      rules.frozen = true;
    },
    thaw: () => {
      rules.frozen = false;
      for (const link of links) link.resume();
    },
    cut: (kind) => {
      for (const link of links) link.cut(kind);
    },
    cutAfter: mark,
    corrupt: (direction, offset) => mark(direction, offset, "corrupt"),
    bytes: (direction) => forwarded[direction],
  };
};
