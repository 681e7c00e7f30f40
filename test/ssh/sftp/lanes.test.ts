/** When an upload asks for further channels: at once where it is sure to want them, and what comes of it when there are none. */
import { afterAll, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { SftpClient } from "../../../src/ssh/sftp/sftp-client.ts";
import { SftpFiles } from "../../../src/ssh/sftp/sftp-files.ts";
import type { SftpLink } from "../../../src/ssh/sftp/sftp-link.ts";
import { cleanup } from "../../support/cleanup.ts";
import { slowLink } from "../../support/sftp-links.ts";
import { startSftpProcess } from "../../support/sftp-process.ts";
import { tempDir } from "../../support/temp.ts";

afterAll(cleanup);

const mebibyte = 1024 * 1024;
const never = new AbortController().signal;
/** Far enough for several channels; 40 ms there and back. */
const roundTripMs = 40;

const content = (bytes: number): Buffer => {
  const data = Buffer.alloc(bytes);
  for (let at = 0; at + 4 <= bytes; at += 4) data.writeUInt32LE(at ^ 0x69696969, at);
  return data;
};

const inChunks = async function* (data: Uint8Array, onHalf: () => void) {
  for (let at = 0; at < data.length; at += 256 * 1024) {
    if (at === data.length / 2) onHalf();
    yield data.subarray(at, at + 256 * 1024);
  }
};

interface World {
  home: string;
  upload: (data: Uint8Array, expected: number, onHalf?: () => void) => Promise<Buffer>;
  /** Chunks that had come from the server since the upload began, each time when a further channel was asked for. */
  asked: readonly number[];
}

/** @param give answers who asks for a further channel */
const world = async (
  give: (dial: () => Promise<SftpClient>) => Promise<SftpClient | null>,
  bend: (inner: SftpLink) => SftpLink = (inner) => slowLink(inner, roundTripMs),
): Promise<World> => {
  const home = tempDir("home");
  const asked: number[] = [];
  let heard = 0;
  const link = bend(startSftpProcess({ home }).link);
  const dial = () => SftpClient.open(bend(startSftpProcess({ home }).link), never);
  const first = await SftpClient.open(link, never);
  const take = link.onData;
  link.onData = (chunk) => {
    heard++;
    return take(chunk);
  };
  const another = () => {
    asked.push(heard);
    return give(dial);
  };
  const files = new SftpFiles({ first, another, where: "db1" });
  // The way is known to be long by what was asked before.
  expect(await files.lstat("none")).toBeNull();
  const upload: World["upload"] = async (data, expected, onHalf = () => undefined) => {
    heard = 0;
    await files.write("f", inChunks(data, onHalf), { offset: 0, create: "new", mode: 0o600, expected });
    return readFileSync(join(home, "f"));
  };
  return { home, upload, asked };
};

test("a large upload asks for its further channels before its file is open", async () => {
  const { upload, asked } = await world((dial) => dial());
  const data = content(48 * mebibyte);
  expect((await upload(data, data.length)).equals(data)).toBeTrue();
  expect(asked).toEqual([0, 0, 0]);
});

test("one that is larger than was expected asks when it has become large", async () => {
  const { upload, asked } = await world((dial) => dial());
  const data = content(24 * mebibyte);
  expect((await upload(data, 1000)).equals(data)).toBeTrue();
  expect(asked.length).toBe(3);
  expect(Math.min(...asked)).toBeGreaterThan(0);
});

test.each([
  ["a small one", mebibyte, mebibyte, roundTripMs],
  ["a large one that has not far to go", 16 * mebibyte, 16 * mebibyte, 0],
])("%s asks for none", async (_what, bytes, expected, wayMs) => {
  const { upload, asked } = await world(
    (dial) => dial(),
    (inner) => (wayMs === 0 ? inner : slowLink(inner, wayMs)),
  );
  const data = content(bytes);
  expect((await upload(data, expected)).equals(data)).toBeTrue();
  expect(asked).toEqual([]);
});

const failed = async (): Promise<never> => {
  throw new Error("no more channels");
};

const gone = async (dial: () => Promise<SftpClient>): Promise<SftpClient> => {
  const client = await dial();
  client.end();
  return client;
};

test.each([
  ["at once", failed],
  ["with nothing", async () => null],
  ["by one that is gone", gone],
])("channels that are refused %s do no harm", async (_how, give) => {
  const { upload, asked } = await world(give);
  const data = content(16 * mebibyte);
  expect((await upload(data, data.length)).equals(data)).toBeTrue();
  expect(asked).toEqual([0, 0, 0]);
});

test("channels that are refused in the middle, or not before the end, do no harm", async () => {
  const answers = Array.from({ length: 3 }, () => Promise.withResolvers<SftpClient | null>());
  const [inTheMiddle, , atTheEnd] = answers;
  let given = 0;
  const { upload, asked } = await world(() => answers[given++]?.promise ?? failed());
  const data = content(16 * mebibyte);
  const there = await upload(data, data.length, () => inTheMiddle?.reject(new Error("no more channels")));
  expect(there.equals(data)).toBeTrue();
  expect(asked).toEqual([0, 0, 0]);
  atTheEnd?.reject(new Error("no more channels"));
  await new Promise((resolve) => setImmediate(resolve));
});
