/** What a server of agents does while no broker can run, and afterwards: with real processes. */
import { afterAll, expect, setDefaultTimeout, test } from "bun:test";
import { mkdirSync, rmdirSync } from "node:fs";
import { join } from "node:path";
import { LastingBroker } from "../../../src/broker/client/lasting-broker.ts";
import { brokerPlace, makeBrokerPlace } from "../../../src/files/broker-place.ts";
import { brokersOf, endBrokersAtCleanup } from "../../support/brokers.ts";
import { cleanup, onCleanup } from "../../support/cleanup.ts";
import { makeKey } from "../../support/keys.ts";
import { startSshd } from "../../support/sshd.ts";
import { tempDir } from "../../support/temp.ts";
import { cli, requestFor } from "../sessions/sessions.ts";

afterAll(cleanup);
setDefaultTimeout(30_000);

test("each call is told that it has no broker, until there can be one and nothing is open without it", async () => {
  const base = join(tempDir("b"), "base");
  endBrokersAtCleanup(base);
  const place = brokerPlace({ SSH_MCP_DIR: base });
  makeBrokerPlace(place);
  mkdirSync(place.spawnLock);
  const broker = new LastingBroker({ SSH_MCP_DIR: base });
  onCleanup(() => broker.close());
  const key = await makeKey();
  const sshd = await startSshd({ authorizedKeys: [key.line] });
  const told: (string | null)[] = [];
  const call = async (operation: string, input: unknown): Promise<unknown> => {
    const notices: string[] = [];
    const result = await broker.call({
      operation,
      input,
      caller: cli,
      capture: null,
      notice: (text) => notices.push(text),
    });
    told.push(notices[0] ?? null);
    expect(notices.length).toBeLessThanOrEqual(1);
    return result;
  };
  const { destination, options } = requestFor(`${sshd.user}@127.0.0.1:${sshd.port}`);
  expect(await call("sessions", {})).toMatchObject({ sessions: [] });
  await call("connect", { destination, options, identityFile: [key.path], configFile: "none", name: "web" });
  rmdirSync(place.spawnLock);
  // What is connected is used.
  expect(await call("sessions", {})).toMatchObject({ sessions: [{ name: "web", state: "live" }] });
  expect(brokersOf(base)).toEqual([]);
  const alone = expect.stringMatching(/^no broker can run here: .*; this call ran without one/);
  expect(told).toEqual([alone, alone, alone]);
  await call("close", { targets: ["web"] });
  expect(await call("sessions", {})).toMatchObject({ sessions: [] });
  expect(told.slice(3)).toEqual([alone, null]);
  expect(brokersOf(base)).toHaveLength(1);
});
