import { afterAll, beforeAll, expect, test } from "bun:test";
import { createHash, randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import type { Connection } from "../../../src/ssh/connection.ts";
import { algorithmsFor } from "../../../src/ssh/key-exchange/algorithms.ts";
import { cleanup } from "../../support/cleanup.ts";
import { startDropbear } from "../../support/dropbear.ts";
import { type KeyPair, makeKey } from "../../support/keys.ts";
import { startScriptedServer } from "../../support/scripted-server.ts";
import { rekeyWith } from "../../support/ssh-packet.ts";
import { startSshd } from "../../support/sshd.ts";
import { waitFor } from "../../support/wait.ts";
import { open, run, type TestConnectionOptions } from "../open.ts";
import { plainChoice } from "../plain-choice.ts";

const mebibyte = 1024 * 1024;
/** What goes there and back: random, so that what is compressed is not small. */
const data = randomBytes(12 * mebibyte);
const often = { bytes: mebibyte, ms: null };
const never = { bytes: 1024 * mebibyte, ms: 0 };

let login: KeyPair;

beforeAll(async () => {
  login = await makeKey();
});
afterAll(cleanup);

const connectTo = (server: { port: number; user: string }, options: Partial<TestConnectionOptions>) =>
  open({ port: server.port, user: server.user, keys: [login.path], ...options });

/** Sends the data through `cat` while it comes back. @returns the digest of what came */
const throughCat = async (connection: Connection): Promise<string> => {
  const digest = createHash("sha256");
  async function* input() {
    for (let at = 0; at < data.length; at += 64 * 1024) yield data.subarray(at, at + 64 * 1024);
  }
  const result = await connection.exec(
    {
      ...{ command: "cat", stdin: input(), timeoutMs: null },
      stdout: { write: async (chunk) => void digest.update(chunk) },
      stderr: { write: async () => undefined },
    },
    new AbortController().signal,
  );
  expect(result).toMatchObject({ outcome: "exited", exitCode: 0, stdoutBytes: data.length });
  return digest.digest("hex");
};

const expected = createHash("sha256").update(data).digest("hex");

const exchangesOf = (log: string): number => log.split("SSH2_MSG_NEWKEYS received").length - 1;

const ours = { rekeyLimit: often, serverLimit: "default none" };
const theirs = { rekeyLimit: never, serverLimit: "1M" };
const both = { rekeyLimit: often, serverLimit: "1M" };

test.each([
  ["at our wish", "curve25519-sha256", { ...ours, compression: false }],
  ["at the server's wish", "curve25519-sha256", { ...theirs, compression: false }],
  ["at both sides' wish", "curve25519-sha256", { ...both, compression: false }],
  ["on a thread, at both sides' wish", "diffie-hellman-group14-sha256", { ...both, compression: false }],
  ["compressed, at our wish", "curve25519-sha256", { ...ours, compression: true }],
  [
    "compressed, on a thread, at both sides' wish",
    "diffie-hellman-group-exchange-sha256",
    { ...both, compression: true },
  ],
])("new keys %s by %s, while data go both ways and commands run", async (_what, kexAlgorithms, options) => {
  const { rekeyLimit, serverLimit, compression } = options;
  const sshd = await startSshd({
    authorizedKeys: [login.line],
    options: [`RekeyLimit ${serverLimit}`, "LogLevel DEBUG"],
  });
  const verdicts: Buffer[] = [];
  const connection = await connectTo(sshd, {
    algorithms: algorithmsFor({ ...plainChoice, kexAlgorithms, compression }),
    rekeyLimit,
    verifyHostKey: async (key) => {
      verdicts.push(key);
      return true;
    },
  });
  const cat = throughCat(connection);
  const counts = Array.from({ length: 20 }, (_, count) => count);
  const outputs = await Promise.all(counts.map((count) => run(connection, `echo ${count}`)));
  expect(outputs.map(({ stdout }) => stdout)).toEqual(counts.map((count) => `${count}\n`));
  expect(await cat).toBe(expected);
  // Behind the first one, two at least: a side may send all of the other's window, 2 MiB of sshd's, before it sees that a mebibyte is over.
  await waitFor(() => exchangesOf(sshd.log()) > 2, { what: "key exchanges in the log" });
  expect(sshd.log()).toContain(`compression: ${compression ? "zlib@openssh.com" : "none"}`);
  // The first one was judged; each later one met the same key.
  expect(verdicts).toHaveLength(1);
});

test("new keys with Dropbear", async () => {
  const dropbear = await startDropbear({ authorizedKeys: [login.line] });
  const connection = await connectTo(dropbear, { rekeyLimit: often });
  expect(await throughCat(connection)).toBe(expected);
});

test("new keys when the time is over, on a connection that does nothing", async () => {
  const sshd = await startSshd({ authorizedKeys: [login.line], options: ["LogLevel DEBUG"] });
  const connection = await connectTo(sshd, { rekeyLimit: { bytes: null, ms: 50 } });
  await waitFor(() => exchangesOf(sshd.log()) > 2, { what: "two more key exchanges" });
  expect(await run(connection, "echo hello")).toMatchObject({ stdout: "hello\n" });
});

test("another host key in the middle of a connection ends it, even of a verifier that takes any", async () => {
  const server = await startScriptedServer({
    exec: async (command) => {
      command.accept().write("half");
      rekeyWith(command.connection, readFileSync((await makeKey()).path, "utf8"));
    },
  });
  const connection = await connectTo({ ...server, user: "tester" }, { verifyHostKey: async () => true });
  expect(await run(connection, "anything")).toMatchObject({ outcome: "unknown", stdout: "half" });
  expect(await connection.ended).toMatchObject({ code: "HOST_KEY_CHANGED" });
});
