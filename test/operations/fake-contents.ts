/** Answers about the contents of a file. */
import type * as v from "valibot";
import type { editFile } from "../../src/operations/edit-file.ts";
import type { readFile } from "../../src/operations/read-file.ts";
import type { writeFile } from "../../src/operations/write-file.ts";

type Output<Definition extends { output: v.GenericSchema }> = v.InferOutput<Definition["output"]>;

export const text: Output<typeof readFile> = {
  ...{ target: "web", path: "a", content: "a\n", encoding: "utf-8", bom: false, lineEnding: "lf", binary: false },
  ...{ cut: false, startLine: 1, endLine: 1, offset: 0, nextLine: null, nextOffset: null, size: 2, lines: 1 },
  ...{ sha256: "12ab", mode: "0644", mtime: "2025-12-31T00:00:00.000Z" },
};
export const written: Output<typeof writeFile> = {
  ...{ target: "web", path: "a", bytes: 2, created: false, sha256: "12ab", mode: "0644" },
};
export const edited: Output<typeof editFile> = {
  ...{ target: "web", path: "a", changed: true, written: true, created: false, applied: 1, offsets: [0] },
  ...{ diff: "-a\n+b\n", cut: false, bytes: 2, sha256: "12ab" },
};
