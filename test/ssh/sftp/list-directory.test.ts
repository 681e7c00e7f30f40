/** Directories of a server that fills its packets. */
import { expect, test } from "bun:test";
import { packetType, statusCode } from "../../../src/ssh/sftp/packet-types.ts";
import { SftpClient } from "../../../src/ssh/sftp/sftp-client.ts";
import { SftpFiles } from "../../../src/ssh/sftp/sftp-files.ts";
import { type SftpAnswers, scriptedSftp } from "../../support/sftp-server.ts";

/** The first batch as it is said, and the end behind it. */
const listing = async (batch: (id: number, answers: SftpAnswers) => void) => {
  let asked = 0;
  const server = scriptedSftp(({ type, id }, answers) => {
    if (type === packetType.opendir) answers.handle(id);
    else if (type !== packetType.readdir) answers.status(id, statusCode.ok);
    else if (asked++ === 0) batch(id, answers);
    else answers.status(id, statusCode.eof);
  });
  const first = await SftpClient.open(server.link, new AbortController().signal);
  return { server, files: new SftpFiles({ first, another: async () => null, where: "db1" }) };
};

test("a batch of thousands of names comes in parts, and others have their turn between them", async () => {
  const names = Array.from({ length: 2000 }, (_, index) => Buffer.from([0x80, ...Buffer.from(`${index}`)]));
  const { files } = await listing((id, answers) => answers.names(id, names));
  let turns = 0;
  const timer = setInterval(() => {
    turns += 1;
  }, 0);
  const found: string[] = [];
  const lengths: number[] = [];
  for await (const entries of files.list("d")) {
    lengths.push(entries.length);
    found.push(...entries.map(({ name }) => name));
  }
  clearInterval(timer);
  expect(found).toEqual(names.map((_, index) => `\udc80${index}`));
  expect(Math.max(...lengths)).toBeLessThanOrEqual(512);
  expect(turns).toBeGreaterThan(0);
});

test("what is broken behind thousands of good names ends the link", async () => {
  const { files, server } = await listing((id, answers) =>
    answers.reply(packetType.name, id, (writer) => {
      writer.uint32(1001);
      for (let index = 0; index < 1000; index++) {
        writer
          .string(Buffer.from(`${index}`))
          .string(Buffer.alloc(0))
          .uint32(0);
      }
      // Longer than what is left.
      writer.uint32(1000).uint32(0).uint32(0);
    }),
  );
  const found: string[] = [];
  const reading = (async () => {
    for await (const entries of files.list("d")) found.push(...entries.map(({ name }) => name));
  })();
  await expect(reading).rejects.toMatchObject({ code: "PROTOCOL_ERROR" });
  expect(found.length).toBeLessThanOrEqual(1000);
  expect(server.isEnded()).toBe(true);
});
