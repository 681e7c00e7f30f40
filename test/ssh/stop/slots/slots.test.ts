/** Slots of a connection are given back by whatever ends a command. */
import { afterAll, expect, test } from "bun:test";
import { cleanup } from "../../../support/cleanup.ts";
import { makeKey } from "../../../support/keys.ts";
import { startSshd } from "../../../support/sshd.ts";
import { makeUser } from "../../../support/users.ts";
import { open, run } from "../../open.ts";
import { leftOf, nextMark } from "../places.ts";

afterAll(cleanup);

test.each([
  [10, "root"],
  [10, "user"],
  [2, "user"],
  [1, "user"],
])("MaxSessions %i, as %s: after twelve timed-out commands at once the thirteenth runs", async (max, who) => {
  const [key, user] = await Promise.all([makeKey(), makeUser({ shell: "/bin/sh" })]);
  const sshd = await startSshd({
    authorizedKeys: [key.line],
    options: [`MaxSessions ${max}`, "AcceptEnv LC_*"],
  });
  const connection = await open({
    ...{ port: sshd.port, keys: [key.path] },
    user: who === "root" ? sshd.user : user.name,
  });
  const mark = nextMark();
  const at = performance.now();
  const results = await Promise.all(
    Array.from({ length: 12 }, () =>
      run(connection, `sleep ${mark} & sleep ${mark}`, { timeoutMs: 300 }).catch((error: { code: string }) => error),
    ),
  );
  // Those that had no turn within five seconds were not sent, and say so.
  for (const result of results) {
    if ("code" in result) expect(result.code).toBe("TIMEOUT");
    else {
      expect(result).toMatchObject({ outcome: "timedOut", exitCode: null });
      // With one or two there may be no channel left for whoever looks: then the signals went through the command's own.
      expect(max === 10 ? ["confirmed"] : ["confirmed", "dispatched"]).toContain(`${result.stopped}`);
    }
  }
  expect(performance.now() - at).toBeLessThan(30_000);
  expect(leftOf(mark)).toEqual([]);
  expect(await run(connection, "echo thirteenth")).toMatchObject({ outcome: "exited", stdout: "thirteenth\n" });
  expect(connection.isOpen).toBe(true);
});

test("MaxSessions 2, as root: once that is known, one command runs at a time, and each is stopped for sure", async () => {
  const key = await makeKey();
  const sshd = await startSshd({ authorizedKeys: [key.line], options: ["MaxSessions 2"] });
  const connection = await open({ port: sshd.port, user: sshd.user, keys: [key.path] });
  await Promise.all(["a", "b", "c"].map((word) => run(connection, `sleep 0.2; echo ${word}`)));
  const mark = nextMark();
  for (let count = 0; count < 3; count++) {
    const both = Array.from({ length: 2 }, () => run(connection, `sleep ${mark} & sleep ${mark}`, { timeoutMs: 300 }));
    for (const result of await Promise.all(both)) expect(result).toMatchObject({ stopped: "confirmed" });
    expect(leftOf(mark)).toEqual([]);
  }
  expect(await run(connection, "echo next")).toMatchObject({ outcome: "exited", stdout: "next\n" });
});
