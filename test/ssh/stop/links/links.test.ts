/** A stop whose connection is lost under it. */
import { afterAll, expect, test } from "bun:test";
import { cleanup } from "../../../support/cleanup.ts";
import { makeKey } from "../../../support/keys.ts";
import { withCommandLine } from "../../../support/processes.ts";
import { startProxy } from "../../../support/proxy.ts";
import { startSshd } from "../../../support/sshd.ts";
import { makeUser } from "../../../support/users.ts";
import { waitFor } from "../../../support/wait.ts";
import { open, run } from "../../open.ts";
import { leftOf, nextMark } from "../places.ts";

afterAll(cleanup);

test.each(["close", "reset"] as const)("a channel that closes with its connection says nothing (%s)", async (kind) => {
  const [key, user] = await Promise.all([makeKey(), makeUser({ shell: "/bin/sh" })]);
  const sshd = await startSshd({ authorizedKeys: [key.line], options: ["AcceptEnv LC_*"] });
  const proxy = await startProxy(sshd);
  const connection = await open({ port: proxy.port, user: user.name, keys: [key.path] });
  const mark = nextMark();
  const cancel = new AbortController();
  const running = run(connection, `trap '' HUP; sleep ${mark} & sleep ${mark}`, { signal: cancel.signal });
  await waitFor(() => leftOf(mark).filter((line) => line.startsWith("sleep")).length === 2, { what: "the command" });
  // Whatever the stop says to the server stays on the way.
  proxy.setDelay(60_000);
  cancel.abort();
  // It has begun: the helper is asked for in the next turns of the loop.
  await new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
  proxy.cut(kind);
  expect(await running).toMatchObject({ outcome: "canceled", stopped: "unconfirmed" });
  for (const pid of withCommandLine((words) => words.includes(mark))) process.kill(pid, "SIGKILL");
});
