import { afterAll, describe, expect, test } from "bun:test";
import { existsSync, lstatSync, readFileSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { SshMcpError } from "../../../src/core/errors.ts";
import { packetType, statusCode } from "../../../src/ssh/sftp/packet-types.ts";
import { SftpClient } from "../../../src/ssh/sftp/sftp-client.ts";
import { SftpFiles } from "../../../src/ssh/sftp/sftp-files.ts";
import { cleanup } from "../../support/cleanup.ts";
import { cutLink, slowLink } from "../../support/sftp-links.ts";
import { sftpMachine, startSftpProcess } from "../../support/sftp-process.ts";
import { type SftpAnswers, type SftpRequest, scriptedSftp, servingOneFile } from "../../support/sftp-server.ts";
import { makeSmallDisk } from "../../support/small-disk.ts";
import { tempDir } from "../../support/temp.ts";
import { waitFor, within } from "../../support/wait.ts";

afterAll(cleanup);

const mebibyte = 1024 * 1024;
const never = new AbortController().signal;
const whole = { offset: 0, mode: null } as const;

const content = (bytes: number): Buffer => {
  const data = Buffer.alloc(bytes);
  for (let at = 0; at + 4 <= bytes; at += 4) data.writeUInt32LE(at ^ 0x5a5a5a5a, at);
  return data;
};

const inChunks = async function* (data: Uint8Array, bytes: number) {
  for (let at = 0; at < data.length; at += bytes) yield data.subarray(at, at + bytes);
};

const modeOf = (path: string): number => statSync(path).mode & 0o7777;

const scripted = async (answer: (request: SftpRequest, answers: SftpAnswers) => void) => {
  const server = scriptedSftp(answer);
  const client = await SftpClient.open(server.link, never);
  return { server, files: new SftpFiles({ first: client, another: async () => null, where: "db1" }) };
};

test.each([1, 100, 32 * 1024, 255 * 1024, 1_000_003, 20 * mebibyte])(
  "chunks of %p bytes arrive in order",
  async (chunk) => {
    const { files, home } = await sftpMachine();
    const data = content(chunk < 1000 ? chunk * 3000 : 12 * mebibyte + 5);
    const told: number[] = [];
    const written = await files.write("f", inChunks(data, chunk), {
      ...whole,
      create: "new",
      onWritten: (bytes) => told.push(bytes),
    });
    expect([written, told.at(-1)]).toEqual([data.length, data.length]);
    expect(told.toSorted((one, other) => one - other)).toEqual(told);
    expect(readFileSync(join(home, "f")).equals(data)).toBeTrue();
  },
);

test("an empty file is made", async () => {
  const { files, home } = await sftpMachine();
  expect(await files.write("f", inChunks(Buffer.alloc(0), 1), { ...whole, create: "any" })).toBe(0);
  expect(statSync(join(home, "f")).size).toBe(0);
});

test("what may be made, and what must be there", async () => {
  const { files, home } = await sftpMachine();
  const write = (name: string, create: "new" | "existing" | "any") =>
    files.write(name, inChunks(Buffer.from("new"), 9), { ...whole, create });
  writeFileSync(join(home, "f"), "old content");
  symlinkSync("f", join(home, "l"));
  symlinkSync("made", join(home, "dangling"));
  await expect(write("f", "new")).rejects.toMatchObject({ code: "ALREADY_EXISTS" });
  await expect(write("l", "new")).rejects.toMatchObject({ code: "ALREADY_EXISTS" });
  await expect(write("dangling", "new")).rejects.toMatchObject({ code: "ALREADY_EXISTS" });
  await expect(write("none", "existing")).rejects.toMatchObject({ code: "NOT_FOUND" });
  expect([readFileSync(join(home, "f"), "utf8"), existsSync(join(home, "made"))]).toEqual(["old content", false]);
  await write("l", "existing");
  expect([readFileSync(join(home, "f"), "utf8"), lstatSync(join(home, "l")).isSymbolicLink()]).toEqual(["new", true]);
  await write("dangling", "any");
  expect(readFileSync(join(home, "made"), "utf8")).toBe("new");
});

describe("modes", () => {
  test.each(["000", "022", "077", "777"])("are exact with umask %s", async (umask) => {
    const { files, home } = await sftpMachine({ umask });
    for (const mode of [0o600, 0o666, 0o777, 0o400, 0o4755, 0o1777]) {
      const name = `f${mode}`;
      await files.write(name, inChunks(Buffer.from("text"), 9), { offset: 0, create: "any", mode });
      expect(modeOf(join(home, name))).toBe(mode);
    }
  });

  test("an existing file keeps its own", async () => {
    const { files, home } = await sftpMachine();
    writeFileSync(join(home, "f"), "old", { mode: 0o640 });
    await files.write("f", inChunks(Buffer.from("new"), 9), { offset: 0, create: "any", mode: 0o777 });
    expect(modeOf(join(home, "f"))).toBe(0o640);
  });

  test("are set before a byte is written, and never wider on the way", async () => {
    const { files, server } = await scripted(servingOneFile(Buffer.alloc(0)));
    await files.write("f", inChunks(content(100_000), 9999), { offset: 0, create: "new", mode: 0o640 });
    const types = server.requests.map(({ type }) => type);
    const [open] = server.requests;
    expect(types.indexOf(packetType.fsetstat)).toBeLessThan(types.indexOf(packetType.write));
    expect(types[0]).toBe(packetType.open);
    if (open !== undefined) {
      open.body.at = 5;
      open.body.string();
      open.body.uint32();
      expect([open.body.uint32(), open.body.uint32()]).toEqual([4, 0o640]);
    }
  });
});

describe("going on with a file", () => {
  test("cuts it there, and keeps what is before", async () => {
    const { files, home } = await sftpMachine();
    const data = content(3 * mebibyte);
    writeFileSync(join(home, "f"), Buffer.concat([data.subarray(0, mebibyte + 1), Buffer.alloc(5 * mebibyte)]));
    const rest = inChunks(data.subarray(mebibyte + 1), 100_000);
    const written = await files.write("f", rest, { offset: mebibyte + 1, create: "existing", mode: null });
    expect(written).toBe(2 * mebibyte - 1);
    expect(readFileSync(join(home, "f")).equals(data)).toBeTrue();
  });

  test("makes no hole in one that is shorter, and no new one", async () => {
    const { files, home } = await sftpMachine();
    writeFileSync(join(home, "f"), "12345");
    for (const name of ["f", "none"]) {
      const write = files.write(name, inChunks(Buffer.from("x"), 1), { offset: 6, create: "any", mode: null });
      await expect(write).rejects.toMatchObject({ code: name === "f" ? "REMOTE_IO" : "NOT_FOUND" });
    }
    expect([readFileSync(join(home, "f"), "utf8"), existsSync(join(home, "none"))]).toEqual(["12345", false]);
  });
});

describe("failures", () => {
  test("a full disk leaves a beginning without a hole, of the length that is said", async () => {
    const disk = await makeSmallDisk(4 * mebibyte);
    const { files } = await sftpMachine({ home: disk.path });
    const data = content(12 * mebibyte);
    const error: SshMcpError = await files.write("f", inChunks(data, 100_000), { ...whole, create: "new" }).then(
      () => Promise.reject(new Error("it was written")),
      (thrown) => thrown,
    );
    const size = Number(
      /^cannot write "f" on db1: the disk is full; (\d+) bytes are written$/.exec(error.message)?.[1],
    );
    expect(error.code).toBe("REMOTE_IO");
    const there = readFileSync(join(disk.path, "f"));
    expect(size).toBeGreaterThan(3 * mebibyte);
    expect([there.length, there.equals(data.subarray(0, size))]).toEqual([size, true]);
  });

  test("a request that fails in the middle is cut off with all that came behind it", async () => {
    let writes = 0;
    const { files, server } = await scripted(
      servingOneFile(Buffer.alloc(0), ({ type, id }, answers) => {
        if (type !== packetType.write || ++writes !== 3) return false;
        answers.status(id, statusCode.failure, "quota");
        return true;
      }),
    );
    const write = files.write("f", inChunks(content(400_000), 40_000), { ...whole, create: "new" });
    await expect(write).rejects.toMatchObject({
      code: "REMOTE_IO",
      message: expect.stringContaining('"quota"; 40000 bytes are written'),
    });
    const cut = server.requests.findLast(({ type }) => type === packetType.fsetstat);
    cut?.body.string();
    expect([cut?.body.uint32(), cut?.body.uint64()]).toEqual([1, 40_000n]);
    await waitFor(() => server.requests.some(({ type }) => type === packetType.close), {
      what: "the file to be closed",
    });
  });

  test.each([
    ["CLOSE", packetType.close],
    ["FSETSTAT", packetType.fsetstat],
  ])("of %s are failures of the write", async (_, failing) => {
    const { files } = await scripted(
      servingOneFile(Buffer.alloc(0), ({ type, id }, answers) => {
        if (type !== failing) return false;
        answers.status(id, statusCode.failure);
        return true;
      }),
    );
    const write = files.write("f", inChunks(content(10), 10), { offset: 0, create: "new", mode: 0o600 });
    await expect(write).rejects.toMatchObject({ code: "REMOTE_IO" });
  });

  test("of the source end it at once, and the file is closed", async () => {
    const { files, client } = await sftpMachine();
    const broken = async function* () {
      yield content(100_000);
      throw new Error("the source broke");
    };
    await expect(files.write("f", broken(), { ...whole, create: "new" })).rejects.toMatchObject({
      message: expect.stringContaining("the source broke"),
    });
    await files.stat("f");
    expect(client.unanswered).toBe(0);
  });

  test("end a write whose source has nothing to give", async () => {
    const { link } = startSftpProcess();
    const client = await SftpClient.open(link, never);
    const files = new SftpFiles({ first: client, another: async () => null, where: "db1" });
    const silent = async function* () {
      yield content(100_000);
      setImmediate(() => link.end());
      await new Promise(() => undefined);
    };
    const path = join(tempDir("home"), "f");
    const failure = files
      .write(path, silent(), { ...whole, create: "new" })
      .catch((thrown: SshMcpError) => thrown.code);
    expect(await within(failure, { what: "the failure" })).toBe("CONNECTION_LOST");
  });
});

test("what is sent ahead of the answers is bounded", async () => {
  let unanswered = 0;
  let most = 0;
  const held: (() => void)[] = [];
  const { files } = await scripted(
    servingOneFile(Buffer.alloc(0), ({ type, id }, answers) => {
      if (type !== packetType.write) return false;
      unanswered++;
      most = Math.max(most, unanswered);
      held.push(() => {
        unanswered--;
        answers.status(id, statusCode.ok);
      });
      setTimeout(() => held.shift()?.(), 5);
      return true;
    }),
  );
  await files.write("f", inChunks(content(30 * mebibyte), mebibyte), { ...whole, create: "new" });
  expect(most * 32 * 1024).toBeLessThanOrEqual(17 * mebibyte);
});

test("a large file goes far away over several channels", async () => {
  const home = tempDir("home");
  const data = content(60 * mebibyte);
  const dial = () => SftpClient.open(slowLink(startSftpProcess({ home }).link, 40), never);
  let channels = 1;
  const another = async () => {
    channels++;
    return await dial();
  };
  const files = new SftpFiles({ first: await dial(), another, where: "db1" });
  await files.write("f", inChunks(data, 256 * 1024), { offset: 0, create: "new", mode: 0o600 });
  expect(readFileSync(join(home, "f")).equals(data)).toBeTrue();
  expect(channels).toBe(4);
});

describe("a link that dies at any byte", () => {
  const data = content(3 * mebibyte);
  test.each(Array.from({ length: 40 }, (_, index) => index))("cut %p", async (index) => {
    const home = tempDir("home");
    const cut = index < 10 ? 1 + index * 9 : 1 + Math.floor(Math.random() * (data.length + 1500));
    const link = cutLink(startSftpProcess({ home }).link, cut);
    const write = async (): Promise<number> => {
      const client = await SftpClient.open(link, never);
      const files = new SftpFiles({ first: client, another: async () => null, where: "db1" });
      return await files.write("f", inChunks(data, 100_000), { ...whole, create: "new" });
    };
    const outcome = await within(
      write().catch((thrown: SshMcpError) => thrown),
      { what: `an end after ${cut} bytes` },
    );
    const there = existsSync(join(home, "f")) ? readFileSync(join(home, "f")) : Buffer.alloc(0);
    expect(there.equals(data.subarray(0, there.length))).toBeTrue();
    if (typeof outcome === "number") expect(there.length).toBe(data.length);
    else expect({ cut, code: outcome.code }).toEqual({ cut, code: "CONNECTION_LOST" });
  });
});

test("devices take what they are given", async () => {
  const { files } = await sftpMachine();
  expect(await files.write("/dev/null", inChunks(content(mebibyte), 10_000), { ...whole, create: "any" })).toBe(
    mebibyte,
  );
});
