/** A part over SFTP whose name somebody else has taken: it is made new, and what was there, or what it leads to, is left alone. */
import { afterAll, describe, expect, test } from "bun:test";
import {
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { SshMcpError } from "../../../src/core/errors.ts";
import { writeAtomically } from "../../../src/core/files/atomic-write.ts";
import { writeBeside } from "../../../src/core/files/beside.ts";
import type { RemoteFiles } from "../../../src/core/files/remote-files.ts";
import { openFlag, packetType } from "../../../src/ssh/sftp/packet-types.ts";
import { SftpClient } from "../../../src/ssh/sftp/sftp-client.ts";
import { SftpFiles } from "../../../src/ssh/sftp/sftp-files.ts";
import type { SftpLink } from "../../../src/ssh/sftp/sftp-link.ts";
import { given } from "../../ssh/sh-files/subjects.ts";
import { cleanup } from "../../support/cleanup.ts";
import { startSftpProcess } from "../../support/sftp-process.ts";
import { tempDir } from "../../support/temp.ts";

afterAll(cleanup);

/** OpenSSH's server, but for OPENs that lose SSH_FXF_EXCL on the way: there are servers that do not heed it. */
const heedless = (inner: SftpLink): SftpLink => {
  const link: SftpLink = {
    send: (bytes) => inner.send(withoutExclusive(bytes)),
    onData: () => undefined,
    ended: inner.ended,
    end: () => inner.end(),
  };
  inner.onData = (chunk) => link.onData(chunk);
  return link;
};

/** `uint32 length | byte type | uint32 id | string path | uint32 flags`: a request without content is sent as one. */
const withoutExclusive = (bytes: Uint8Array): Uint8Array => {
  const packet = Buffer.from(bytes);
  const isWhole = packet.length > 13 && packet.readUInt32BE(0) === packet.length - 4;
  if (!isWhole || packet[4] !== packetType.open) return packet;
  const at = 13 + packet.readUInt32BE(9);
  packet.writeUInt32BE(packet.readUInt32BE(at) & ~openFlag.exclusive, at);
  return packet;
};

const filesAt = async (home: string, bend: (inner: SftpLink) => SftpLink): Promise<RemoteFiles> => {
  const first = await SftpClient.open(bend(startSftpProcess({ home }).link), AbortSignal.timeout(10_000));
  return new SftpFiles({ first, another: async () => null, where: "db1" });
};

const byPart = (files: RemoteFiles, bytes: AsyncIterable<Uint8Array>) =>
  writeBeside(files, "d/file", bytes, 0o600, [{ mode: 0o640 }], { part: ".part", from: 0 });

/** Longer than all that is written. */
const victim = "what was there before, and stays as it is ".repeat(3000);

const planted: [string, (home: string) => void][] = [
  ["a file", (home) => writeFileSync(join(home, "d/.part"), victim)],
  ["a link to a file", (home) => symlinkSync("../victim", join(home, "d/.part"))],
  ["a file of two names", (home) => linkSync(join(home, "victim"), join(home, "d/.part"))],
  ["a link to nothing", (home) => symlinkSync("../nothing", join(home, "d/.part"))],
  ["a link to itself", (home) => symlinkSync(".part", join(home, "d/.part"))],
];

const servers: [string, (inner: SftpLink) => SftpLink][] = [
  ["a server", (inner) => inner],
  ["a server that opens what is there though the file has to be new", heedless],
];

const counted = (bytes: AsyncIterable<Uint8Array>) => {
  const source = {
    begun: 0,
    async *[Symbol.asyncIterator]() {
      source.begun++;
      yield* bytes;
    },
  };
  return source;
};

const worldOf = async (bend: (inner: SftpLink) => SftpLink) => {
  const home = tempDir("home");
  mkdirSync(join(home, "d"));
  writeFileSync(join(home, "victim"), victim, { mode: 0o755 });
  return { home, files: await filesAt(home, bend) };
};

describe.each(servers)("%s", (_name, bend) => {
  test.each(planted)("makes a part new in place of %s", async (_what, plant) => {
    const { home, files } = await worldOf(bend);
    plant(home);
    const source = counted(given("one ", "x".repeat(100_000), " end"));
    const { bytes } = await byPart(files, source);
    const part = join(home, "d/.part");
    expect([bytes, source.begun, lstatSync(part).isFile(), lstatSync(part).nlink]).toEqual([100_008, 1, true, 1]);
    expect(readFileSync(part, "utf8")).toBe(`one ${"x".repeat(100_000)} end`);
    expect(readFileSync(join(home, "victim"), "utf8")).toBe(victim);
    expect(lstatSync(join(home, "victim")).mode & 0o7777).toBe(0o755);
    const nothing = join(home, "nothing");
    expect(existsSync(nothing) ? readFileSync(nothing, "utf8") : "").toBe("");
  });

  test.each([
    ["a free name", null],
    ["a name that is taken", (home: string) => symlinkSync("../victim", join(home, "d/.part"))],
  ])("a source that says of itself that something is there already is asked once, for %s", async (_what, plant) => {
    const { home, files } = await worldOf(bend);
    plant?.(home);
    const reason = new SshMcpError("ALREADY_EXISTS", "the source has it twice");
    const source = counted(
      (async function* () {
        yield* given("half");
        throw reason;
      })(),
    );
    expect(await byPart(files, source).catch((thrown: unknown) => thrown)).toBe(reason);
    expect([source.begun, existsSync(join(home, "d/file"))]).toEqual([1, false]);
    expect(readFileSync(join(home, "victim"), "utf8")).toBe(victim);
  });
});

test("a file whose source says that something is there already stays as it is", async () => {
  const { home, files } = await worldOf((inner) => inner);
  const reason = new SshMcpError("ALREADY_EXISTS", "the source has it twice");
  const source = counted(
    (async function* () {
      yield* given("half");
      throw reason;
    })(),
  );
  const writing = writeAtomically(files, "victim", source, { mode: null, create: "any" });
  expect(await writing.catch((thrown: unknown) => thrown)).toBe(reason);
  expect([source.begun, readFileSync(join(home, "victim"), "utf8") === victim]).toEqual([1, true]);
  expect(readdirSync(home).sort()).toEqual(["d", "victim"]);
});
