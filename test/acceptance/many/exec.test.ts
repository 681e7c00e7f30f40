/** `exec` on several hosts, through the compiled binary and against real servers: what is shown, what fails, what is said of it. */
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { mkdirSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { buildOnce, start } from "../../support/binary.ts";
import { cleanup } from "../../support/cleanup.ts";
import { runCommand } from "../../support/command.ts";
import { tempDir } from "../../support/temp.ts";
import { waitFor } from "../../support/wait.ts";
import { type Hosts, makeHosts } from "./hosts.ts";

afterAll(cleanup);
setDefaultTimeout(60_000);

let hosts: Hosts;
beforeAll(async () => {
  hosts = await makeHosts();
});

const recordsIn = (stdout: string) =>
  stdout
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as Record<string, unknown> & { target: string });

test("a block for each, once, however often it is named", async () => {
  const { status, stdout, stderr } = await hosts.type(["exec", "web2,@web,web1,", "--", "printf", "hello"]);
  expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
  const blocks = stdout.split(/^(?===>)/m).sort();
  expect(blocks).toEqual(["==> web1 <==\nhello\n", "==> web2 <==\nhello\n", "==> web3 <==\nhello\n"]);
});

test("one target is several as well where a list or a group says so", async () => {
  for (const target of ["web1,", "@one"]) {
    expect(await hosts.type(["exec", target, "exit 3"])).toMatchObject({
      status: 5,
      stdout: "==> web1: exit status 3 <==\n",
      stderr: "ssh-mcp: 1 of 1 host failed\n  exit status 3: web1\n",
    });
  }
});

test("nothing is sent for a list with a gap, an unknown group or an empty one", async () => {
  for (const [target, status, code] of [
    ["web1,,web2", 1, "USAGE"],
    [",", 1, "USAGE"],
    ["@nobody", 1, "NOT_FOUND"],
    ["web1,@nobody", 1, "NOT_FOUND"],
    ["@none", 1, "NOT_FOUND"],
  ] as const) {
    const outcome = await hosts.type(["exec", target, "echo", "ran"]);
    expect(outcome.stdout).toBe("");
    expect(outcome.stderr).toContain(`[${code}]`);
    expect(outcome.status).toBe(code === "USAGE" ? 2 : status);
  }
  expect((await hosts.type(["exec", "--parallel", "0", "@web", "id"])).status).toBe(2);
  expect((await hosts.type(["exec", "--fold", "--json", "@web", "id"])).status).toBe(2);
});

test("a host that fails, hangs or needs a person keeps nobody waiting, and each is said by what it is", async () => {
  const words = ["exec", "--batch", "--connect-timeout", "4", "silent,web1,dead,strange,locked,web2,nowhere.invalid"];
  const { status, stdout, stderr } = await hosts.type([...words, "echo", "here"]);
  expect(status).toBe(4);
  expect(stdout.split(/^(?===>)/m).sort()).toEqual(["==> web1 <==\nhere\n", "==> web2 <==\nhere\n"]);
  expect(stderr).toContain("ssh-mcp: 5 of 7 hosts failed\n");
  for (const line of [
    "  CONNECT_TIMEOUT: silent",
    "  CONNECT_REFUSED: dead",
    "  HOST_KEY_UNKNOWN: strange",
    "  AUTH_REQUIRED: locked",
    "  DNS_FAILED: nowhere.invalid",
  ]) {
    expect(stderr).toContain(`${line}\n`);
  }
  expect(stderr).toContain("ssh-mcp: locked: ");
  // What hangs is the last to be told of; the others were shown before it.
  expect(stderr.indexOf("ssh-mcp: silent: ")).toBeGreaterThan(stderr.indexOf("ssh-mcp: dead: "));
});

test("out of time is 3, another status 5, and the worse of them counts", async () => {
  const script = "case $1 in a) sleep 60;; b) exit 7;; esac";
  const line = (one: string): string => `sh -c '${script}' sh ${one}`;
  const timedOut = await hosts.type(["exec", "--timeout", "1", "web1,web2", line("a")]);
  expect(timedOut.status).toBe(3);
  expect(timedOut.stderr).toContain("  TIMEOUT: web1 web2\n");
  expect((await hosts.type(["exec", "web1,web2", line("b")])).status).toBe(5);
});

test("json: a record a line, with the answer or the error, and the target as it was given", async () => {
  const at = `${hosts.sshd.user}@127.0.0.1:${hosts.sshd.port}`;
  hosts.home.trust(hosts.sshd.knownHosts());
  const { status, stdout } = await hosts.type(["exec", "--json", `web1,dead,${at}`, "echo out; echo err >&2; exit 4"]);
  expect(status).toBe(4);
  const records = recordsIn(stdout).sort((a, b) => a.target.localeCompare(b.target));
  const good = { exitCode: 4, outcome: "exited", stdout: "out\n", stderr: "err\n", truncated: false };
  const byTarget = new Map(records.map((record) => [record.target, record]));
  expect([...byTarget.keys()].sort()).toEqual(["dead", at, "web1"].sort());
  expect(byTarget.get("web1")).toMatchObject(good);
  expect(byTarget.get(at)).toMatchObject(good);
  expect(byTarget.get("dead")).toMatchObject({ error: { code: "CONNECT_REFUSED" } });
});

test("fold: the same output together, in the order of the targets, the odd one apart", async () => {
  const script = 'echo same; test "$LANG" = "" || :';
  const folded = await hosts.type(["exec", "--fold", "web3,web1,web2", script]);
  expect(folded).toMatchObject({ status: 0, stdout: "==> web3, web1, web2 (3 hosts) <==\nsame\n", stderr: "" });
  const marker = join(tempDir("odd"), "first");
  // mkdir(1) works for one of them alone.
  const odd = await hosts.type(["exec", "--fold", "@web", `mkdir ${marker} 2>/dev/null && echo odd || echo same`]);
  expect(odd.stdout).toMatch(/\(2 hosts\) <==\nsame\n/);
  expect(odd.stdout).toMatch(/^==> web\d <==\nodd\n/m);
});

test("stderr is a block of stderr, and large output is shown whole", async () => {
  const big = "head -c 3000000 /dev/zero | tr '\\0' x; echo oops >&2";
  const { status, stdout, stderr } = await hosts.type(["exec", "web1,web2", big]);
  expect(status).toBe(0);
  expect(stdout.length).toBe(2 * (3_000_000 + "==> web1 <==\n\n".length));
  expect(stderr.split(/^(?===>)/m).sort()).toEqual(["==> web1 <==\noops\n", "==> web2 <==\noops\n"]);
});

test("outdir: two files a host, whatever its name, and never through a link", async () => {
  const folder = join(tempDir("out"), "new");
  mkdirSync(folder, { mode: 0o700 });
  const precious = join(tempDir("precious"), "file");
  writeFileSync(precious, "precious");
  symlinkSync(precious, join(folder, "web1.out"));
  writeFileSync(join(folder, "dead.out"), "old");
  const hostile = "../../../tmp/evil";
  const { status, stdout } = await hosts.type([
    ...["exec", "--batch", "--outdir", folder, `web1,web2,dead,${hostile},.hidden`],
    "echo out; echo err >&2",
  ]);
  expect(status).toBe(4);
  expect(readFileSync(precious, "utf8")).toBe("precious");
  expect(readFileSync(join(folder, "web1.out"), "utf8")).toBe("out\n");
  expect(readFileSync(join(folder, "web2.err"), "utf8")).toBe("err\n");
  expect(readFileSync(join(folder, "dead.out"), "utf8")).toBe("");
  expect(statSync(join(folder, "web1.out")).mode & 0o777).toBe(0o600);
  expect(
    readdirSync(folder)
      .filter((name) => name.endsWith(".out"))
      .sort(),
  ).toEqual(["%2E.%2F..%2F..%2Ftmp%2Fevil.out", "%2Ehidden.out", "dead.out", "web1.out", "web2.out"].sort());
  expect(stdout).toContain("web1: exit status 0\n");
  expect(stdout).toContain("dead: CONNECT_REFUSED\n");
  const full = await hosts.type(["exec", "--outdir", "/dev/null/x", "web1,", "id"]);
  expect(full.stderr).toContain("[LOCAL_IO]");
});

test("standard input is given whole to each, those that begin late among them", async () => {
  const { stdout } = await hosts.type(["exec", "--parallel", "1", "@web", "cat"], { stdin: "a\nb\n" });
  expect(stdout.split(/^(?===>)/m).sort()).toEqual([
    "==> web1 <==\na\nb\n",
    "==> web2 <==\na\nb\n",
    "==> web3 <==\na\nb\n",
  ]);
  const without = await hosts.type(["exec", "-n", "--fold", "web1,web2", "cat"], { stdin: "a" });
  expect(without).toMatchObject({ status: 0, stdout: "==> web1, web2 (2 hosts) <==\n" });
});

test("fail-fast: the first failure stops what runs, and begins nothing more", async () => {
  const folder = tempDir("fast");
  const line = `cd ${folder}; mkdir lock 2>/dev/null && { while ! test -e go; do sleep 0.1; done; exit 9; }; touch go; sleep 60`;
  const outcome = await hosts.type(["exec", "--fail-fast", "--parallel", "2", "--json", "web1,web2,web3", line]);
  expect(outcome.status).toBe(5);
  const records = recordsIn(outcome.stdout);
  expect(
    records.map(({ exitCode, outcome: how, error }) => exitCode ?? how ?? (error as { code: string }).code).sort(),
  ).toEqual([9, "CANCELED", "canceled"].sort());
  expect(outcome.stderr).toContain("ssh-mcp: 1 of 3 hosts failed\n");
  expect(outcome.stderr).toContain("  not begun: web3\n");
});

test("Ctrl-C stops all of them on their servers", async () => {
  const folder = tempDir("int");
  const running = start(["exec", "@web", `cd ${folder}; echo $$ >$$.pid; sleep 60`], { home: hosts.home.path });
  await running.end();
  const pids = await waitFor(
    () => {
      const files = readdirSync(folder).filter((name) => name.endsWith(".pid"));
      return files.length === 3 ? files.map((name) => Number.parseInt(name, 10)) : null;
    },
    { what: "three commands to run", timeout: 20_000 },
  );
  running.signal("SIGINT");
  expect((await running.exit()).status).toBe(130);
  for (const pid of pids) expect(() => process.kill(pid, 0)).toThrow();
});

test("options say the same for each host as for one alone, and a user in a list is its own host's", async () => {
  const { user, port } = hosts.sshd;
  hosts.home.trust(hosts.sshd.knownHosts("localhost"));
  const own = `${user}@localhost:${port}`;
  const words = ["-l", user, "-p", String(port), "-o", "HostKeyAlias=web1", "--json", `127.0.0.1,${own}`];
  const outcome = await hosts.type(["exec", ...words, "id -un"]);
  expect(outcome.status).toBe(0);
  const targets = recordsIn(outcome.stdout).map(({ target }) => target);
  expect(targets.sort()).toEqual(["127.0.0.1", own]);
});

test("a stdout that takes no more ends all of it", async () => {
  const piped = (script: string) => runCommand(["bash", "-c", script, buildOnce()], { env: { HOME: hosts.home.path } });
  const full = await piped('"$0" exec @web echo x >/dev/full');
  expect(full.status).toBe(1);
  expect(full.stderr).toContain("standard output cannot be written (ENOSPC) [LOCAL_IO]");
  const head = await piped('"$0" exec web1,web2 "seq 1000000" | head -1; echo "$PIPESTATUS"');
  expect(head.stdout).toMatch(/^==> web\d <==\n141\n$/);
});

test("commands that read nothing do not wait for an input that never ends", async () => {
  const running = start(["exec", "--fold", "web1,web2", "true"], { home: hosts.home.path });
  // Its input stays open.
  expect(await running.exit()).toMatchObject({ status: 0, stdout: "==> web1, web2 (2 hosts) <==\n" });
});
