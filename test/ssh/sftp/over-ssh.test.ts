import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { randomBytes } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { SshMcpError } from "../../../src/core/errors.ts";
import { giveBack } from "../../../src/core/files/lent-bytes.ts";
import type { Connection } from "../../../src/ssh/connection.ts";
import { algorithmsFor } from "../../../src/ssh/key-exchange/algorithms.ts";
import { SftpClient } from "../../../src/ssh/sftp/sftp-client.ts";
import { SftpFiles } from "../../../src/ssh/sftp/sftp-files.ts";
import { cleanup } from "../../support/cleanup.ts";
import { type KeyPair, makeKey } from "../../support/keys.ts";
import { startProxy } from "../../support/proxy.ts";
import { type Sshd, startSshd } from "../../support/sshd.ts";
import { tempDir } from "../../support/temp.ts";
import { within } from "../../support/wait.ts";
import { open } from "../open.ts";
import { plainChoice } from "../plain-choice.ts";

afterAll(cleanup);

const mebibyte = 1024 * 1024;
const never = new AbortController().signal;

let key: KeyPair;
let sshd: Sshd;
beforeAll(async () => {
  key = await makeKey();
  sshd = await startSshd({ authorizedKeys: [key.line] });
});

const connect = (port = sshd.port, compression = false) =>
  open({
    ...{ port, user: sshd.user, keys: [key.path] },
    algorithms: algorithmsFor({ ...plainChoice, compression }),
  });

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

/** As whoever writes them elsewhere: their memory may be gone then. */
const taken = (chunk: Uint8Array): Buffer => {
  const copy = Buffer.from(chunk);
  giveBack(chunk);
  return copy;
};

const readAll = async (files: SftpFiles, path: string, length: number | null = null): Promise<Buffer> => {
  const file = await files.open(path);
  const [, chunks] = await Promise.all([file.facts(), Array.fromAsync(file.read(0, length), taken)]);
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

// Their packets come in one chunk with others, or in several: whose memory is given up when differs.
describe.each([
  ["plain", false],
  ["compressed", true],
])("over a %s connection", (_how, compression) => {
  test.each([20_000, 24_000, 30_000, 36_000, 40_000, 100_000])(
    "%i bytes are the same each time they are read",
    async (size) => {
      const files = await filesOf(await connect(sshd.port, compression));
      const path = join(tempDir("d"), "f");
      // Those that cannot be compressed fill what they are unpacked into.
      const data = randomBytes(size);
      writeFileSync(path, data);
      for (let time = 0; time < 20; time++) {
        // Of a known length, the answer comes alone: no end of the file beside it.
        const read = await readAll(files, path, time % 2 === 0 ? size : null);
        expect([time, read.equals(data)]).toEqual([time, true]);
      }
    },
  );

  test("what cannot be compressed goes there and comes back", async () => {
    const files = await filesOf(await connect(sshd.port, compression));
    const path = join(tempDir("d"), "f");
    const data = randomBytes(300_000);
    await files.write(path, inChunks(data), { offset: 0, create: "new", mode: 0o600 });
    expect(readFileSync(path).equals(data)).toBeTrue();
    expect((await readAll(files, path)).equals(data)).toBeTrue();
  });
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
