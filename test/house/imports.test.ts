// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the samples are source code, in strings
import { describe, expect, test } from "bun:test";
import { type Import, scanImports } from "./imports.ts";

const value = (specifier: string | null): Import => ({ specifier, kind: "value" });
const type = (specifier: string | null): Import => ({ specifier, kind: "type" });
const dynamic = (specifier: string | null): Import => ({ specifier, kind: "dynamic" });

const samples: [source: string, imports: Import[]][] = [
  ['import "a";', [value("a")]],
  ["import a from 'a'", [value("a")]],
  ['import a, { b as c, type D } from "a";', [value("a")]],
  ['import * as a from "a"; import b from "b";', [value("a"), value("b")]],
  ['import{a}from"a";import{b}from"b"', [value("a"), value("b")]],
  ['import {\n  a, // from "x"\n  b,\n} from "a";', [value("a")]],
  ['import { from } from "a";', [value("a")]],
  ['import from from "a";', [value("a")]],
  ['import { "odd name" as a } from "a";', [value("a")]],
  ['import a from "a" with { type: "json" };\nconst x = 1;', [value("a")]],
  ['import type { A } from "a";', [type("a")]],
  ['import type A from "a";', [type("a")]],
  ['import type * as a from "a";', [type("a")]],
  ['import type from from "a";', [type("a")]],
  ['import type from "a";', [value("a")]],
  ['import type, { a } from "a";', [value("a")]],
  ['import { type A } from "a";', [value("a")]],
  ['export { a } from "a";', [value("a")]],
  ['export * from "a"; export * as b from "b"; export * as "c d" from "c";', [value("a"), value("b"), value("c")]],
  [
    'export type { A } from "a"; export type * from "b"; export type * as C from "c";',
    [type("a"), type("b"), type("c")],
  ],
  ['const a = await import("a");', [dynamic("a")]],
  ["const a = import(`a`, { with: {} });", [dynamic("a")]],
  ['const all = [...import("a")];', [dynamic("a")]],
  ['type A = import("a").B; let b: typeof import("b");', [dynamic("a"), dynamic("b")]],
  ["import(name); import(`a${b}`); import('a' + b);", [dynamic(null), dynamic(null), dynamic(null)]],
  [
    'const a = require("a"); import b = require("b"); import.meta.require("c");',
    [dynamic("a"), dynamic("b"), dynamic("c")],
  ],
  ['import "\\x61"; import("\\x61");', [value(null), dynamic(null)]],
  ['import.meta.url; const o = { import: 1 }; o.import("a"); export const from = "a";', []],
  ['export {}; export { a }; export default a; export type A = "a"; export * as', []],
  ['// import "a"\n/* import "b";\n import "c" */ const s = \'import "d"\';', []],
  ['const t = `import "a"; ${f(`${{ b: "}" }}`)} import "b"`; import "c";', [value("c")]],
  ['const t = `${await import("a")}`; const u = `\\`${1}` + "x";', [dynamic("a")]],
  ['const t = `${{ a: {} }.a + (await import("a"))}`;', [dynamic("a")]],
  ['const r = /["\'`]/; import "a"; const q = x / 2; import "b"; const s = "/";', [value("a"), value("b")]],
  ['const r = [/\\/"/g, /[/"]/].map((x) => /`/.test(x)); import "a";', [value("a")]],
  ['const half = (a + b) / 2; const s = "/"; const n = a[0] / 1e-3 / 2; import "a";', [value("a")]],
  ['#!/usr/bin/env bun it\'s\nimport "a";', [value("a")]],
  ['class A { #from = "x"; static import = 1 }\nimport "a";', [value("a")]],
];

describe("finding imports", () => {
  test.each(samples)("%s", (source, imports) => {
    expect(scanImports(source).imports).toEqual(imports);
  });

  test.each(['const a = "x', "const a = 'x\n'", "const a = `x", "const a = `${x", "const a = `${`}`"])(
    "%j is no code",
    (source) => {
      expect(() => scanImports(source)).toThrow("does not end");
    },
  );

  test.each([
    ['export { a } from "a";', true],
    ['export * from "a";\nexport type { B } from "b";', true],
    ['import { a } from "a";\nexport { a };', true],
    ['// why\nexport * from "a" with { type: "json" };', true],
    ['import "a";', false],
    ['export * from "a"; export const b = 1;', false],
    ['import { a } from "a";\nexport const b = a;', false],
    ["export type A = 1;", false],
    ["", false],
  ])("%j as a barrel: %p", (source, barrel) => {
    expect(scanImports(source).barrel).toBe(barrel);
  });
});
