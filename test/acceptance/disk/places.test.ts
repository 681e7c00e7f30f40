/** Where the broker's directory and socket may lie, and what may lie there already. */
import { afterAll, beforeEach, describe, expect, setDefaultTimeout, test } from "bun:test";
import {
  chmodSync,
  chownSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import type { Socket } from "node:net";
import { dirname, join } from "node:path";
import { brokerOf, brokersOf, endBrokers } from "../../support/brokers.ts";
import { cleanup } from "../../support/cleanup.ts";
import { mustRun } from "../../support/command.ts";
import { tempDir } from "../../support/temp.ts";
import { crash, documentOf, type Place, startPlace } from "../place.ts";
import { listenAt } from "../planted.ts";

afterAll(cleanup);
setDefaultTimeout(30_000);

let place: Place;
let base: string;
beforeEach(async () => {
  place = await startPlace();
  base = join(place.home.path, ".ssh-mcp");
});

const works = async (env: Record<string, string> = {}) =>
  expect(await place.run(["exec", place.at, "echo in"], { env })).toMatchObject({
    status: 0,
    stdout: "in\n",
    stderr: "",
  });

const socketOf = async (env: Record<string, string> = {}): Promise<string> =>
  String((await place.document(["broker", "status", "--json"], { env }))["socket"]);

/** Refused in one line that names the culprit, with a command to type, and no broker was started. */
const refused = async (culprit: string, env: Record<string, string> = {}) => {
  const { status, stdout, stderr } = await place.run(["exec", place.at, "echo in"], { env });
  expect({ status, stdout }).toEqual({ status: 255, stdout: "" });
  expect(stderr).toMatch(/^ssh-mcp: .* \[BROKER_UNAVAILABLE\]\n {2}try: .*\n$/);
  expect(stderr).toContain(culprit);
  expect(brokersOf(place.home.path)).toEqual([]);
};

describe("the directory", () => {
  test("is ~/.ssh-mcp, and nobody else can look into any part of it", async () => {
    await works();
    const socket = await socketOf();
    expect(socket).toMatch(new RegExp(`^${base}/run/[0-9a-f]{8}/broker\\.sock$`));
    const run = dirname(socket);
    const directories = [base, dirname(run), run, join(base, "sessions")];
    expect(directories.map((path) => statSync(path).mode & 0o777)).toEqual(directories.map(() => 0o700));
    const files = readdirSync(run).map((file) => join(run, file));
    expect(files).toContain(socket);
    expect(files.filter((path) => (statSync(path).mode & 0o777) !== 0o600)).toEqual([]);
  });

  test("is SSH_MCP_DIR where that is set, and its sessions are its own", async () => {
    const other = join(tempDir("dir"), "made for it");
    await works({ SSH_MCP_DIR: other });
    expect(await socketOf({ SSH_MCP_DIR: other })).toStartWith(`${other}/run/`);
    expect(existsSync(base)).toBe(false);
    expect(await place.sessions()).toEqual([]);
    expect((await place.document(["ls", "--json"], { env: { SSH_MCP_DIR: other } }))["sessions"]).toHaveLength(1);
    await endBrokers(other);
  });

  test("is not taken from a relative SSH_MCP_DIR", async () => {
    const outcome = await place.run(["ls"], { env: { SSH_MCP_DIR: "here" } });
    expect(outcome).toMatchObject({ status: 2, stdout: "" });
    expect(outcome.stderr).toContain("[INVALID_INPUT]");
    expect(existsSync(join(place.home.path, "here"))).toBe(false);
  });

  test("with a path too long for a socket has it in /tmp/ssh-mcp-UID, and takes it away", async () => {
    const deep = join(place.home.path, "d".repeat(100));
    await works({ SSH_MCP_DIR: deep });
    const socket = await socketOf({ SSH_MCP_DIR: deep });
    expect(socket).toMatch(/^\/tmp\/ssh-mcp-0\/[0-9a-f]{16}\.sock$/);
    expect(statSync(dirname(socket)).mode & 0o777).toBe(0o700);
    // The same directory by another name is the same broker's.
    const broker = brokerOf(place.home.path);
    const same = await place.document(["broker", "status", "--json"], {
      env: { SSH_MCP_DIR: join(place.home.path, "x/..", "d".repeat(100)) },
    });
    expect(same["pid"]).toBe(broker);
    expect((await place.run(["broker", "stop"], { env: { SSH_MCP_DIR: deep } })).status).toBe(0);
    expect(existsSync(socket)).toBe(false);
  });
});

describe("what lies in the way", () => {
  test("a link instead of the directory is not followed", async () => {
    const target = tempDir("target");
    symlinkSync(target, base);
    await refused(base);
    expect(readdirSync(target)).toEqual([]);
  });

  test("a link instead of the run directory is not followed", async () => {
    const target = tempDir("target");
    mkdirSync(base, { mode: 0o700 });
    symlinkSync(target, join(base, "run"));
    await refused(join(base, "run"));
    expect(readdirSync(target)).toEqual([]);
  });

  test("a file, or a directory of another user, is not used", async () => {
    writeFileSync(base, "");
    await refused(base);
    rmSync(base);
    mkdirSync(base, { mode: 0o700 });
    chownSync(base, 65534, 65534);
    await refused(base);
  });

  test("a directory that others can write to is not used, unless it is ours to narrow", async () => {
    const other = join(tempDir("dir"), "open");
    mkdirSync(other);
    writeFileSync(join(other, "something else"), "");
    chmodSync(other, 0o777);
    chmodSync(dirname(other), 0o755);
    await refused(other, { SSH_MCP_DIR: other });
    expect(statSync(other).mode & 0o777).toBe(0o777);
  });

  test("a socket that nobody listens on any more is replaced", async () => {
    await works();
    const socket = await socketOf();
    await crash(place.home.path);
    expect(existsSync(socket)).toBe(true);
    await works();
    expect(await socketOf()).toBe(socket);
  });

  test.each([
    ["a file", (path: string) => writeFileSync(path, "")],
    ["a link to somebody's socket", (path: string) => symlinkSync(`${path}.other`, path)],
    ["a directory", (path: string) => mkdirSync(path)],
  ])("%s instead of the socket is neither used nor removed, and the hint puts it aside", async (_, plant) => {
    await works();
    const socket = await socketOf();
    await endBrokers(place.home.path);
    plant(socket);
    await refused(socket);
    const { stderr } = await place.run(["ls"]);
    await mustRun(["sh", "-c", stderr.split("\n  try: ").at(-1) ?? "false"]);
    await works();
    expect(lstatSync(socket).isSocket()).toBe(true);
  });

  test.each([
    ["says what no broker says", (socket: Socket) => void socket.write("HTTP/1.1 400 Bad Request\r\n\r\n")],
    ["hangs up", (socket: Socket) => void socket.destroy()],
  ])("a socket on which something else listens, and %s, is an error at once", async (_, behave) => {
    await works();
    const socket = await socketOf();
    await endBrokers(place.home.path);
    await listenAt(socket, behave);
    const { status, stdout, stderr } = await place.run(["exec", place.at, "echo in"], { timeout: 5000 });
    expect({ status, stdout }).toEqual({ status: 255, stdout: "" });
    expect(stderr).toMatch(/^ssh-mcp: .* \[(BROKER_UNAVAILABLE|OUTCOME_UNKNOWN)\]\n {2}try: .*\n$/);
  });
});

test("broker status starts nothing and makes nothing", async () => {
  const outcome = await place.run(["broker", "status", "--json"]);
  expect(outcome.status).toBe(1);
  expect(documentOf(outcome)).toMatchObject({ running: false });
  expect(existsSync(base)).toBe(false);
  expect(brokersOf(place.home.path)).toEqual([]);
});
