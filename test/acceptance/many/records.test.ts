/** What is kept of several hosts: in records, in files, and by the broker. */
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { readdirSync } from "node:fs";
import { cleanup } from "../../support/cleanup.ts";
import { tempDir } from "../../support/temp.ts";
import { type Hosts, makeHosts } from "./hosts.ts";

afterAll(cleanup);
setDefaultTimeout(60_000);

let hosts: Hosts;
beforeAll(async () => {
  hosts = await makeHosts();
});

type Record = { target: string; stdout: string; truncated: boolean; error?: { code: string } };
const recordsOf = (stdout: string): Record[] =>
  stdout
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as Record);

test("json: few hosts have a mebibyte each, as a single one has, however many might run", async () => {
  const line = "head -c 1000000 /dev/zero | tr '\\0' x";
  const { stdout } = await hosts.type(["exec", "--json", "--parallel", "250", "web1,web2", line]);
  const sizes = recordsOf(stdout).map(({ stdout: { length }, truncated }) => ({ length, truncated }));
  expect(sizes).toEqual([
    { length: 1_000_000, truncated: false },
    { length: 1_000_000, truncated: false },
  ]);
});

test("outdir: a host that was not begun has a record where each has one, and never a file", async () => {
  for (const json of [["--json"], []]) {
    const folder = tempDir("fast");
    const words = ["exec", ...json, "--parallel", "1", "--fail-fast", "--outdir", folder, "web1,web2,web3"];
    const { status, stdout, stderr } = await hosts.type([...words, "echo x; exit 3"]);
    expect(status).toBe(5);
    expect(readdirSync(folder).sort()).toEqual(["web1.err", "web1.out"]);
    expect(stderr).toContain("  not begun: web2 web3\n");
    if (json.length === 0) expect(stdout).toBe("web1: exit status 3\n");
    else expect(recordsOf(stdout).map(({ error }) => error?.code)).toEqual([undefined, "CANCELED", "CANCELED"]);
  }
});

test("keep: each output has its name, which reads it again", async () => {
  const { status, stderr } = await hosts.type(["exec", "--keep", "web1,web2", "echo $$"]);
  expect(status).toBe(0);
  const kept = [...stderr.matchAll(/^ssh-mcp: (web\d): output kept: ssh-mcp output (\S+)$/gm)];
  expect(kept.map(([, target]) => target).sort()).toEqual(["web1", "web2"]);
  const texts = await Promise.all(kept.map(async ([, , id = ""]) => (await hosts.type(["output", id])).stdout));
  expect(new Set(texts).size).toBe(2);
  for (const text of texts) expect(text).toMatch(/^\d+\n$/);
});
