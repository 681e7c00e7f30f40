import { afterAll, expect, setDefaultTimeout, test } from "bun:test";
import { chmodSync, existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Askpass } from "../../src/cli/askpass.ts";
import type { Question } from "../../src/core/question.ts";
import { cleanup } from "../support/cleanup.ts";
import { tempDir } from "../support/temp.ts";
import { waitFor } from "../support/wait.ts";

setDefaultTimeout(30_000);
afterAll(cleanup);

const question: Question = { kind: "password", text: "Password: ", echo: false, destination: "me@db1" };
const never = new AbortController().signal;

/** A program that notes its process id, and runs lines of sh. */
const programOf = (lines: string) => {
  const dir = tempDir("askpass");
  const [path, pids] = [join(dir, "ask"), join(dir, "pids")];
  writeFileSync(path, `#!/bin/sh\n${lines.replaceAll("NOTE", `>>'${pids}'`)}\n`);
  chmodSync(path, 0o755);
  return { path, pids: () => (existsSync(pids) ? readFileSync(pids, "utf8").trim().split("\n").map(Number) : []) };
};

const isAlive = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    // What nobody has waited for yet is still in the table.
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, "utf8"));
  } catch {
    return false;
  }
};

const stubborn = "trap '' TERM; echo $$ NOTE; sleep 300 & echo $! NOTE; while :; do wait; done";

test.each([
  { what: "the call is canceled", isWithdrawn: false },
  { what: "the answer came from elsewhere", isWithdrawn: true },
])("one that ignores SIGTERM is ended with what it started when $what", async ({ isWithdrawn }) => {
  const { path, pids } = programOf(stubborn);
  const end = new AbortController();
  const askpass = new Askpass(path, { PATH: process.env["PATH"] });
  const [canceled, withdrawn] = isWithdrawn ? [never, end.signal] : [end.signal, never];
  const answer = askpass.ask(question, canceled, withdrawn);
  await waitFor(() => pids().length === 2, { what: "the program and its child" });
  end.abort();
  if (isWithdrawn) expect(await answer).toBeNull();
  else await expect(answer).rejects.toMatchObject({ code: "CANCELED" });
  await waitFor(() => !pids().some(isAlive), { what: "their end" });
});

test("one that leaves a process behind is not waited for when it is canceled", async () => {
  const { path, pids } = programOf("sleep 300 & echo $! NOTE; echo $$ NOTE; exit 0");
  const askpass = new Askpass(path, { PATH: process.env["PATH"] });
  const answer = askpass.ask(question, never, never);
  await waitFor(() => pids().length === 2, { what: "the program and its child" });
  askpass.close();
  await expect(answer).rejects.toMatchObject({ code: "CANCELED" });
  await waitFor(() => !pids().some(isAlive), { what: "their end" });
});
