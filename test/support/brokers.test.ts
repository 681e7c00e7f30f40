import { afterAll, expect, test } from "bun:test";
import { run } from "./binary.ts";
import { brokerOf, brokersOf, endBrokers, endBrokersAtCleanup, startedBy } from "./brokers.ts";
import { cleanup } from "./cleanup.ts";
import { isAlive } from "./processes.ts";
import { startProgram } from "./program.ts";
import { tempDir } from "./temp.ts";
import { waitFor } from "./wait.ts";

afterAll(cleanup);

/** A shell's words for what looks like a broker to whoever reads its command line. */
const likeBroker = "perl -e 'sleep 600' broker run";

/** One that has left the process that started it. */
const startLikeBroker = async (home: string, env: Record<string, string> = {}): Promise<number> => {
  const starter = startProgram(["sh", "-c", `${likeBroker} & echo $!`], { home, env });
  return Number(await starter.waitForStdout(/^\d+\n/));
};

test("are found by their HOME or SSH_MCP_DIR alone, and ended", async () => {
  const [home, other, directory] = [tempDir("home"), tempDir("home"), tempDir("dir")];
  const ours = await startLikeBroker(home, { SSH_MCP_DIR: directory });
  const theirs = await startLikeBroker(other);
  await waitFor(() => brokersOf(home).length + brokersOf(other).length === 2, { what: "both to be what they are" });
  expect([brokersOf(home), brokersOf(directory), brokersOf(other)]).toEqual([[ours], [ours], [theirs]]);
  expect(brokerOf(home)).toBe(ours);
  await endBrokers(directory);
  expect([ours, theirs].map(isAlive)).toEqual([false, true]);
  expect(() => brokerOf(home)).toThrow(`${home} has no broker`);
  const second = await startLikeBroker(other);
  await waitFor(() => brokersOf(other).length === 2, { what: "the second" });
  expect(() => brokerOf(other)).toThrow(/has brokers \d+, \d+$/);
  await endBrokers(other);
  expect([theirs, second].map(isAlive)).toEqual([false, false]);
});

test("live on after the program that started them was stopped, until cleanup", async () => {
  const home = tempDir("home");
  const program = startProgram(["sh", "-c", `${likeBroker} & sleep 601 & echo ready; wait`], { home });
  await program.waitForStdout("ready");
  const broker = await waitFor(() => brokersOf(home)[0], { what: "the broker" });
  expect(startedBy(program.pid)).not.toContain(broker);
  await program.stop();
  expect([program.pid, broker].map(isAlive)).toEqual([false, true]);
  endBrokersAtCleanup(home);
  await cleanup();
  expect(isAlive(broker)).toBe(false);
});

test("one that the compiled binary started is gone after cleanup", async () => {
  const home = tempDir("home");
  expect((await run(["ls"], { home })).status).toBe(0);
  const broker = brokerOf(home);
  await cleanup();
  expect(isAlive(broker)).toBe(false);
});
