import { afterAll, describe, expect, test } from "bun:test";
import { chmodSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { openLocalBroker } from "../../../src/broker/process/open-local.ts";
import type { SessionInfo } from "../../../src/core/session.ts";
import { cleanup } from "../../support/cleanup.ts";
import { tempDir } from "../../support/temp.ts";
import { recordOf } from "../records.ts";
import { caller } from "./raw-peer.ts";

afterAll(cleanup);

/** A base directory with these files in `sessions`. */
const baseWith = (files: Readonly<Record<string, string>>): string => {
  const base = join(tempDir("base"), "base");
  mkdirSync(join(base, "sessions"), { recursive: true, mode: 0o700 });
  for (const directory of [base, join(base, "sessions")]) chmodSync(directory, 0o700);
  for (const [name, text] of Object.entries(files)) writeFileSync(join(base, "sessions", name), text);
  return base;
};

const everything = (base: string): Record<string, string> =>
  Object.fromEntries(
    readdirSync(base, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map(({ parentPath, name }) => [join(parentPath, name), readFileSync(join(parentPath, name), "utf8")]),
  );

const list = async (base: string): Promise<SessionInfo[]> => {
  const { client, close, keepsSessions } = openLocalBroker({ SSH_MCP_DIR: base });
  expect(keepsSessions).toBe(false);
  try {
    const result = await client.call({ operation: "sessions", input: {}, caller, capture: null });
    return (result as { sessions: SessionInfo[] }).sessions;
  } finally {
    await close();
  }
};

describe("a broker inside its client", () => {
  test("knows the sessions of earlier brokers, and writes nothing: not even what is corrupt is moved", async () => {
    const old = { ...recordOf("old"), lastUsedAt: "2001-01-01T00:00:00.000Z" };
    const base = baseWith({
      "web1.json": JSON.stringify(recordOf("web1")),
      "torn.json": '{"version":1,"na',
      "old.json": JSON.stringify(old),
    });
    const before = everything(base);
    expect(await list(base)).toMatchObject([{ name: "web1", state: "cached", destination: "web1" }]);
    expect(everything(base)).toEqual(before);
  });

  test("needs no directory, and makes none", async () => {
    const parent = tempDir("base");
    expect(await list(join(parent, "absent"))).toEqual([]);
    expect(readdirSync(parent)).toEqual([]);
  });

  test("is as strict about its settings as any broker", () => {
    const base = baseWith({});
    writeFileSync(join(base, "config.toml"), "[limits]\nsessions = -1\n");
    expect(() => openLocalBroker({ SSH_MCP_DIR: base })).toThrow("limits.sessions");
    expect(() => openLocalBroker({ SSH_MCP_DIR: "relative" })).toThrow("SSH_MCP_DIR");
  });
});
