import type { Socket } from "node:net";
import type { RoundTrips } from "./round-trips.ts";

export type Direction = "toServer" | "toClient";

/** `close` ends in order (FIN) after what was forwarded; `reset` (RST) may take with it what the peer has not read. */
export type CutKind = "close" | "reset";

/** `silence` forwards nothing more either way and keeps both sides open, as a cable that was pulled. */
export type FaultKind = CutKind | "silence";

type Action = FaultKind | "corrupt";

/** What the proxy was told; shared by all its links. */
export interface LinkRules {
  delay: Record<Direction, number>;
  frozen: boolean;
  /** For links that come later: offsets from their start. */
  marks: { direction: Direction; offset: number; action: Action }[];
  trips: RoundTrips;
}

interface Segment {
  due: number;
  round: number;
  /** null is the end of the stream. */
  data: Buffer | null;
}

/** One connection through the proxy: two streams, each a queue of segments that wait for their time. */
export class Link {
  readonly #streams: Record<Direction, Stream>;
  readonly #sockets: readonly Socket[];

  constructor(client: Socket, server: Socket, rules: LinkRules, forwarded: (to: Direction, bytes: number) => void) {
    this.#sockets = [client, server];
    const cut = (kind: FaultKind) => (kind === "silence" ? this.silence() : this.cut(kind));
    this.#streams = {
      toServer: new Stream("toServer", client, server, rules, forwarded, cut),
      toClient: new Stream("toClient", server, client, rules, forwarded, cut),
    };
    for (const { direction, offset, action } of rules.marks) this.mark(direction, offset, action);
    server.on("error", () => this.cut("reset"));
    client.on("close", () => server.destroy());
    server.on("close", () => client.destroy());
  }

  mark(direction: Direction, offset: number, action: Action): void {
    this.#streams[direction].mark(offset, action);
  }

  resume(): void {
    for (const stream of Object.values(this.#streams)) stream.forward();
  }

  silence(): void {
    for (const stream of Object.values(this.#streams)) stream.silence();
  }

  cut(kind: CutKind): void {
    for (const stream of Object.values(this.#streams)) stream.drop();
    for (const socket of this.#sockets) {
      if (kind === "reset") socket.resetAndDestroy();
      else socket.destroySoon();
    }
  }
}

/** Bytes a stream holds before its sender meets a full pipe. */
const capacity = 32 * 1024 * 1024;

class Stream {
  readonly #segments: Segment[] = [];
  #held = 0;
  #forwarded = 0;
  #marks: { at: number; action: Action }[] = [];
  #timer: ReturnType<typeof setTimeout> | null = null;
  #isSilent = false;

  constructor(
    readonly direction: Direction,
    readonly source: Socket,
    readonly sink: Socket,
    readonly rules: LinkRules,
    readonly onForwarded: (to: Direction, bytes: number) => void,
    readonly onCut: (kind: FaultKind) => void,
  ) {
    const { trips } = rules;
    source.on("data", (data) => {
      this.#accept(data, direction === "toServer" ? trips.fromClient() : trips.fromServer());
    });
    source.on("end", () => this.#accept(null, 0));
    sink.on("drain", () => this.forward());
  }

  mark(offset: number, action: Action): void {
    this.#marks.push({ at: this.#forwarded + offset, action });
    this.#marks.sort((a, b) => a.at - b.at);
  }

  silence(): void {
    this.#isSilent = true;
  }

  drop(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#segments.length = 0;
  }

  /** Forwards what is due; called again when the next segment is, when the sink drained, and on thaw. */
  forward(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    for (let segment = this.#segments[0]; segment !== undefined; segment = this.#segments[0]) {
      if (this.#isSilent || this.rules.frozen || this.sink.writableNeedDrain) return;
      const wait = segment.due - performance.now();
      if (wait > 0) {
        this.#timer = setTimeout(() => this.forward(), wait);
        return;
      }
      this.#segments.shift();
      if (segment.data === null) this.sink.end();
      else this.#deliver(segment.data, segment.round);
    }
  }

  #accept(data: Buffer | null, round: number): void {
    this.#segments.push({ due: performance.now() + this.rules.delay[this.direction], round, data });
    this.#held += data?.length ?? 0;
    if (this.#held > capacity) this.source.pause();
    if (this.#timer === null) this.forward();
  }

  #deliver(data: Buffer, round: number): void {
    const { trips } = this.rules;
    if (this.direction === "toServer") trips.atServer(round);
    else trips.atClient(round);
    this.#held -= data.length;
    if (this.#held <= capacity) this.source.resume();

    const end = this.#forwarded + data.length;
    for (let mark = this.#marks[0]; mark !== undefined && mark.at < end; mark = this.#marks[0]) {
      this.#marks.shift();
      const index = mark.at - this.#forwarded;
      if (mark.action !== "corrupt") {
        this.#write(data.subarray(0, index));
        this.onCut(mark.action);
        return;
      }
      data[index] = (data[index] ?? 0) ^ 0xff;
    }
    this.#write(data);
  }

  #write(data: Buffer): void {
    this.#forwarded += data.length;
    this.onForwarded(this.direction, data.length);
    if (data.length > 0) this.sink.write(data);
  }
}
