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
import { cipher, type Fixture, loginShell, startFixture } from "./fixture.ts";
import { type Group, type Row, verdictOf } from "./row.ts";
import { coldExec, warmExec } from "./rows/commands.ts";
import { idleMemory } from "./rows/memory.ts";
import { coldRoundTrips, roundTripsAtOnce, warmRoundTrips } from "./rows/round-trips.ts";
import { serve, version } from "./rows/start-up.ts";
import { stream } from "./rows/stream.ts";
import { renderTable } from "./table.ts";

const groups: readonly Group[] = [
  coldExec,
  warmExec,
  warmRoundTrips,
  roundTripsAtOnce,
  coldRoundTrips,
  serve,
  version,
  idleMemory,
  stream,
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
    const fixture = await startFixture(quick);
    const rows: Row[] = [];
    for (const group of groups) rows.push(...(await measured(group, fixture)));
    const report = renderReport(rows, environment, fixture);
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

const measured = async (group: Group, fixture: Fixture): Promise<Row[]> => {
  process.stderr.write(`measuring ${group.what}\n`);
  try {
    return await group.measure(fixture);
  } catch (failure) {
    return [{ what: group.what, failure: messageOf(failure) }];
  }
};

const messageOf = (thrown: unknown): string => (thrown instanceof Error ? thrown.message : String(thrown));

const renderReport = (rows: readonly Row[], environment: readonly string[], fixture: Fixture): string => {
  const facts = [
    ...environment,
    `server: sshd on 127.0.0.1 with ${cipher} alone; a user whose login shell is ${loginShell}, so that the shell's start hides nothing`,
    `far away: a proxy that delays both ways, ${fixture.roundTripMs} ms a round trip`,
    `mode: ${fixture.quick ? "quick" : "full"}`,
  ];
  return `# Benchmark

Written by \`bun run bench\`. The two sides of a row are measured in turn, A B A B, in one run: trust the ratios; absolute times are this machine's.

${facts.map((fact) => `- ${fact}`).join("\n")}

${renderTable(rows)}

- Figures are medians, then the 95th percentile and the range. Round trips are means, then the range and the median time; the opening of the TCP
  connection is neither delayed nor counted. \`ssh\` and \`ssh-mcp\` read the same ssh_config, known_hosts and key, without an agent.
- Memory is RssAnon of proc(5), in units of 1000. Per connection: what each connection after the first added, each with one command run, at rest.
- Every command of the CLI opens a connection of its own in this release; budgets of the broker's process are not in the table.
`;
};

process.exit(await main(process.argv.slice(2)));
