/**
 * Measures ssh-mcp beside what a user would pick instead: `bun run bench [-- --quick]`.
 * Prints one table and writes it to RESULTS.md. Exit status 1 when a row could not be measured, 2 for a wrong command line; a missed budget is a
 * result, not a failure.
 */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { cleanup } from "../test/support/cleanup.ts";
import { readArguments } from "./arguments.ts";
import { describeEnvironment } from "./environment.ts";
import { type Fixture, startFixture } from "./fixture.ts";
import { renderReport } from "./report.ts";
import { type Group, type Row, verdictOf } from "./row.ts";
import { afterIdle, afterSleep } from "./rows/after-idle.ts";
import { coldExec, firstExec, warmExec, warmToolCall } from "./rows/commands.ts";
import { farGet, farPut, largeGet, largePut } from "./rows/large-file.ts";
import { idleMemory } from "./rows/memory.ts";
import { coldRoundTrips, roundTripsAtOnce, warmRoundTrips } from "./rows/round-trips.ts";
import { shellToolCall } from "./rows/shells.ts";
import { changedTree, treeGet, treePut, warmRead } from "./rows/small-files.ts";
import { fastPath, serve, version } from "./rows/start-up.ts";
import { streamDown, streamUp } from "./rows/stream.ts";

const groups: readonly Group[] = [
  warmExec,
  warmToolCall,
  shellToolCall,
  coldExec,
  firstExec,
  warmRoundTrips,
  roundTripsAtOnce,
  afterIdle,
  afterSleep,
  coldRoundTrips,
  fastPath,
  version,
  serve,
  idleMemory,
  streamDown,
  streamUp,
  warmRead,
  largeGet,
  largePut,
  farGet,
  farPut,
  treeGet,
  treePut,
  changedTree,
];

const main = async (words: readonly string[]): Promise<number> => {
  let quick: boolean;
  try {
    ({ quick } = readArguments(words));
  } catch (wrong) {
    process.stderr.write(`bench: ${messageOf(wrong)}\n  try: bun run bench -- --quick\n`);
    return 2;
  }
  try {
    const environment = describeEnvironment();
    const rows = await measureAll(await startFixture(quick));
    const report = renderReport(rows, environment, quick);
    writeFileSync(join(import.meta.dir, "RESULTS.md"), report);
    process.stdout.write(report);
    return rows.some((row) => verdictOf(row) === "failed") ? 1 : 0;
  } catch (failure) {
    process.stderr.write(`bench: ${messageOf(failure)}\n`);
    return 1;
  } finally {
    await cleanup();
  }
};

const measureAll = async (fixture: Fixture): Promise<Row[]> => {
  // A group that could not be prepared says so when its turn comes.
  const prepared = new Map<Group, Promise<void>>();
  for (const group of groups) {
    const preparation = group.prepare?.(fixture) ?? Promise.resolve();
    prepared.set(group, preparation);
    await preparation.catch(() => undefined);
  }
  const rows: Row[] = [];
  for (const group of groups) {
    process.stderr.write(`measuring ${group.what}\n`);
    try {
      await prepared.get(group);
      rows.push(...(await group.measure(fixture)));
    } catch (failure) {
      rows.push({ what: group.what, failure: messageOf(failure) });
    }
  }
  return rows;
};

const messageOf = (thrown: unknown): string => (thrown instanceof Error ? thrown.message : String(thrown));

process.exit(await main(process.argv.slice(2)));
