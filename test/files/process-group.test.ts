import { expect, test } from "bun:test";
import { signalGroup } from "../../src/files/process-group.ts";
import { waitFor } from "../support/wait.ts";

test("a group is there as long as one of it is, and gets the signal as a whole", async () => {
  const child = Bun.spawn(["/bin/sh", "-c", "sleep 300 & sleep 300 & echo ready; exit 3"], {
    ...{ detached: true, stdin: "ignore", stdout: "pipe", stderr: "ignore" },
  });
  expect(await child.exited).toBe(3);
  expect(signalGroup(child.pid, 0)).toBe(true);
  expect(signalGroup(child.pid, "SIGKILL")).toBe(true);
  await waitFor(() => !signalGroup(child.pid, 0), { what: "the end of what it had started" });
  expect(signalGroup(child.pid, "SIGTERM")).toBe(false);
});
