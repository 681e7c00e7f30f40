/** `ssh-mcp broker run` as a process. */
import { afterAll, describe, expect, test } from "bun:test";
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  writeFileSync,
} from "node:fs";
import { join, resolve } from "node:path";
import { BrokerClient } from "../../../src/broker/client/client.ts";
import type { BrokerStatus } from "../../../src/broker/wire/protocol.ts";
import { connectSocket } from "../../../src/broker/wire/socket-transport.ts";
import { type BrokerPlace, brokerPlace } from "../../../src/files/broker-place.ts";
import { machinePlace } from "../../../src/files/machine.ts";
import { cleanup } from "../../support/cleanup.ts";
import { cleanEnv } from "../../support/command.ts";
import { type ProgramOutcome, type RunningProgram, startProgram } from "../../support/program.ts";
import { tempDir } from "../../support/temp.ts";
import { startProgramInTerminal } from "../../support/terminal.ts";
import { waitFor } from "../../support/wait.ts";
import { recordOf } from "../records.ts";

afterAll(cleanup);

const argv = [process.execPath, resolve(import.meta.dir, "../../../src/main.ts"), "broker", "run"];

interface Home {
  home: string;
  place: BrokerPlace;
}

const newHome = (): Home => {
  const home = tempDir("home");
  return { home, place: brokerPlace({ HOME: home }) };
};

const run = ({ home }: Home, env: Readonly<Record<string, string>> = {}): RunningProgram =>
  startProgram(argv, { home, env });

const started = async (home: Home): Promise<RunningProgram> => {
  const broker = run(home);
  await broker.waitForStdout('{"ready":true}\n');
  return broker;
};

const status = async ({ place }: Home): Promise<BrokerStatus> => {
  const client = new BrokerClient(await connectSocket(place.socket), { place: machinePlace() });
  try {
    return await client.status();
  } finally {
    client.close();
  }
};

const mode = (path: string): number => lstatSync(path).mode & 0o777;
const logOf = ({ place }: Home): string => readFileSync(place.log, "utf8");

/** Its one line, when it could not begin. */
const refusalOf = ({ status: exit, stdout, stderr }: ProgramOutcome): Record<string, unknown> => {
  expect(exit).toBe(1);
  expect(stdout.endsWith("\n")).toBe(true);
  const { error } = JSON.parse(stdout);
  // A person who typed it reads it as any other error.
  expect(stderr).toBe(
    `ssh-mcp: ${error.message} [${error.code}]\n${error.hint === null ? "" : `  try: ${error.hint}\n`}`,
  );
  return error;
};

describe("a broker that begins", () => {
  test("says so in one line, lets go of the pipe, and lives in a place that is ours alone", async () => {
    const home = newHome();
    const { place } = home;
    const broker = await started(home);
    expect(broker.stdout()).toBe('{"ready":true}\n');
    expect(await status(home)).toMatchObject({ pid: broker.pid, socket: place.socket, sessions: 0, clients: 1 });
    for (const directory of [place.base, join(place.base, "run"), place.run]) expect(mode(directory)).toBe(0o700);
    expect(readdirSync(place.run).sort()).toEqual(["broker.lock", "broker.log", "broker.sock"]);
    for (const name of readdirSync(place.run)) expect(mode(join(place.run, name))).toBe(0o600);
    expect(readlinkSync(`/proc/${broker.pid}/cwd`)).toBe("/");
    expect(readlinkSync(`/proc/${broker.pid}/fd/1`)).toBe("/dev/null");
    expect(logOf(home)).toMatch(/serves, release \d/);
    broker.signal("SIGTERM");
    expect(await broker.exit()).toMatchObject({ status: 0, stderr: "" });
    expect(readdirSync(place.run).sort()).toEqual(["broker.lock", "broker.log"]);
  });

  test("where one is already is ready, and not needed: also when that one hangs", async () => {
    const home = newHome();
    const first = await started(home);
    expect(await run(home).exit()).toMatchObject({ status: 0, stdout: '{"ready":true}\n' });
    first.signal("SIGSTOP");
    expect(await run(home).exit()).toMatchObject({ status: 0, stdout: '{"ready":true}\n' });
    first.signal("SIGCONT");
    expect(await status(home)).toMatchObject({ pid: first.pid });
  });

  test("by many at once is one", async () => {
    const home = newHome();
    const all = Array.from({ length: 8 }, () => run(home));
    await Promise.all(all.map((broker) => broker.waitForStdout('{"ready":true}\n')));
    const { pid } = await status(home);
    const losers = all.filter((broker) => broker.pid !== pid);
    expect(losers.length).toBe(7);
    for (const loser of losers) expect(await loser.exit()).toMatchObject({ status: 0 });
  }, 60_000);

  test("after one that was killed takes over its socket", async () => {
    const home = newHome();
    const first = await started(home);
    first.signal("SIGKILL");
    await first.stop();
    expect(lstatSync(home.place.socket).isSocket()).toBe(true);
    const second = await started(home);
    expect(await status(home)).toMatchObject({ pid: second.pid });
  });

  test("goes on when nobody reads its line", async () => {
    const home = newHome();
    const broker = startProgram(["/bin/sh", "-c", '"$@" | true', "sh", ...argv], { home: home.home });
    await waitFor(() => existsSync(home.place.socket), { what: "its socket" });
    expect(await status(home)).toMatchObject({ clients: 1 });
    await broker.stop();
  });

  test("knows the sessions of the one before, and says what became of files that are none", async () => {
    const home = newHome();
    const sessions = join(home.place.base, "sessions");
    mkdirSync(sessions, { recursive: true, mode: 0o700 });
    chmodSync(home.place.base, 0o700);
    for (const name of ["web1", "web2"]) writeFileSync(join(sessions, `${name}.json`), JSON.stringify(recordOf(name)));
    writeFileSync(join(sessions, "torn.json"), '{"version":1,"na');
    writeFileSync(join(sessions, "newer.json"), JSON.stringify({ ...recordOf("newer"), version: 2 }));
    await started(home);
    expect(await status(home)).toMatchObject({ sessions: 2, connections: 0 });
    expect(logOf(home)).toMatch(/sessions\/torn\.json was corrupt: .*; it is now torn\.json\.corrupt-/);
    expect(logOf(home)).toContain(
      "sessions/newer.json was written by a later release of ssh-mcp, and is left as it is",
    );
    expect(JSON.parse(readFileSync(join(sessions, "newer.json"), "utf8"))).toMatchObject({ version: 2 });
  });
});

describe("a broker that cannot begin says why", () => {
  test("a directory is where its socket belongs", async () => {
    const home = newHome();
    mkdirSync(home.place.socket, { recursive: true, mode: 0o700 });
    const error = refusalOf(await run(home).exit());
    expect(error).toEqual({
      code: "BROKER_UNAVAILABLE",
      message: `the broker's socket ${home.place.socket} cannot be made: a directory is in its place`,
      hint: `mv ${home.place.socket} ${home.place.socket}.old`,
      retryable: false,
    });
  });

  test("its directory is a file", async () => {
    const home = newHome();
    writeFileSync(home.place.base, "");
    expect(refusalOf(await run(home).exit())).toMatchObject({ code: "BROKER_UNAVAILABLE" });
  });

  test("its settings are wrong", async () => {
    const home = newHome();
    mkdirSync(home.place.base, { mode: 0o700 });
    writeFileSync(join(home.place.base, "config.toml"), "[limits]\nsessions = 0\n");
    expect(refusalOf(await run(home).exit())).toMatchObject({ code: "CONFIG_INVALID" });
    // Nothing of it stays in the way of the next one.
    writeFileSync(join(home.place.base, "config.toml"), "[limits]\nsessions = 1\n");
    await started(home);
  });

  test("SSH_MCP_DIR is a relative path", async () => {
    const home = newHome();
    const error = refusalOf(await run(home, { SSH_MCP_DIR: "here" }).exit());
    expect(error).toMatchObject({ code: "INVALID_INPUT", hint: 'export SSH_MCP_DIR="$HOME/.ssh-mcp"' });
  });
});

describe("in a terminal", () => {
  test("it runs in the foreground until Ctrl-C", async () => {
    const home = newHome();
    const terminal = startProgramInTerminal(argv, { home: home.home });
    await terminal.waitFor('{"ready":true}');
    expect(await status(home)).toMatchObject({ clients: 1 });
    terminal.type("\x03");
    expect(await terminal.exit()).toBe(0);
    expect(existsSync(home.place.socket)).toBe(false);
  });
});

describe("its environment", () => {
  test("says where it is, and nothing else is needed", async () => {
    const base = join(tempDir("base"), "deep");
    mkdirSync(base, { mode: 0o700 });
    const place = brokerPlace({ SSH_MCP_DIR: base });
    const child = Bun.spawn(["/usr/bin/env", "-i", `SSH_MCP_DIR=${base}`, ...argv], { stdout: "pipe", env: cleanEnv });
    for await (const line of child.stdout) {
      expect(new TextDecoder().decode(line)).toBe('{"ready":true}\n');
      break;
    }
    expect(await status({ home: base, place })).toMatchObject({ socket: place.socket });
    child.kill("SIGTERM");
    expect(await child.exited).toBe(0);
  });
});
