/** What several hosts are shown on: one thing at a time, and a question that is open keeps no command waiting. */
import type { Sink } from "../../core/sink.ts";
import { Turns } from "../../core/turns.ts";
import type { Desk } from "./view.ts";

/** Bytes that are held while a person is asked. Beyond them output waits, and the commands with it. */
const usualLimit = 8 * 1024 * 1024;

export interface AskingDesk extends Desk {
  /** As `alone`, for what a person takes their time with: lines that come meanwhile are held, and shown when it is over. */
  question<T>(work: () => Promise<T>): Promise<T>;
}

/** @param failed told when what was held cannot be shown: it is no failure of whoever asked */
export const makeDesk = (
  streams: Pick<Desk, "stdout" | "stderr">,
  failed: (thrown: unknown) => void,
  limit = usualLimit,
): AskingDesk => {
  const turns = new Turns(1);
  /** Those that wait for their turn among them. */
  let questions = 0;
  let held: { sink: Sink; chunk: Uint8Array }[] = [];
  let heldBytes = 0;
  /** Lines in line behind a question: none may overtake them. */
  let waiting = 0;

  const alone: Desk["alone"] = async (work) => {
    const over = await turns.take();
    try {
      return await work();
    } finally {
      over();
    }
  };
  const showHeld = async (): Promise<void> => {
    const lines = held;
    held = [];
    heldBytes = 0;
    for (const { sink, chunk } of lines) await sink.write(chunk);
  };
  const inLine = async (sink: Sink, chunk: Uint8Array): Promise<void> => {
    waiting++;
    try {
      await alone(() => sink.write(chunk));
    } finally {
      waiting--;
    }
  };
  const question = async <T>(work: () => Promise<T>): Promise<T> => {
    questions++;
    return await alone(async () => {
      try {
        return await work();
      } finally {
        questions--;
        await showHeld().catch(failed);
      }
    });
  };
  return {
    ...streams,
    alone,
    question,
    line: (sink, chunk) => {
      if (questions === 0 || waiting > 0 || heldBytes + chunk.length > limit) return inLine(sink, chunk);
      held.push({ sink, chunk });
      heldBytes += chunk.length;
      return taken;
    },
  };
};

const taken = Promise.resolve();
