import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { fileTypes } from "../../../src/core/files/file-facts.ts";
import {
  decodeEntry,
  decodeFile,
  encodeEntries,
  encodeFiles,
  encodePaths,
  recordLimit,
  recordsOf,
} from "../../../src/core/files/file-records.ts";
import { pathText } from "../../../src/core/files/path-text.ts";

const orNull = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: null });
const name = fc.uint8Array({ minLength: 1, maxLength: 40 }).map(pathText);
const word = fc.nat(0xffff_ffff);
const facts = fc.record({
  type: fc.constantFrom(...fileTypes),
  size: fc.maxSafeNat(),
  mode: orNull(fc.nat(0o7777)),
  uid: orNull(word),
  gid: orNull(word),
  mtime: orNull(fc.maxSafeInteger()),
});
const form = fc.record({ mode: orNull(fc.nat(0o7777)), masked: fc.boolean(), mtime: orNull(fc.maxSafeInteger()) });

/** Cut anywhere. */
async function* cut(bytes: Uint8Array, sizes: readonly number[]): AsyncGenerator<Uint8Array> {
  let at = 0;
  for (const size of sizes) {
    if (at < bytes.length) yield bytes.slice(at, at + size);
    at += size;
  }
  if (at < bytes.length) yield bytes.slice(at);
}

const all = async (chunks: AsyncIterable<Uint8Array>): Promise<Uint8Array[]> => {
  const found: Uint8Array[] = [];
  for await (const some of recordsOf(chunks)) found.push(...some);
  return found;
};

const sizes = fc.array(fc.integer({ min: 1, max: 300 }), { maxLength: 60 });

test("entries come back, however they are cut", async () => {
  const entry = fc.record({ path: name, facts, linkTarget: orNull(name) });
  await fc.assert(
    fc.asyncProperty(fc.array(entry, { maxLength: 20 }), sizes, async (entries, pieces) => {
      expect((await all(cut(encodeEntries(entries), pieces))).map(decodeEntry)).toEqual(entries);
    }),
  );
});

test("files come back, with what they are to be", async () => {
  const file = fc.record({ path: name, facts, content: fc.uint8Array({ maxLength: 500 }), form });
  await fc.assert(
    fc.asyncProperty(fc.array(file, { maxLength: 10 }), sizes, async (files, pieces) => {
      const bytes = encodeFiles(files, (one) => (one as (typeof files)[number]).form);
      expect((await all(cut(bytes, pieces))).map(decodeFile)).toEqual(files);
    }),
  );
});

test("paths come back", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(name), sizes, async (paths, pieces) => {
      expect((await all(cut(encodePaths(paths), pieces))).map(pathText)).toEqual(paths);
    }),
  );
});

describe("a stream that makes no sense", () => {
  const code = (promise: Promise<unknown>) =>
    promise.then(
      () => "fine",
      (thrown) => thrown.code,
    );

  test("is refused: a length over the limit before a byte of it is kept, and one that ends within a record", async () => {
    const head = new Uint8Array(4);
    new DataView(head.buffer).setUint32(0, recordLimit + 1);
    expect(await code(all(cut(head, [1, 1, 1])))).toBe("PROTOCOL_ERROR");
    expect(await code(all(cut(encodePaths(["abc"]).slice(0, -1), [])))).toBe("PROTOCOL_ERROR");
  });

  test("is refused, or is some record, whatever its bytes", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (body) => {
        try {
          decodeFile(body);
        } catch (thrown) {
          expect(thrown).toMatchObject({ code: "PROTOCOL_ERROR" });
        }
      }),
    );
  });
});
