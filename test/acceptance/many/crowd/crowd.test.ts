/** Many hosts: never more at once than was said, and memory that does not grow with what they print. */
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { readdirSync, readFileSync, readlinkSync, statSync, writeFileSync } from "node:fs";
import { buildOnce, start } from "../../../support/binary.ts";
import { cleanup } from "../../../support/cleanup.ts";
import { runCommand } from "../../../support/command.ts";
import { tempDir } from "../../../support/temp.ts";
import { waitFor } from "../../../support/wait.ts";
import { type Hosts, makeHosts } from "../hosts.ts";

afterAll(cleanup);
setDefaultTimeout(90_000);

let hosts: Hosts;
beforeAll(async () => {
  hosts = await makeHosts(64);
});

test("64 hosts, 8 at once: the server never counts more", async () => {
  const folder = tempDir("count");
  // Each counts those that run, itself among them.
  const line = `cd ${folder}; : >$$; sleep 0.2; ls | wc -l; rm $$`;
  const { status, stdout, stderr } = await hosts.type(["exec", "--parallel", "8", "--json", "@web", line]);
  expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
  const counts = stdout
    .trimEnd()
    .split("\n")
    .map((record) => Number((JSON.parse(record) as { stdout: string }).stdout));
  expect(counts.length).toBe(64);
  expect(Math.max(...counts)).toBeLessThanOrEqual(8);
  expect(Math.max(...counts)).toBeGreaterThan(1);
});

test("hosts that print a lot are put aside on disk, where nobody finds them, and shown whole", async () => {
  const names = Array.from({ length: 8 }, (_, index) => `web${index + 1}`).join(",");
  const aside = tempDir("aside");
  // Those that have printed wait for the last one, so that all of it is put aside at once.
  const folder = tempDir("printed");
  const line = `head -c 20000000 /dev/zero; echo $$; : >${folder}/$$; while ! test -e ${folder}/go; do sleep 0.1; done`;
  const running = start(["exec", "--fold", names, line], { home: hosts.home.path, env: { TMPDIR: aside } });
  await running.end();
  await waitFor(() => (bytesAside(running.pid, aside) >= 8 * 20_000_000 ? true : null), {
    what: "160 MB on disk",
    timeout: 60_000,
  });
  expect(readdirSync(aside)).toEqual([]);
  const peak = Number(/^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${running.pid}/status`, "utf8"))?.[1]) * 1024;
  // The program itself takes some 70 MB.
  expect(peak).toBeLessThan(130_000_000);
  writeFileSync(`${folder}/go`, "");
  const { status, stdout } = await running.exit(60_000);
  expect(status).toBe(0);
  expect(stdout.length).toBeGreaterThan(8 * 20_000_000);
});

/** Bytes of the files without a name that a process has open in a folder. */
const bytesAside = (pid: number, folder: string): number =>
  readdirSync(`/proc/${pid}/fd`)
    .map((fd) => `/proc/${pid}/fd/${fd}`)
    .filter((path) => {
      try {
        return readlinkSync(path).startsWith(folder);
      } catch {
        return false; // Closed meanwhile.
      }
    })
    .reduce((total, path) => total + statSync(path).size, 0);

test("fold: many large outputs, each another, take no more descriptors than hosts run at once", async () => {
  // More than one host runs at once, and both outputs of each are put aside.
  const line = "echo $$; seq 20000; echo $$ >&2; seq 20000 >&2";
  const script = 'ulimit -n 80; exec "$0" exec --fold --parallel 8 @web "$1"';
  const outcome = await runCommand(["sh", "-c", script, buildOnce(), line], { env: { HOME: hosts.home.path } });
  expect(outcome.status).toBe(0);
  for (const text of [outcome.stdout, outcome.stderr]) {
    expect(text.match(/^==> web\d+ <==$/gm)?.length).toBe(64);
    expect(text.match(/^20000$/gm)?.length).toBe(64);
  }
});
