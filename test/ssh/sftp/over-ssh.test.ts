import { afterAll, beforeAll, expect, test } from "bun:test";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { SshMcpError } from "../../../src/core/errors.ts";
import type { Connection } from "../../../src/ssh/connection.ts";
import { SftpClient } from "../../../src/ssh/sftp/sftp-client.ts";
import { SftpFiles } from "../../../src/ssh/sftp/sftp-files.ts";
import { cleanup } from "../../support/cleanup.ts";
import { type KeyPair, makeKey } from "../../support/keys.ts";
import { startProxy } from "../../support/proxy.ts";
import { type Sshd, startSshd } from "../../support/sshd.ts";
import { tempDir } from "../../support/temp.ts";
import { within } from "../../support/wait.ts";
import { open } from "../open.ts";

afterAll(cleanup);

const mebibyte = 1024 * 1024;
const never = new AbortController().signal;

let key: KeyPair;
let sshd: Sshd;
beforeAll(async () => {
  key = await makeKey();
  sshd = await startSshd({ authorizedKeys: [key.line] });
});

const connect = (port = sshd.port) => open({ port, user: sshd.user, keys: [key.path] });

const filesOf = async (connection: Connection, onAnother: () => void = () => undefined) => {
  const dial = async () => SftpClient.open(await connection.openSftp(null, never), never);
  const another = async () => {
    onAnother();
    return await dial();
  };
  return new SftpFiles({ first: await dial(), another, where: "db1" });
};

const content = (bytes: number): Buffer => {
  const data = Buffer.alloc(bytes);
  for (let at = 0; at + 4 <= bytes; at += 4) data.writeUInt32LE(at ^ 0x3c3c3c3c, at);
  return data;
};

const inChunks = async function* (data: Uint8Array) {
  for (let at = 0; at < data.length; at += 256 * 1024) yield data.subarray(at, at + 256 * 1024);
};

const readAll = async (files: SftpFiles, path: string): Promise<Buffer> => {
  const file = await files.open(path);
  const [, chunks] = await Promise.all([file.facts(), Array.fromAsync(file.read(0, null))]);
  file.close();
  return Buffer.concat(chunks);
};

test("a file goes there and comes back", async () => {
  const files = await filesOf(await connect());
  const path = join(tempDir("d"), "f");
  const data = content(20 * mebibyte + 1);
  await files.write(path, inChunks(data), { offset: 0, create: "new", mode: 0o600 });
  expect(readFileSync(path).equals(data)).toBeTrue();
  expect((await readAll(files, path)).equals(data)).toBeTrue();
});

test("a small file is read in two round trips, and written in two", async () => {
  const proxy = await startProxy({ host: "127.0.0.1", port: sshd.port });
  const files = await filesOf(await connect(proxy.port));
  const home = tempDir("d");
  writeFileSync(join(home, "f"), "text");
  await readAll(files, join(home, "f"));
  proxy.setDelay(20);
  proxy.resetCount();
  expect((await readAll(files, join(home, "f"))).toString()).toBe("text");
  expect(proxy.roundTrips()).toBeLessThanOrEqual(2);
  proxy.resetCount();
  await files.write(join(home, "g"), inChunks(Buffer.from("text")), { offset: 0, create: "new", mode: 0o640 });
  expect(proxy.roundTrips()).toBeLessThanOrEqual(2);
});

test("a large file goes far away over several channels of one connection", async () => {
  const proxy = await startProxy({ host: "127.0.0.1", port: sshd.port });
  proxy.setDelay(20);
  let further = 0;
  const files = await filesOf(await connect(proxy.port), () => further++);
  const path = join(tempDir("d"), "f");
  const data = content(48 * mebibyte);
  await files.write(path, inChunks(data), { offset: 0, create: "new", mode: 0o600 });
  expect(readFileSync(path).equals(data)).toBeTrue();
  expect(further).toBe(3);
});

test.each(["toServer", "toClient"] as const)("a connection that is cut %s ends what goes on", async (direction) => {
  const data = content(4 * mebibyte);
  for (const share of [0.1, 0.5, 0.9]) {
    const proxy = await startProxy({ host: "127.0.0.1", port: sshd.port });
    const files = await filesOf(await connect(proxy.port));
    const path = join(tempDir("d"), "f");
    proxy.cutAfter(direction, Math.floor(proxy.bytes(direction) + data.length * share), "reset");
    const work = async () => {
      await files.write(path, inChunks(data), { offset: 0, create: "new", mode: null });
      await readAll(files, path);
    };
    const failure: SshMcpError = await within(
      work().then(
        () => Promise.reject(new Error("nothing failed")),
        (thrown) => thrown,
      ),
      { what: "the failure" },
    );
    expect(failure.code).toBe("CONNECTION_LOST");
    const there = existsSync(path) ? readFileSync(path) : Buffer.alloc(0);
    expect(there.equals(data.subarray(0, there.length))).toBeTrue();
  }
});
