import { describe, expect, test } from "bun:test";
import type { SshMcpError } from "../../../src/core/errors.ts";
import { packetType, statusCode } from "../../../src/ssh/sftp/packet-types.ts";
import { PacketWriter } from "../../../src/ssh/sftp/packet-writer.ts";
import { SftpClient } from "../../../src/ssh/sftp/sftp-client.ts";
import { SftpFiles } from "../../../src/ssh/sftp/sftp-files.ts";
import { type SftpAnswers, type SftpRequest, scriptedSftp, servingOneFile } from "../../support/sftp-server.ts";
import { waitFor, within } from "../../support/wait.ts";

const never = new AbortController().signal;

const failureOf = async (work: Promise<unknown>): Promise<SshMcpError> =>
  await within(
    work.then(
      (value) => {
        throw new Error(`no failure, but ${JSON.stringify(value)}`);
      },
      (thrown: SshMcpError) => thrown,
    ),
    { what: "a failure" },
  );

const opened = async (answer: (request: SftpRequest, answers: SftpAnswers) => void, extensions = openSsh) => {
  const server = scriptedSftp(answer, { extensions });
  const client = await SftpClient.open(server.link, never);
  return { server, client, files: new SftpFiles({ first: client, another: async () => null, where: "db1" }) };
};

const openSsh: readonly (readonly [string, string])[] = [
  ["posix-rename@openssh.com", "1"],
  ["limits@openssh.com", "1"],
];

const readAll = async (files: SftpFiles): Promise<number> => {
  const file = await files.open("x");
  let bytes = 0;
  for await (const chunk of file.read(0, null)) bytes += chunk.length;
  return bytes;
};

const versionOf = (number: number): Buffer => new PacketWriter(packetType.version).uint32(number).packet();

describe("a server that does not greet as it must", () => {
  test.each([
    ["version 2", (answers: SftpAnswers) => answers.raw(versionOf(2)), "version 2"],
    ["version 6", (answers: SftpAnswers) => answers.raw(versionOf(6)), "version 6"],
    ["no version", (answers: SftpAnswers) => answers.raw(Buffer.of(0, 0, 0, 1, 2)), "version 0"],
    ["another packet", (answers: SftpAnswers) => answers.status(1, 0), "type 101"],
    [
      "half an extension",
      (answers: SftpAnswers) => answers.raw(Buffer.of(0, 0, 0, 9, 2, 0, 0, 0, 3, 0, 0, 0, 9)),
      "extensions",
    ],
    ["a huge length", (answers: SftpAnswers) => answers.raw(Buffer.of(0xff, 0xff, 0xff, 0xff, 2)), "4294967295"],
    ["a length of zero", (answers: SftpAnswers) => answers.raw(Buffer.alloc(4)), "0 bytes"],
    [
      "words",
      (answers: SftpAnswers) => answers.raw(Buffer.from("Welcome!\n")),
      'text in place of SFTP; it begins "Welc"',
    ],
  ])("%s", async (_, greet, words) => {
    const server = scriptedSftp(() => {}, { greet });
    const error = await failureOf(SftpClient.open(server.link, never));
    expect(error).toMatchObject({ code: "PROTOCOL_ERROR", message: expect.stringContaining(words) });
    expect(server.isEnded()).toBeTrue();
  });

  test("an end before the version is the link's", async () => {
    const server = scriptedSftp(() => {}, { greet: (answers) => answers.die() });
    expect((await failureOf(SftpClient.open(server.link, never))).code).toBe("CONNECTION_LOST");
  });

  test("silence is ended by the caller", async () => {
    const server = scriptedSftp(() => {}, { greet: () => {} });
    const abort = new AbortController();
    const opening = failureOf(SftpClient.open(server.link, abort.signal));
    abort.abort();
    expect((await opening).code).toBe("CANCELED");
    expect(server.isEnded()).toBeTrue();
  });
});

describe("a reply that no server may send ends the link and all requests", () => {
  const stat = (answer: (id: number, answers: SftpAnswers) => void) => (request: SftpRequest, answers: SftpAnswers) => {
    if (request.type === packetType.stat) answer(request.id, answers);
  };
  test.each<[string, (request: SftpRequest, answers: SftpAnswers) => void]>([
    ["an unknown id", stat((id, answers) => answers.attributes(id + 7, {}))],
    ["another type", stat((id, answers) => answers.handle(id))],
    ["half of attributes", stat((id, answers) => answers.reply(packetType.attrs, id, (writer) => writer.uint32(15)))],
    [
      "an absurd size",
      stat((id, answers) =>
        answers.reply(packetType.attrs, id, (writer) => writer.uint32(1).uint32(0xffff_ffff).uint32(0)),
      ),
    ],
    [
      "endless extended attributes",
      stat((id, answers) =>
        answers.reply(packetType.attrs, id, (writer) => writer.uint32(0x8000_0000).uint32(0xffff_ffff)),
      ),
    ],
    ["a packet without an id", stat((_, answers) => answers.raw(Buffer.of(0, 0, 0, 2, 105, 0)))],
    ["a huge length", stat((_, answers) => answers.raw(Buffer.of(0x7f, 0, 0, 0)))],
    ["a status without a code", stat((id, answers) => answers.reply(packetType.status, id))],
    ["OK where facts are due", stat((id, answers) => answers.status(id, statusCode.ok))],
    ["VERSION once more", stat((_, answers) => answers.raw(versionOf(3)))],
  ])("%s", async (_, answer) => {
    const { server, client, files } = await opened(answer);
    const other = failureOf(files.readLink("y"));
    const error = await failureOf(files.stat("x"));
    expect(error.message).toStartWith('cannot look at "x" on db1: ');
    expect((await other).code).toBe("PROTOCOL_ERROR");
    expect({ code: error.code, isEnded: server.isEnded() }).toEqual({ code: "PROTOCOL_ERROR", isEnded: true });
    expect((await failureOf(files.stat("later"))).code).toBe("PROTOCOL_ERROR");
    expect(client.unanswered).toBe(0);
  });

  test("a second reply to the same request", async () => {
    const { client, files } = await opened(
      stat((id, answers) => {
        answers.attributes(id, { size: 1 });
        answers.attributes(id, { size: 2 });
      }),
    );
    expect((await files.stat("x"))?.size).toBe(1);
    expect((await within(client.ended, { what: "the end" })).code).toBe("PROTOCOL_ERROR");
  });

  test.each<[string, (id: number, answers: SftpAnswers) => void]>([
    ["more data than was asked for", (id, answers) => answers.data(id, Buffer.alloc(255 * 1024 + 1))],
    ["data without a byte", (id, answers) => answers.data(id, Buffer.alloc(0))],
    ["data that ends too early", (id, answers) => answers.reply(packetType.data, id, (writer) => writer.uint32(900))],
    ["names for data", (id, answers) => answers.names(id, ["x"])],
  ])("%s", async (_, answer) => {
    const serve = servingOneFile(Buffer.alloc(10), ({ type, id }, answers) => {
      if (type === packetType.read) answer(id, answers);
      return type === packetType.read;
    });
    const { files, server } = await opened(serve);
    expect((await failureOf(readAll(files))).code).toBe("PROTOCOL_ERROR");
    expect(server.isEnded()).toBeTrue();
  });

  test.each<[string, (id: number, answers: SftpAnswers) => void]>([
    ["batches without a name", (id, answers) => answers.names(id, [])],
    [
      "more names than bytes",
      (id, answers) => answers.reply(packetType.name, id, (writer) => writer.uint32(0x0fff_ffff)),
    ],
    [
      "a name that is cut",
      (id, answers) => answers.reply(packetType.name, id, (writer) => writer.uint32(1).uint32(99).uint64(0).uint64(0)),
    ],
    [
      "bytes behind the names",
      (id, answers) => answers.reply(packetType.name, id, (writer) => writer.uint32(0).uint32(0)),
    ],
  ])("%s in a directory", async (_, answer) => {
    const { files, server } = await opened(({ type, id }, answers) => {
      if (type === packetType.opendir) answers.handle(id);
      if (type === packetType.readdir) answer(id, answers);
    });
    const list = async () => {
      for await (const _entries of files.list("d"));
    };
    expect(await failureOf(list())).toMatchObject({ code: "PROTOCOL_ERROR", message: expect.stringContaining('"d"') });
    expect(server.isEnded()).toBeTrue();
  });

  test("a handle longer than the draft has it", async () => {
    const { files } = await opened(({ type, id }, answers) => {
      if (type === packetType.open) answers.handle(id, "h".repeat(257));
      else if (type === packetType.stat) answers.attributes(id, {});
    });
    expect((await failureOf(files.open("x"))).code).toBe("PROTOCOL_ERROR");
  });
});

describe("what a server may do", () => {
  test("a directory without end is the caller's to leave", async () => {
    const { files, server } = await opened(({ type, id }, answers) => {
      if (type === packetType.opendir) answers.handle(id);
      else if (type === packetType.readdir) answers.names(id, ["../x", "/etc/x", ".", ".."]);
      else answers.status(id, type === packetType.close ? statusCode.ok : statusCode.operationUnsupported);
    });
    let batches = 0;
    for await (const entries of files.list("d")) {
      expect(entries.map(({ name }) => name)).toEqual(["../x", "/etc/x"]);
      if (++batches === 500) break;
    }
    expect(server.requests.filter(({ type }) => type === packetType.readdir).length).toBeLessThan(550);
    expect(server.requests.length).toBeGreaterThan(0);
  });

  test("100,000 entries are never held together", async () => {
    let batches = 0;
    const { files, client } = await opened(({ type, id }, answers) => {
      if (type === packetType.opendir) answers.handle(id);
      else if (type === packetType.readdir && batches < 1000) {
        batches++;
        answers.names(
          id,
          Array.from({ length: 100 }, (_, index) => `a-name-of-some-length-${batches}-${index}`),
        );
      } else answers.status(id, type === packetType.readdir ? statusCode.eof : statusCode.ok);
    }, []);
    let count = 0;
    for await (const entries of files.list("d")) {
      count += entries.length;
      expect(batches - count / 100).toBeLessThanOrEqual(33);
      if (count === 40_000) await Bun.sleep(20);
    }
    expect(count).toBe(100_000);
    await waitFor(() => client.unanswered === 0, { what: "the last answer" });
  });

  test("words of a server are escaped", async () => {
    const { files } = await opened(({ id }, answers) => answers.status(id, 4, 'no\x1b[2J "room"'));
    const error = await failureOf(files.remove("a\x1b[2Jb"));
    expect(error).toMatchObject({ code: "REMOTE_IO" });
    expect(error.message).toBe(`cannot remove "a\\x1b[2Jb" on db1: the server says "no\\x1b[2J 'room'"`);
  });

  test.each([
    [statusCode.noSuchFile, "NOT_FOUND"],
    [statusCode.permissionDenied, "REMOTE_PERMISSION"],
    [statusCode.failure, "REMOTE_IO"],
    [statusCode.badMessage, "REMOTE_IO"],
    [statusCode.connectionLost, "REMOTE_IO"],
    [statusCode.operationUnsupported, "UNSUPPORTED"],
    [4_000_000_000, "REMOTE_IO"],
  ] as const)("status %p is %s", async (code, expected) => {
    const { files } = await opened(({ id }, answers) => answers.status(id, code));
    expect((await failureOf(files.makeDirectory("d", null))).code).toBe(expected);
  });

  test("short replies are continued, in as many requests as that takes", async () => {
    const content = Buffer.from(Array.from({ length: 200_000 }, (_, index) => index % 251));
    const serve = servingOneFile(content, ({ type, id, body }, answers) => {
      if (type !== packetType.read) return false;
      const at = body.at;
      body.string();
      const start = Number(body.uint64());
      const length = Math.min(body.uint32(), 1 + (start % 7000));
      body.at = at;
      if (start >= content.length) answers.status(id, statusCode.eof);
      else answers.data(id, content.subarray(start, start + length));
      return true;
    });
    const { files } = await opened(serve);
    const file = await files.open("x");
    const chunks: Uint8Array[] = [];
    for await (const chunk of file.read(0, null)) chunks.push(chunk);
    expect(Buffer.concat(chunks).equals(content)).toBeTrue();
  });

  test("replies in any order give the bytes in order", async () => {
    const content = Buffer.from(Array.from({ length: 900_000 }, (_, index) => index % 253));
    const waiting: (() => void)[] = [];
    const serve = servingOneFile(content);
    const { files } = await opened((request, answers) => {
      if (request.type !== packetType.read) {
        serve(request, answers);
        return;
      }
      waiting.splice(Math.floor(Math.random() * (waiting.length + 1)), 0, () => serve(request, answers));
      setTimeout(() => waiting.shift()?.(), 2);
    }, []);
    const file = await files.open("x");
    const chunks = await Array.fromAsync(file.read(0, null));
    expect(Buffer.concat(chunks).equals(content)).toBeTrue();
  });

  test("a file that was closed asks for nothing more", async () => {
    const { files, server } = await opened(servingOneFile(Buffer.alloc(5_000_000)));
    const file = await files.open("x");
    const read = async () => {
      for await (const _ of file.read(0, null)) file.close();
    };
    expect((await failureOf(read())).message).toContain("it was closed while it was read");
    expect((await failureOf(file.facts())).code).toBe("INTERNAL");
    await files.stat("x");
    const types = server.requests.map(({ type }) => type);
    expect(types.lastIndexOf(packetType.read)).toBeLessThan(types.indexOf(packetType.close));
  });

  test("a server that says no limits is asked for 32 KiB", async () => {
    const { files, server } = await opened(servingOneFile(Buffer.alloc(300_000)), []);
    expect(await readAll(files)).toBe(300_000);
    const lengths = server.requests
      .filter(({ type }) => type === packetType.read)
      .map(({ body }) => {
        body.at = 5;
        body.string();
        body.uint64();
        return body.uint32();
      });
    expect(Math.max(...lengths)).toBe(32 * 1024);
  });

  test("a file that ends before its size is an error", async () => {
    const serve = servingOneFile(Buffer.alloc(1000), ({ type, id }, answers) => {
      if (type === packetType.fstat) answers.attributes(id, { size: 5000 });
      return type === packetType.fstat;
    });
    const { files } = await opened(serve);
    expect(await failureOf(readAll(files))).toMatchObject({
      code: "REMOTE_IO",
      message: 'cannot read "x" on db1: it was cut while it was read, and ends after 1000 of 5000 bytes',
    });
  });
});
