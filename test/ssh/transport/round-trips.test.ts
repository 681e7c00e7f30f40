import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { chmodSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { cleanup } from "../../support/cleanup.ts";
import { type KeyPair, makeKey } from "../../support/keys.ts";
import { startProxy, type TcpProxy } from "../../support/proxy.ts";
import { startSshd } from "../../support/sshd.ts";
import { tempDir } from "../../support/temp.ts";
import { makeUser, type TemporaryUser } from "../../support/users.ts";
import { open, run } from "../open.ts";

afterAll(cleanup);

let key: KeyPair;
let user: TemporaryUser;
let proxy: TcpProxy;
beforeAll(async () => {
  key = await makeKey();
  // A shell that starts faster than the delay, as the count needs it.
  user = await makeUser({ shell: "/bin/sh" });
  proxy = await startProxy(await startSshd({ authorizedKeys: [key.line] }));
});

const connect = () => open({ port: proxy.port, user: user.name, keys: [key.path] });

describe("through a delay of 25 ms each way", () => {
  test("the 2nd to the 20th command take one round trip each", async () => {
    const connection = await connect();
    await run(connection, "true");
    proxy.setDelay(25);
    const trips: number[] = [];
    for (let count = 2; count <= 20; count++) {
      proxy.resetCount();
      expect(await run(connection, "echo here")).toMatchObject({ stdout: "here\n", exitCode: 0 });
      trips.push(proxy.roundTrips());
    }
    proxy.setDelay(0);
    expect(trips).toEqual(trips.map(() => 1));
  });

  test("a login and its first command take seven", async () => {
    proxy.setDelay(25);
    proxy.resetCount();
    const connection = await connect();
    await run(connection, "true");
    const trips = proxy.roundTrips();
    proxy.setDelay(0);
    expect(trips).toBeLessThanOrEqual(7);
  });

  test("eight at once take two", async () => {
    const connection = await connect();
    await run(connection, "true");
    proxy.setDelay(25);
    proxy.resetCount();
    await Promise.all(Array.from({ length: 8 }, () => run(connection, "true")));
    const trips = proxy.roundTrips();
    proxy.setDelay(0);
    expect(trips).toBeLessThanOrEqual(3);
  });
});

describe("a link that dies in the middle of a command", () => {
  test.each(["close", "reset"] as const)(
    "by %s: the outcome is unknown, with what had come, and nothing ran twice",
    async (kind) => {
      const connection = await connect();
      const log = join(tempDir("runs"), "runs");
      writeFileSync(log, "");
      chmodSync(dirname(log), 0o777);
      chmodSync(log, 0o666);
      const running = run(connection, `echo ran >>${log}; echo before; sleep 5`, { onStdout: () => proxy.cut(kind) });
      expect(await running).toMatchObject({ outcome: "unknown", exitCode: null, stdout: "before\n" });
      expect(readFileSync(log, "utf8")).toBe("ran\n");
      await expect(run(connection, "true")).rejects.toMatchObject({ code: "CONNECTION_LOST" });
    },
  );
});
