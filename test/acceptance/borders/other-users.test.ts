/** Another user of the machine: cannot reach a broker that is not theirs, and cannot put one in somebody's way. */
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { chmodSync, chownSync, mkdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { buildOnce } from "../../support/binary.ts";
import { brokersOf } from "../../support/brokers.ts";
import { cleanup, onCleanup } from "../../support/cleanup.ts";
import { type CommandOutcome, mustRun, runCommand } from "../../support/command.ts";
import { startProgram } from "../../support/program.ts";
import { makeUser, type TemporaryUser } from "../../support/users.ts";
import { type Place, startPlace } from "../place.ts";

afterAll(cleanup);
setDefaultTimeout(30_000);

let place: Place;
let socket: string;
let other: TemporaryUser;
beforeAll(async () => {
  [place, other] = [await startPlace(), await makeUser({ shell: "/bin/sh" })];
  await place.run(["connect", "--name", "web", place.at]);
  socket = String((await place.document(["broker", "status", "--json"]))["socket"]);
  // The home itself is open, as many are: what protects is the directory in it.
  chmodSync(place.home.path, 0o755);
});

const as = (user: TemporaryUser, ...argv: string[]): string[] => [
  ...["setpriv", `--reuid=${user.uid}`, `--regid=${user.uid}`, "--clear-groups", "--", ...argv],
];

/** The compiled binary run by the other user. */
const runAs = async (user: TemporaryUser, args: readonly string[], env: Record<string, string>) => {
  const program = startProgram(as(user, buildOnce(), ...args), { home: user.home, env });
  await program.end();
  return program.exit();
};

/** Connects to a unix socket, and says how that went. */
const reach = (user: TemporaryUser, path: string): Promise<CommandOutcome> =>
  runCommand(
    as(
      user,
      "perl",
      "-MSocket",
      "-e",
      `
      socket(my $s, AF_UNIX, SOCK_STREAM, 0) or die;
      print connect($s, pack_sockaddr_un($ARGV[0])) ? "connected" : $! + 0;`,
      path,
    ),
  );

/** As in errno(3). */
const eacces = "13";

describe("another user", () => {
  test("gets a clear error with somebody's HOME or SSH_MCP_DIR, and nothing of their sessions", async () => {
    const base = join(place.home.path, ".ssh-mcp");
    for (const env of [{ HOME: place.home.path }, { SSH_MCP_DIR: base }]) {
      for (const args of [["ls"], ["exec", "web", "id"], ["broker", "stop"], ["broker", "restart"]]) {
        const { status, stdout, stderr } = await runAs(other, args, env);
        expect({ args, stdout, failed: status !== 0 }).toEqual({ args, stdout: "", failed: true });
        expect(stderr).toMatch(/\[BROKER_UNAVAILABLE\]\n {2}try: .*\n$/);
        expect(stderr).toContain(base);
      }
    }
    expect(await place.sessions()).toMatchObject([{ name: "web", state: "live" }]);
  });

  test("cannot connect to the socket, nor when one of its directories is open by mistake", async () => {
    expect((await reach(other, socket)).stdout).toBe(eacces);
    const directories = [join(place.home.path, ".ssh-mcp"), join(place.home.path, ".ssh-mcp/run"), join(socket, "..")];
    for (const path of directories) chmodSync(path, 0o755);
    // 0600 on the socket itself is enough: connecting takes the right to write to it, unix(7).
    expect(statSync(socket).mode & 0o777).toBe(0o600);
    expect((await reach(other, socket)).stdout).toBe(eacces);
    for (const path of directories) chmodSync(path, 0o700);
  });

  test("is not served either when everything was opened to everybody, and the owner is told how to close it", async () => {
    const base = join(place.home.path, ".ssh-mcp");
    await mustRun(["chmod", "-R", "777", base]);
    // Connects, and waits until it is closed.
    const talk =
      "use Socket; socket(S, AF_UNIX, SOCK_STREAM, 0); connect(S, pack_sockaddr_un($ARGV[0])) or die; print <S>";
    for (let times = 0; times < 2; times++) expect(await mustRun(as(other, "perl", "-e", talk, socket))).toBe("");
    const log = readFileSync(join(socket, "../broker.log"), "utf8");
    expect(log.split(`another user (uid ${other.uid})`)).toHaveLength(2);

    const { status, stderr } = await place.run(["broker", "stop"]);
    expect(status).toBe(1);
    const [, hint = ""] = /\[BROKER_UNAVAILABLE\]\n {2}try: (.*)\n$/.exec(stderr) ?? [];
    expect(hint).toBe(`chmod -R go-rwx ${base}`);
    await mustRun(["sh", "-c", hint]);
    expect(await place.run(["exec", "web", "echo in"])).toMatchObject({ status: 0, stdout: "in\n", stderr: "" });
  });

  test("cannot make somebody use their directory", async () => {
    const trap = join(other.home, "trap");
    mkdirSync(trap, { mode: 0o700 });
    chownSync(trap, other.uid, other.uid);
    const { status, stderr } = await place.run(["ls"], { env: { SSH_MCP_DIR: trap } });
    expect(status).not.toBe(0);
    expect(stderr).toContain(`${trap} belongs to another user`);
  });

  test("who owns /tmp/ssh-mcp-UID of somebody is not believed", async () => {
    const directory = `/tmp/ssh-mcp-${other.uid}`;
    // Ours, where the other one's socket would lie.
    mkdirSync(directory, { mode: 0o777 });
    onCleanup(() => rmSync(directory, { recursive: true, force: true }));
    chmodSync(directory, 0o777);
    const deep = join(other.home, "d".repeat(100));
    const { status, stderr } = await runAs(other, ["ls"], { SSH_MCP_DIR: deep });
    expect(status).not.toBe(0);
    expect(stderr).toContain(`${directory} belongs to another user`);
    expect(brokersOf(other.home)).toEqual([]);
  });

  test("has a broker of their own, at the same time", async () => {
    expect(await runAs(other, ["ls", "--json"], {})).toMatchObject({
      status: 0,
      stdout: '{"sessions":[],"calls":null,"pending":[]}\n',
    });
    expect(brokersOf(other.home)).toHaveLength(1);
    expect((await reach(other, socket)).stdout).toBe(eacces);
  });
});
