import { expect, test } from "bun:test";
import { severalText } from "../../src/operations/exec-hosts.ts";

const entry = (outcome: string | null, exitCode: number | null, jobId: string | null = null) => ({
  ...{ target: "web", outcome, exitCode, jobId },
  error: null,
});
const headOf = (...entries: ReturnType<typeof entry>[]): string =>
  severalText(entries, () => "one").split("\n")[0] ?? "";

test("the first line counts what the hosts gave", () => {
  const [good, bad, late] = [entry("exited", 0), entry("exited", 3), entry("timedOut", null)];
  const job = entry("timedOut", null, "j1");
  expect(headOf(good, good)).toBe("2 of 2 hosts: exit status 0");
  expect(headOf(good, bad, late)).toBe("1 of 3 hosts: exit status 0; 1 with another status; 1 WITHOUT A STATUS");
  expect(headOf(job, job)).toBe("0 of 2 hosts: exit status 0; 2 going on as jobs");
  expect(headOf(good, job, late)).toBe("1 of 3 hosts: exit status 0; 1 going on as a job; 1 WITHOUT A STATUS");
});
