/**
 * Counts round trips as the longest chain of causes, not as packets: data of the client belongs to round n when the
 * client had n - 1 answers at the time it sent it, an answer belongs to the newest round the server had heard of, and
 * round n is complete when the first data of that round reaches the client. So requests sent together share a round,
 * however they are split or merged on the way, data the server sends unasked is none, and acknowledgements that
 * nobody answers add nothing. Under a delay both ways longer than either side needs to answer, the count is the time
 * that passed, divided by the round-trip time. Where a side needs longer (a shell on a busy machine takes 200 ms to
 * start), its late answer may have met data it did not need, and the count is too high: never too low. So count
 * against a server that answers at once, such as the scripted one, or with a client that sends nothing meanwhile.
 */
export class RoundTrips {
  count = 0;
  #client = 0;
  #server = 0;

  /** The client sent data. @returns the round, to be given to `atServer` when it arrives */
  fromClient(): number {
    return this.#client + 1;
  }

  atServer(round: number): void {
    this.#server = Math.max(this.#server, round);
  }

  /** The server sent data. @returns the round, to be given to `atClient` when it arrives */
  fromServer(): number {
    return this.#server;
  }

  atClient(round: number): void {
    if (round <= this.#client) return;
    this.#client = round;
    this.count++;
  }

  /** Starts again at zero; the answer to what is under way is not counted. */
  reset(): void {
    this.count = 0;
    this.#client++;
  }
}
