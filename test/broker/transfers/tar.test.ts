import { afterAll, expect, test } from "bun:test";
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { type TarMember, TarReader } from "../../../src/broker/transfers/tar-reader.ts";
import { encodeTar, type TarFile, tarEnd } from "../../../src/broker/transfers/tar-writer.ts";
import { SshMcpError } from "../../../src/core/errors.ts";
import { pathBytes } from "../../../src/core/files/path-text.ts";
import { cleanup } from "../../support/cleanup.ts";
import { tempDir } from "../../support/temp.ts";

afterAll(cleanup);

const name = fc
  .string({ unit: "binary", minLength: 1, maxLength: 60 })
  .map((text) => text.replace(/[/\0\ud800-\udfff]/g, "_"))
  .filter((text) => text !== "." && text !== ".." && pathBytes(text).length <= 255);
const files: fc.Arbitrary<TarFile[]> = fc.uniqueArray(
  fc.record({
    path: name.map((text) => `./${text}`),
    mode: fc.integer({ min: 0o400, max: 0o777 }).map((mode) => mode | 0o400),
    mtime: fc.integer({ min: 0, max: 1_700_000_000 }),
    content: fc.uint8Array({ maxLength: 1500 }),
  }),
  { selector: ({ path }) => path, maxLength: 12 },
);

const archive = (members: readonly TarFile[]): Uint8Array => Buffer.concat([encodeTar(members), tarEnd()]);

const readIn = (bytes: Uint8Array, pieceLength: number): TarMember[] => {
  const reader = new TarReader(128 * 1024);
  const members: TarMember[] = [];
  for (let at = 0; at < bytes.length; at += pieceLength)
    members.push(...reader.push(bytes.subarray(at, at + pieceLength)));
  expect(reader.isWhole).toBe(true);
  return members;
};

const asMembers = (list: readonly TarFile[]): TarMember[] =>
  list.map((file) => ({ ...file, content: Uint8Array.from(file.content), type: "0", size: file.content.length }));

const run = (words: string[], stdin: Uint8Array): Uint8Array => {
  const done = Bun.spawnSync(words, { stdin, env: { PATH: process.env["PATH"], LC_ALL: "C" } });
  expect(done.stderr.toString()).toBe("");
  return done.stdout;
};

test("what is written is read back, in pieces of any length, and several archives in a row", () => {
  fc.assert(
    fc.property(files, fc.integer({ min: 1, max: 2000 }), (list, length) => {
      expect(readIn(archive(list), length)).toEqual(asMembers(list));
      expect(readIn(Buffer.concat([archive(list), archive(list)]), length)).toHaveLength(2 * list.length);
    }),
    { numRuns: 100 },
  );
});

test.each<string[]>([["tar"], ["busybox", "tar"]])(
  "%s takes out what we write: names, bytes, modes and times",
  (...tar) => {
    fc.assert(
      fc.property(files, (list) => {
        const folder = tempDir();
        run([...tar, "-x", "-o", "-p", "-f", "-", "-C", folder], archive(list));
        expect(readdirSync(folder, { encoding: "buffer" }).length).toBe(list.length);
        for (const { path, mode, mtime, content } of list) {
          const at = Buffer.concat([Buffer.from(`${folder}/`), pathBytes(path)]);
          expect(readFileSync(at).equals(content)).toBe(true);
          expect(statSync(at).mode & 0o7777).toBe(mode);
          expect(statSync(at).mtimeMs).toBe(mtime * 1000);
        }
      }),
      { numRuns: 15 },
    );
  },
);

const formats = [["--format=gnu"], ["--format=pax"], ["--format=posix", "--no-recursion"], ["--format=ustar"]];
test.each(formats)("what tar %s writes is read", (...flags) => {
  const folder = tempDir();
  const long = "d".repeat(flags[0] === "--format=ustar" ? 60 : 140);
  mkdirSync(join(folder, long, long), { recursive: true });
  writeFileSync(join(folder, long, long, "file"), "one");
  writeFileSync(join(folder, "é\t\n'"), new Uint8Array(3000));
  writeFileSync(join(folder, "empty"), "");
  const bytes = run(
    ["tar", ...flags, "-c", "-f", "-", "-C", folder, `./${long}/${long}/file`, "./é\t\n'", "./empty"],
    new Uint8Array(),
  );
  const members = readIn(bytes, 700);
  expect(members.map(({ path, size }) => [path, size])).toEqual([
    [`./${long}/${long}/file`, 3],
    ["./é\t\n'", 3000],
    ["./empty", 0],
  ]);
  expect(members[0]?.mtime).toBe(Math.floor(statSync(join(folder, "empty")).mtimeMs / 1000));
});

test("busybox's archives are read, links and directories among them", () => {
  const folder = tempDir();
  mkdirSync(join(folder, "d"));
  writeFileSync(join(folder, "d", "x".repeat(120)), "one");
  Bun.spawnSync(["ln", "-s", "d", join(folder, "link")]);
  const members = readIn(
    run(["busybox", "tar", "-c", "-f", "-", "-C", folder, "./d", "./link"], new Uint8Array()),
    512,
  );
  expect(members.map(({ path, type }) => [path, type]).sort()).toEqual([
    ["./d/", "5"],
    [`./d/${"x".repeat(120)}`, "0"],
    ["./link", "2"],
  ]);
});

test("a larger file than is taken is told without its content, and what follows is read", () => {
  const list = [
    { path: "big", mode: 0o600, mtime: 1, content: new Uint8Array(5000) },
    { path: "small", mode: 0o600, mtime: 1, content: new Uint8Array(5) },
  ];
  const reader = new TarReader(4096);
  expect(reader.push(archive(list)).map(({ path, size, content }) => [path, size, content?.length ?? null])).toEqual([
    ["big", 5000, null],
    ["small", 5, 5],
  ]);
});

test("what is no archive is refused, and never believed", () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 512, maxLength: 4096 }), (bytes) => {
      const reader = new TarReader(4096);
      try {
        reader.push(bytes);
      } catch (error) {
        expect(error).toBeInstanceOf(SshMcpError);
      }
    }),
  );
  const good = archive([{ path: "a", mode: 0o600, mtime: 1, content: new Uint8Array(600) }]);
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 511 }), fc.integer({ min: 1, max: 255 }), (at, change) => {
      const bad = Uint8Array.from(good);
      bad[at] = ((bad[at] ?? 0) + change) % 256;
      const reader = new TarReader(4096);
      try {
        const members = reader.push(bad);
        // What the checksum itself ignores: a blank more.
        expect(members).toHaveLength(1);
        expect(at).toBeGreaterThanOrEqual(148);
        expect(at).toBeLessThan(156);
      } catch (error) {
        expect((error as SshMcpError).code).toBe("PROTOCOL_ERROR");
      }
    }),
  );
});
