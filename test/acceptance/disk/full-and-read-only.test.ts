/** A disk that is full, and a home that cannot be written to: what can be done is done, and what is not kept is said. */
import { afterAll, beforeEach, describe, expect, setDefaultTimeout, test } from "bun:test";
import { chmodSync, cpSync, existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { buildOnce } from "../../support/binary.ts";
import { brokersOf, endBrokers } from "../../support/brokers.ts";
import { cleanup } from "../../support/cleanup.ts";
import { mustRun } from "../../support/command.ts";
import { startProgram } from "../../support/program.ts";
import { tempDir } from "../../support/temp.ts";
import { makeUser } from "../../support/users.ts";
import { type Place, startPlace } from "../place.ts";
import { inOwnMounts } from "./mounts.ts";

afterAll(cleanup);
setDefaultTimeout(30_000);

let place: Place;
let home: string;
beforeEach(async () => {
  place = await startPlace();
  home = place.home.path;
});

describe("a full disk", () => {
  const fill = 'head -c 1M /dev/zero >"$SSH_MCP_DIR/ballast" 2>/dev/null || true';
  const mount = (options: string) => `mount -t tmpfs -o mode=700,${options} none "$SSH_MCP_DIR"`;

  test.each([
    ["before the broker started", [fill]],
    ["while it runs", ["$S ls -q", fill]],
  ])("%s: the session works, and the person is told that it is not saved", async (_, before) => {
    const SSH_MCP_DIR = tempDir("dir");
    const { stdout, stderr, status } = await inOwnMounts(
      [
        mount("size=64k"),
        ...before,
        `$S connect --name web ${place.at}`,
        "$S exec web echo in",
        "$S ls -q",
        // Nothing half written lies there.
        'ls -A "$SSH_MCP_DIR/sessions" 2>/dev/null || true',
        "echo over",
        "$S close web",
      ],
      home,
      { SSH_MCP_DIR },
    );
    expect({ status, stderr: stderr.split("\n").length - 1 }).toEqual({ status: 0, stderr: 1 });
    expect(stderr).toMatch(/^ssh-mcp: .*ENOSPC.*\n$/);
    expect(stdout).toMatch(/^opened web: .*\n(.*\n)*in\nweb\nover\nclosed web\n$/);
  });

  test.each(["$S unlend web", `$S connect --private AT`])("%s: agents do not get the session back", async (take) => {
    const SSH_MCP_DIR = tempDir("dir");
    const { stdout, stderr, status } = await inOwnMounts(
      [
        mount("size=64k"),
        `$S connect --name web ${place.at}`,
        fill,
        take.replace("AT", place.at),
        "$S ls --json",
        "$S broker stop",
        "$S ls --json",
      ],
      home,
      { SSH_MCP_DIR },
    );
    expect(status).toBe(0);
    expect(stderr).toMatch(/ENOSPC.*; no record of it is left, and it will be forgotten with the broker\n/);
    const [before = "", after = ""] = stdout.split("\n").filter((line) => line.startsWith('{"sessions"'));
    expect(JSON.parse(before).sessions).toMatchObject([{ name: "web", state: "live", lent: false }]);
    expect(JSON.parse(after).sessions).toEqual([]);
  });

  test("on which nothing at all can be made is as good as one that cannot be written to", async () => {
    const SSH_MCP_DIR = tempDir("dir");
    const { stdout, stderr, status } = await inOwnMounts([mount("nr_inodes=1"), `$S exec ${place.at} echo in`], home, {
      SSH_MCP_DIR,
    });
    expect({ status, stdout }).toEqual({ status: 0, stdout: "in\n" });
    expect(stderr).toMatch(/^ssh-mcp: .*ENOSPC.*\n$/);
    expect(brokersOf(home)).toEqual([]);
  });
});

describe("a home that cannot be written to", () => {
  const readOnly = ['mount --bind "$HOME" "$HOME"', 'mount -o remount,bind,ro "$HOME"', 'cd "$HOME"'];

  test("runs commands in the process itself, and says so", async () => {
    const { stdout, stderr, status } = await inOwnMounts([...readOnly, `$S exec ${place.at} echo in`], home);
    expect({ status, stdout }).toEqual({ status: 0, stdout: "in\n" });
    expect(stderr).toMatch(/^ssh-mcp: .*EROFS.*\n$/);
    expect(brokersOf(home)).toEqual([]);
    expect(existsSync(join(home, ".ssh-mcp"))).toBe(false);
  });

  test("does not pretend to keep a session", async () => {
    const lines = [...readOnly, `$S connect --json --name web ${place.at}`, "$S ls --json"];
    const { stdout, stderr, status } = await inOwnMounts(lines, home);
    expect(status).toBe(0);
    expect(stdout).toMatch(/^\{"name":"web".*\}\n\{"sessions":\[\],"calls":null,"pending":\[\]\}\n$/);
    expect(stderr).toContain("the session ends with this command");
  });

  test("still has the sessions that were saved before", async () => {
    mkdirSync(join(home, ".ssh-mcp"), { mode: 0o700 });
    expect((await place.run(["connect", "--name", "web", place.at])).status).toBe(0);
    await endBrokers(home);
    const lines = [...readOnly, "$S ls -q", "$S exec web echo in"];
    const { stdout, status } = await inOwnMounts(lines, home);
    expect({ status, stdout }).toEqual({ status: 0, stdout: "web\nin\n" });
    expect(brokersOf(home)).toEqual([]);
  });

  test("serves a model as well", async () => {
    const request = (id: number, method: string, params: object) =>
      JSON.stringify({ jsonrpc: "2.0", id, method, params });
    const clientInfo = { name: "agent", version: "1" };
    const hello = request(0, "initialize", { protocolVersion: "2025-11-25", capabilities: {}, clientInfo });
    const call = request(1, "tools/call", { name: "ssh_exec", arguments: { target: place.at, command: "echo in" } });
    const answers = join(tempDir("answers"), "answers");
    const lines = [
      ...readOnly,
      `{ echo '${hello}'; echo '${call}'; until grep -q '"id":1' ${answers}; do sleep 0.05; done; } | $S serve >${answers}`,
      `cat ${answers}`,
    ];
    const { stdout, status } = await inOwnMounts(lines, home);
    expect(status).toBe(0);
    expect(stdout).toContain('"stdout":"in\\n"');
    expect(brokersOf(home)).toEqual([]);
  });

  test("because its owner took that right away is no other case", async () => {
    const user = await makeUser({ shell: "/bin/sh" });
    cpSync(join(home, ".ssh"), join(user.home, ".ssh"), { recursive: true });
    await mustRun(["chown", "-R", `${user.uid}:${user.uid}`, join(user.home, ".ssh")]);
    chmodSync(user.home, 0o500);
    const identity = [`--reuid=${user.uid}`, `--regid=${user.uid}`, "--clear-groups"];
    const argv = ["setpriv", ...identity, "--", buildOnce(), "exec", place.at, "echo in"];
    const { stdout, stderr, status } = await startProgram(argv, { home: user.home }).exit();
    expect({ status, stdout }).toEqual({ status: 0, stdout: "in\n" });
    expect(stderr).toMatch(/^ssh-mcp: .*EACCES.*\n$/);
  });
});
