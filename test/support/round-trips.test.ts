import { expect, test } from "bun:test";
import { RoundTrips } from "./round-trips.ts";

/** `c` and `s`: that side sends; `C` and `S`: the oldest data on its way to that side arrives. */
const play = (moves: string, trips = new RoundTrips()): number => {
  const toServer: number[] = [];
  const toClient: number[] = [];
  const moved: Record<string, () => void> = {
    c: () => toServer.push(trips.fromClient()),
    S: () => trips.atServer(toServer.shift() ?? Number.NaN),
    s: () => toClient.push(trips.fromServer()),
    C: () => trips.atClient(toClient.shift() ?? Number.NaN),
    "|": () => trips.reset(),
  };
  for (const move of moves) moved[move]?.();
  return trips.count;
};

test.each([
  ["nothing", "", 0],
  ["a question and its answer", "cSsC", 1],
  ["a question without an answer", "cS", 0],
  ["an answer that has not arrived", "cSs", 0],
  ["what the server says unasked", "sCsC", 0],
  ["questions sent together", "cccSsSsSsCCC", 1],
  ["an answer in pieces", "cSsssCCC", 1],
  ["one after the other", "cSsCcSsCcSsC", 3],
  ["an acknowledgement that nobody answers", "cSsCcScS", 1],
  ["an acknowledgement between the pieces of an answer", "cSssCcCS", 1],
  ["both sides first speak at once", "csSCsC", 1],
  ["what was under way at a reset", "cSsCc|SsC", 0],
  ["what was asked after a reset", "cSsCc|cSsCSsC", 1],
] as const)("%s", (_, moves, count) => {
  expect(play(moves)).toBe(count);
});
