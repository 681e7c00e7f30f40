/** What a server may say of its host keys, and what no server of good will says. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import type { AnnouncedKeys } from "../../../src/ssh/transport/host-keys-request.ts";
import { cleanup } from "../../support/cleanup.ts";
import { type KeyPair, makeKey } from "../../support/keys.ts";
import { startScriptedServer } from "../../support/scripted-server.ts";
import { announceHostKeys, message, sendMessage } from "../../support/ssh-packet.ts";
import { within } from "../../support/wait.ts";
import { ed25519, rsa } from "../host-keys/known-hosts-keys.ts";
import { open, run } from "../open.ts";

afterAll(cleanup);

let key: KeyPair;
beforeAll(async () => {
  key = await makeKey();
});

/** What is heard of the first announcement; a second one, of one good key, follows. */
const heard = async (blobs: readonly Uint8Array[]): Promise<{ announced: AnnouncedKeys[]; stdout: string }> => {
  const server = await startScriptedServer({
    ready: (connection) => {
      expect(announceHostKeys(connection, blobs)).toBe(true);
      announceHostKeys(connection, [key.blob]);
    },
    exec: (command) => command.finish(0, "fine\n"),
  });
  const announced: AnnouncedKeys[] = [];
  const onHostKeys = (keys: AnnouncedKeys): void => void announced.push(keys);
  const connection = await open({ port: server.port, user: "tester", onHostKeys });
  // What came before its answer has been read.
  const { stdout } = await run(connection, "anything");
  return { announced, stdout };
};

test("what would pass for a key file is read as none: that took ssh2 minutes", async () => {
  const endless = Buffer.from(`-----BEGIN RSA PRIVATE KEY-----\n${"a:b\n".repeat(60_000)}`);
  const { announced, stdout } = await heard([endless, key.blob]);
  expect(announced.map(({ keys }) => keys)).toEqual([[Buffer.from(key.blob)]]);
  expect(stdout).toBe("fine\n");
});

test("keys that are whole and of a type that is known are listened to, once", async () => {
  const good = [key.blob, rsa(1, 16_384), ed25519(1)];
  const bad = [Buffer.alloc(0), key.blob.subarray(1), Buffer.concat([key.blob, Buffer.of(0)]), rsa(1, 100_000)];
  const { announced } = await heard([...bad, ...good]);
  expect(announced.map(({ keys }) => keys.map((one) => one.toString("hex")))).toEqual([
    good.map((one) => Buffer.from(one).toString("hex")),
  ]);
});

test.each([
  ["more keys than a server has", Array.from({ length: 65 }, (_, n) => ed25519(n))],
  ["a packet full of nothing", Array.from({ length: 60_000 }, () => Buffer.alloc(0))],
])("%s: nobody is told, and the connection is as good as any", async (_, blobs) => {
  expect(await heard(blobs)).toEqual({ announced: [], stdout: "fine\n" });
});

test("an announcement that is cut ends the connection", async () => {
  const server = await startScriptedServer({
    // Behind "no reply wanted" come three bytes, of four that a length has.
    ready: (connection) => sendMessage(connection, message.globalRequest, "hostkeys-00@openssh.com", 200),
  });
  const connection = await open({ port: server.port, user: "tester" });
  expect(await within(connection.ended, { what: "the end" })).toMatchObject({ code: "PROTOCOL_ERROR" });
});
