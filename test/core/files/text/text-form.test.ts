import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { bytesOf, lineEndingOf, textEncodings, textOf } from "../../../../src/core/files/text/text-form.ts";

const bytes = (...numbers: number[]): Uint8Array => Uint8Array.from(numbers);

describe("the form of a text", () => {
  test.each([
    ["UTF-8", bytes(0xc3, 0xa9, 10), "é\n", "utf-8", false],
    ["nothing", bytes(), "", "utf-8", false],
    ["UTF-8 with its mark", bytes(0xef, 0xbb, 0xbf, 0x61), "a", "utf-8", true],
    ["UTF-16, little end first", bytes(0xff, 0xfe, 0x61, 0, 10, 0), "a\n", "utf-16le", true],
    ["UTF-16, big end first", bytes(0xfe, 0xff, 0, 0x61, 0, 10), "a\n", "utf-16be", true],
    ["bytes of an older encoding", bytes(0x61, 0xe9, 0x62, 10, 0x63, 0x64), "aéb\ncd", "latin1", false],
  ] as const)("%s", (_, given, text, encoding, bom) => {
    expect(textOf(given)).toEqual({ text, form: { encoding, bom } });
  });

  test.each([
    ["a NUL byte", bytes(0x61, 0, 0x62)],
    ["UTF-16 that is cut", bytes(0xff, 0xfe, 0x61)],
    ["half a surrogate pair", bytes(0xff, 0xfe, 0, 0xd8, 0x61, 0)],
    ["UTF-32", bytes(0xff, 0xfe, 0, 0, 0x61, 0, 0, 0)],
    ["compressed data", bytes(0x1f, 0x8b, 8, 0, 0xff, 0xfe, 0x80, 0x81)],
  ])("%s is binary", (_, given) => {
    expect(textOf(given)).toBeNull();
  });

  test("bytes come back as they were", () => {
    const anyBytes = fc.uint8Array({ maxLength: 40 });
    const mostlyText = fc.array(fc.constantFrom(10, 13, 0x61, 0x62, 0x63, 0x64, 0xe9), { maxLength: 60 });
    fc.assert(
      fc.property(
        fc.oneof(
          anyBytes,
          mostlyText.map((all) => Uint8Array.from(all)),
        ),
        (given) => {
          const found = textOf(given);
          if (found !== null) expect(bytesOf(found.text, found.form)).toEqual(given);
        },
      ),
      { numRuns: 3000 },
    );
  });

  test("texts come back from every encoding that has them", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), fc.constantFrom(...textEncodings), (text, encoding) => {
        if (encoding === "latin1" || text.includes("\0") || text.startsWith("\ufeff")) return;
        const given = bytesOf(text, { encoding, bom: true }) ?? bytes();
        expect(textOf(given)).toEqual({ text, form: { encoding, bom: true } });
      }),
    );
  });

  test("what an encoding has no character for is told", () => {
    expect(bytesOf("€", { encoding: "latin1", bom: false })).toBeNull();
  });

  test.each([
    ["a", "none"],
    ["a\nb", "lf"],
    ["a\r\nb\r\n", "crlf"],
    ["a\r\nb\n", "mixed"],
    ["\n\r\n", "mixed"],
  ] as const)("%p ends its lines by %s", (text, ending) => {
    expect(lineEndingOf(text)).toBe(ending);
  });
});
