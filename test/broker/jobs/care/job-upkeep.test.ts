/** What becomes of folders that nobody looks after: old ones, half made ones, and those of other machines. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { existsSync, readFileSync, renameSync, rmSync, symlinkSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { readReport } from "../../../../src/broker/jobs/job-report.ts";
import { listScript, settleScript } from "../../../../src/broker/jobs/job-script.ts";
import { startScript } from "../../../../src/broker/jobs/start-script.ts";
import { type Place, placeAt, startPlace } from "../../../acceptance/place.ts";
import { cleanup } from "../../../support/cleanup.ts";
import { runCommand } from "../../../support/command.ts";
import { tempDir } from "../../../support/temp.ts";
import { makeUser } from "../../../support/users.ts";
import { waitFor } from "../../../support/wait.ts";

afterAll(cleanup);

let place: Place;
let folder: string;

beforeAll(async () => {
  const user = await makeUser({ shell: "/bin/bash" });
  const { home, sshd } = await startPlace();
  place = placeAt(home, sshd, `${user.name}@127.0.0.1:${sshd.port}`);
  folder = join(user.home, ".ssh-mcp/jobs");
});

const job = (verb: string, ...words: string[]) => place.run(["job", verb, place.at, ...words]);

const start = async (command: string): Promise<string> => {
  const { job } = await place.document(["job", "start", place.at, "--json", "--", command]);
  return (job as { id: string }).id;
};

const ended = async (): Promise<string> => {
  const id = await start("true");
  await job("wait", id);
  return id;
};

/** A start that came to nothing before its command began. */
const unborn = async (): Promise<string> => {
  const id = await ended();
  rmSync(join(folder, id, "go"), { recursive: true });
  writeFileSync(join(folder, id, "status"), "-      .\n");
  return id;
};

const mostDays = 7;
const old = (days: number): number => Math.floor(Date.now() / 1000) - days * 24 * 3600 - 60;

test("a job is collected a week after its end, by whoever asks for others", async () => {
  const [past, recent, lost, clockless] = [await ended(), await ended(), await ended(), await ended()];
  writeFileSync(join(folder, past, "status"), `exit 0 ${old(mostDays)} .\n`);
  writeFileSync(join(folder, recent, "status"), `exit 0 ${old(mostDays - 1)} .\n`);
  writeFileSync(join(folder, lost, "status"), `lost - ${old(mostDays)} .\n`);
  writeFileSync(join(folder, clockless, "status"), "exit 0 0 .\n");
  expect((await job("show", past)).stdout).toContain("finished");
  expect(existsSync(join(folder, past))).toBe(true);
  expect((await job("ls")).stdout).toContain(past);
  expect([past, recent, lost, clockless].map((id) => existsSync(join(folder, id)))).toEqual([false, true, false, true]);
});

test("a start that came to nothing is removed, killed and collected", async () => {
  const [removed, killed, left, fresh] = [await unborn(), await unborn(), await unborn(), await unborn()];
  expect((await job("show", removed)).stdout).toContain("starting");
  expect(await job("rm", removed)).toMatchObject({ status: 0 });
  expect(await job("kill", killed)).toMatchObject({ status: 1, stderr: expect.stringContaining("[NOT_FOUND]") });
  utimesSync(join(folder, left), old(2), old(2));
  await job("ls");
  expect([removed, killed, left, fresh].map((id) => existsSync(join(folder, id)))).toEqual([false, false, false, true]);
});

test("another machine's job is waited for and followed by nobody here", async () => {
  const id = await start("sleep 100");
  const file = join(folder, id, "pid");
  const said = readFileSync(file, "utf8");
  const [pid, group, began, boot] = said.split(" ");
  // Another boot; and a container, whose boot is ours but whose numbers are not.
  for (const other of [`${pid} ${group} ${began} x elsewhere-1 .\n`, `${pid} ${group} 1 ${boot} elsewhere-1 .\n`]) {
    writeFileSync(file, other);
    expect(await job("wait", id)).toMatchObject({ status: 255, stderr: expect.stringContaining("elsewhere-1") });
    expect((await job("logs", id, "--follow")).status).toBe(0);
    expect((await job("show", id)).stdout).toContain("elsewhere");
  }
  writeFileSync(file, said);
  expect((await job("kill", id)).stdout).toStartWith("stopped: confirmed");
});

test("a job without a log is followed with patience", async () => {
  const id = await start("sleep 4");
  rmSync(join(folder, id, "stdout"));
  const counted = join(folder, "../../runs");
  const startup = join(folder, "../../.bashrc");
  writeFileSync(startup, `echo x >>${counted}\n`);
  expect(await job("logs", id, "--follow")).toMatchObject({ status: 0, stdout: "" });
  rmSync(startup);
  // Each thing that is done on the server is one.
  expect(readFileSync(counted, "utf8").length / 2).toBeLessThan(10);
  expect((await job("logs", id)).stderr).toContain("[NOT_FOUND]");
});

test("a folder that is a link is none", async () => {
  const id = await ended();
  const elsewhere = join(folder, "..", "kept");
  renameSync(join(folder, id), elsewhere);
  symlinkSync(elsewhere, join(folder, id));
  for (const verb of ["show", "logs", "rm", "kill"]) {
    expect(await job(verb, id)).toMatchObject({ status: 1, stderr: expect.stringContaining("[NOT_FOUND]") });
  }
  expect(existsSync(join(elsewhere, "command"))).toBe(true);
  rmSync(join(folder, id));
});

test("of a start and its settling whoever is first decides", async () => {
  const home = tempDir("settled");
  const sh = (script: string) => runCommand(["/bin/sh", "-s"], { stdin: script, env: { HOME: home }, cwd: home });
  const begin = (id: string) =>
    startScript({
      ...{ id, mark: "a-mark", command: `echo x >>${home}/ran`, interpreter: "sh", cwd: null, env: {}, title: "" },
      stdin: new Uint8Array(0),
    });
  expect((await sh(settleScript("aaaaaaaaaa"))).stdout).toContain("never\n");
  expect((await sh(begin("aaaaaaaaaa"))).stdout).toContain("a-mark exists");
  expect((await sh(begin("bbbbbbbbbb"))).stdout).toContain("a-mark started");
  const settled = readReport((await sh(settleScript("bbbbbbbbbb"))).stdout);
  expect(settled).toMatchObject({ jobs: [{ id: "bbbbbbbbbb" }], complete: true });
  await waitFor(() => existsSync(join(home, "ran")), { what: "the command" });
  expect(readFileSync(join(home, "ran"), "utf8")).toBe("x\n");
  // What was settled as never is in no list.
  expect(readReport((await sh(listScript)).stdout).jobs.map(({ id }) => id)).toEqual(["bbbbbbbbbb"]);
});

test("lists say what is done about a job, not how", async () => {
  const id = await start("sleep 100");
  const waiting = job("wait", id);
  const said = await waitFor(
    async () => {
      const { stdout } = await place.run(["ls", "--running"]);
      return stdout.includes(id) && stdout;
    },
    { what: "the wait in the list" },
  );
  expect(said).toContain(`job wait ${id}`);
  expect(said).not.toContain("umask");
  await job("kill", id);
  expect((await waiting).status).toBeGreaterThan(128);
});
