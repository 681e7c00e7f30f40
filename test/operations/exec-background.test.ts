import { describe, expect, test } from "bun:test";
import { SshMcpError } from "../../src/core/errors.ts";
import type { Job } from "../../src/core/jobs.ts";
import type { Context } from "../../src/core/operation.ts";
import { exec } from "../../src/operations/exec.ts";
import { FakeJobs, job } from "./fake-jobs.ts";
import { contextFor } from "./fake-sessions.ts";

const input = { target: "web", command: "make", onTimeout: "background" as const };

class CountedJobs extends FakeJobs {
  started = 0;

  override start = async (): Promise<Job> => {
    this.started++;
    return job;
  };
}

/** An input that never ends by itself. */
const endless = { [Symbol.asyncIterator]: () => ({ next: () => new Promise<never>(() => {}) }) };

const failureOf = async (context: Partial<Context>, more: { timeout?: number } = {}): Promise<unknown> =>
  await exec.run({ ...input, ...more }, { ...contextFor("cli"), ...context }).catch((thrown: unknown) => thrown);

describe("an input that does not end", () => {
  test("is waited for as long as the command has, and nothing is started", async () => {
    const jobs = new CountedJobs();
    const failure = await failureOf({ jobs, stdin: endless }, { timeout: 0.05 });
    expect(failure).toMatchObject({ code: "TIMEOUT", message: expect.stringContaining("nothing was started") });
    expect(jobs.started).toBe(0);
  });

  test("does not keep a call that is canceled", async () => {
    const jobs = new CountedJobs();
    const stop = new AbortController();
    const failure = failureOf({ jobs, stdin: endless, signal: stop.signal });
    stop.abort();
    expect(await failure).toMatchObject({ code: "CANCELED" });
    expect(jobs.started).toBe(0);
  });
});

test("a canceled call whose job cannot be reached keeps its id, and says that the stop is not confirmed", async () => {
  const stop = new AbortController();
  const jobs = new CountedJobs();
  const lost = new SshMcpError("CONNECTION_LOST", "the link is gone");
  const cut: Context["jobs"] = Object.assign(jobs, {
    follow: async () => {
      stop.abort();
      throw lost;
    },
    kill: async () => {
      throw lost;
    },
  });
  const result = await exec.run(input, { ...contextFor("cli"), jobs: cut, signal: stop.signal });
  expect(result).toMatchObject({ outcome: "canceled", jobId: job.id, stopped: "unconfirmed", exitCode: null });
});
