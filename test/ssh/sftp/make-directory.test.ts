import { afterAll, expect, test } from "bun:test";
import { chmodSync, mkdirSync, rmdirSync, statSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { packetType } from "../../../src/ssh/sftp/packet-types.ts";
import { SftpClient } from "../../../src/ssh/sftp/sftp-client.ts";
import { SftpFiles } from "../../../src/ssh/sftp/sftp-files.ts";
import { cleanup } from "../../support/cleanup.ts";
import { startSftpProcess } from "../../support/sftp-process.ts";
import { tempDir } from "../../support/temp.ts";

afterAll(cleanup);

/** A server, and the types of the requests that it got; `before` is told of each. */
const served = async (before: (type: number) => void = () => undefined) => {
  const home = tempDir("home");
  const { link } = startSftpProcess({ home });
  const types: number[] = [];
  const send = link.send;
  link.send = (bytes) => {
    const type = bytes[4] ?? 0;
    types.push(type);
    before(type);
    send(bytes);
  };
  const first = await SftpClient.open(link, AbortSignal.timeout(10_000));
  return { home, types, files: new SftpFiles({ first, another: async () => null, where: "db1" }) };
};

const modeOf = (path: string): number => statSync(path).mode & 0o7777;

test("a directory that has its mode when it is made is not touched again", async () => {
  const { home, types, files } = await served();
  await files.makeDirectory("d", 0o750);
  expect([modeOf(join(home, "d")), types.includes(packetType.setstat)]).toEqual([0o750, false]);
  await files.makeDirectory("w", 0o777);
  expect(modeOf(join(home, "w"))).toBe(0o777);
});

test("a link that has taken its place is not followed", async () => {
  let home = "";
  const there = await served((type) => {
    if (type !== packetType.lstat) return;
    rmdirSync(join(home, "d"));
    symlinkSync("victim", join(home, "d"));
  });
  home = there.home;
  mkdirSync(join(home, "victim"));
  chmodSync(join(home, "victim"), 0o700);
  await expect(there.files.makeDirectory("d", 0o777)).rejects.toMatchObject({ code: "REMOTE_IO" });
  expect(modeOf(join(home, "victim"))).toBe(0o700);
});
