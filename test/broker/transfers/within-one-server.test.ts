/** Copies from one folder of a server to another, where there is one channel for all of it and no second login. */
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { SessionRegistry } from "../../../src/broker/sessions/session-registry.ts";
import { BrokerTransfers } from "../../../src/broker/transfers/broker-transfers.ts";
import { parseOperand } from "../../../src/core/files/operand.ts";
import type { TransferRequest } from "../../../src/core/files/transfers.ts";
import { LocalSide } from "../../../src/files/local/local-side.ts";
import { cleanup } from "../../support/cleanup.ts";
import { startDropbear } from "../../support/dropbear.ts";
import { makeKey } from "../../support/keys.ts";
import { startSshd } from "../../support/sshd.ts";
import { tempDir } from "../../support/temp.ts";
import { configFor, connectTo } from "../sessions/files/servers.ts";
import { callOf, named } from "../sessions/sessions.ts";

setDefaultTimeout(30_000);
afterAll(cleanup);

let config: string;
beforeAll(async () => {
  const key = await makeKey();
  const few = (count: number) => startSshd({ authorizedKeys: [key.line], options: [`MaxSessions ${count}`] });
  config = configFor(
    { one: await few(1), two: await few(2), dropbear: await startDropbear({ authorizedKeys: [key.line] }) },
    key,
  );
});

test.each(["one", "two", "dropbear"])(
  "small files go from a folder to another, and are compared (%s)",
  async (name) => {
    // Room for the session's own connection alone.
    const registry = new SessionRegistry({ limit: 1 });
    await connectTo(registry, config, name);
    const there = tempDir("there");
    for (let file = 0; file < 60; file++) {
      const folder = join(there, "tree", `d${file % 3}`);
      mkdirSync(folder, { recursive: true });
      writeFileSync(join(folder, `f${file}`), Buffer.alloc(file * 500, file));
    }
    chmodSync(there, 0o777);
    const copy = async (to: string) => {
      const local = new LocalSide({ cwd: there, operands: [] });
      const request: TransferRequest = {
        ...{ sources: [parseOperand(`${name}:${there}/tree`)], destination: parseOperand(`${name}:${there}/${to}`) },
        ...{ dial: named(name), become: null, recursive: true, preserve: true, parallel: null, resume: false },
        ...{ verify: true, limit: null, exclude: [], sync: null, direct: false },
      };
      const streams = {
        ...{ local, stdin: (async function* () {})(), stdout: { write: async () => {} }, progress: () => {} },
      };
      try {
        return await new BrokerTransfers(registry).run(request, streams, callOf());
      } finally {
        local.close();
      }
    };
    expect(await Promise.all([copy("a"), copy("b")])).toMatchObject([
      { files: 60, failures: [] },
      { files: 60, failures: [] },
    ]);
    expect(readFileSync(join(there, "b", "d2", "f59"))).toEqual(Buffer.alloc(59 * 500, 59));
    expect(registry.liveConnections).toBe(1);
    await registry.closeAll();
  },
);
