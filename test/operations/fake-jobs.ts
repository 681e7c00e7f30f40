/** Jobs that are all one, for an operation that runs alone. */
import type { Job, Jobs } from "../../src/core/jobs.ts";

export const job: Job = {
  ...{ id: "abcdefghjk", state: "failed", exitCode: 3, signal: null, reason: null },
  ...{ command: "make all", title: "a build", cwd: "/src", pid: 4711 },
  ...{ startedAt: "2026-01-01T00:00:00.000Z", endedAt: "2026-01-01T00:01:00.000Z", stdoutBytes: 4, stderrBytes: 5 },
};

export class FakeJobs implements Jobs {
  start = async () => job;
  list = async () => [job];
  show = async () => job;
  wait = async () => job;
  read = async () => ({ offset: 0, nextOffset: 4, size: 4, bytes: Buffer.from("out\n") });
  copy = async () => {};
  follow = async () => job;
  kill = async () => ({ job, stopped: null });
  remove = async () => {};
}
