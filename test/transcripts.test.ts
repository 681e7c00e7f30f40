/**
 * Runs the transcripts in test/scripts: what a person types, and what the compiled binary shows.
 *
 *     # What this promises, in words.
 *     # fixture: sshd
 *
 *     $ ssh-mcp exec {destination} 'echo out; echo err >&2; exit 3'
 *     out
 *     ! err
 *     [exit 3]
 *
 * A line `$ …` is run by /bin/sh in a fresh HOME, without a terminal and with its input at the end; the lines after it,
 * up to an empty line, a comment or the next command, are its standard output, then its standard error with `! `
 * before each line, then `[exit N]` unless it was 0, or `[exit SIGNAL]`. Output that would look like any of these,
 * and an empty line, has `\ ` before it; control characters are written `\x1b`; `(no newline)` ends output without one.
 *
 * Fixtures: `none` (the default), `sshd`, `dropbear`, `closed-port`, `scripted:NAME` (test/support/behaviours.ts),
 * `raw:NAME` (test/support/raw-server.ts). With a fixture HOME holds a key that real servers accept and a known_hosts that has
 * the server's own; `$ rm .ssh/known_hosts` and the like change that.
 *
 * Names for values, in commands and in output: {host} {port} {user} {destination} {home} {version}, {fingerprint} of the host
 * key, {key} for the fingerprint of the user's. In output also {*} for anything within a line, {/regular expression/}, and a
 * line {...} for any number of lines. All other braces are themselves.
 *
 * `UPDATE_TRANSCRIPTS=1 bun test test/transcripts.test.ts` writes down what is shown now, and keeps every line that
 * still matches as it stands. A command without its expectation fails.
 */
import { afterAll, expect, test } from "bun:test";
import { readdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { release } from "../src/core/version.ts";
import { buildOnce } from "./support/binary.ts";
import { endBrokers } from "./support/brokers.ts";
import { cleanup } from "./support/cleanup.ts";
import { cleanEnv } from "./support/command.ts";
import { startProgram } from "./support/program.ts";
import { tempDir } from "./support/temp.ts";
import { header, replay, type Shown } from "./support/transcript.ts";
import { startFixture } from "./support/transcript-fixtures.ts";

afterAll(cleanup);

const folder = join(import.meta.dir, "scripts");
const scripts = readdirSync(folder).filter((file) => file.endsWith(".txt"));

test.each(scripts)("%s", async (file) => {
  const path = join(folder, file);
  const text = readFileSync(path, "utf8");
  expect(text).toMatch(/^\$ /m);
  const home = tempDir("home");
  const names = await startFixture(header(text, "fixture") ?? "none", home);
  const actual = await replay(text, { ...names, version: release }, (command) => runLine(command, home));
  // Every script has a home of its own, and so a broker: sixty of them at once would be felt.
  await endBrokers(home);
  if (process.env["UPDATE_TRANSCRIPTS"] === "1") writeFileSync(path, actual);
  else expect(actual).toBe(text);
});

const runLine = async (command: string, home: string): Promise<Shown> => {
  const env = { PATH: `${binaryFolder()}:${cleanEnv.PATH}` };
  const shell = startProgram(["/bin/sh", "-c", command], { home, env });
  await shell.end();
  const { status, signal, stdout, stderr } = await shell.exit();
  return { status: status ?? String(signal), stdout, stderr };
};

let binaries: string | null = null;

/** A folder that holds the binary under its own name, and nothing else. */
const binaryFolder = (): string => {
  if (binaries === null) {
    binaries = tempDir("bin");
    symlinkSync(buildOnce(), join(binaries, "ssh-mcp"));
  }
  return binaries;
};
