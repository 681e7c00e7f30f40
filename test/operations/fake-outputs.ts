/** Kept outputs that remember what they were asked, for an operation that runs alone. */
import type { OutputPage, OutputRequest, Outputs } from "../../src/core/outputs.ts";

export const page: OutputPage = {
  outputId: "o1",
  stream: "stdout",
  encoding: "utf-8",
  content: "one\n",
  binary: false,
  offset: 0,
  line: 1,
  nextOffset: 4,
  more: true,
  bytes: 8,
  lines: 2,
  keptFrom: 0,
  beginMissing: false,
  matches: null,
  running: false,
};

export class FakeOutputs implements Outputs {
  readonly reads: OutputRequest[] = [];
  readonly sessions: string[] = [];

  async read(request: OutputRequest): Promise<OutputPage> {
    this.reads.push(request);
    return page;
  }

  last(session: string): string | null {
    return this.sessions.includes(session) ? "o1" : null;
  }

  ranOn(session: string): void {
    this.sessions.push(session);
  }
}
