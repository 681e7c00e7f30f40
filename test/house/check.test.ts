/** The check of the house against planted breaches: it can fail. */
import { describe, expect, test } from "bun:test";
import { checkHouse } from "./check.ts";

/** A small house that keeps the rules; each breach below adds to it or replaces a file. */
const sound: Record<string, string> = {
  "core/errors.ts": "export const a = 1;",
  "core/session.ts": 'import type { O } from "./operation.ts"; export type S = O;',
  "core/operation.ts":
    'import type * as v from "valibot"; import type { S } from "./session.ts"; export type O = v.A<S>;',
  "core/version.ts": 'import { version } from "../../package.json"; export const release = version;',
  "files/paths.ts": 'import { join } from "node:path"; import "../core/errors.ts"; export const p = join;',
  "config/ssh-config.ts": 'import "../files/paths.ts"; export const c = 1;',
  "policy/evaluate.ts": 'import "../core/errors.ts"; export const e = 1;',
  "ssh/connection.ts": 'import { Client } from "ssh2"; import "../config/ssh-config.ts"; export const c = Client;',
  "operations/exec.ts": 'import * as v from "valibot"; import "../core/errors.ts"; export const o = v;',
  "broker/wire/protocol.ts": 'import "../../core/errors.ts"; export const p = 1;',
  "broker/client/client.ts": 'import "../wire/protocol.ts"; import "../wire/replies.ts"; export const c = 1;',
  "broker/wire/replies.ts": 'import "./protocol.ts"; export const r = 1;',
  "broker/process/server.ts":
    'import "valibot"; import "../wire/replies.ts"; import "../../ssh/connection.ts"; import "../../operations/exec.ts"; export const s = 1;',
  "cli/command.ts":
    'import "citty"; import type { A } from "valibot"; import "../broker/client/client.ts"; export const c: A = 1;',
  "mcp/server.ts":
    'import "@modelcontextprotocol/sdk/server/index.js"; import "../broker/wire/protocol.ts"; export const m = 1;',
  "demo/demo.ts": 'import "../cli/command.ts"; import "../ssh/connection.ts"; export const d = 1;',
  "main.ts":
    'import "./core/errors.ts"; await import("./cli/command.ts"); await import("./demo/demo.ts"); await import("./broker/process/server.ts");',
  "build.ts": 'import { mkdir } from "node:fs/promises"; await mkdir("dist");',
};

const breaches: [file: string, source: string, problem: RegExp][] = [
  ["core/errors.ts", 'import "../files/paths.ts";', /core\/errors.ts may not import files\/paths.ts/],
  [
    "core/errors.ts",
    'import type { P } from "../files/paths.ts"; let p: P;',
    /core\/errors.ts may not import files\/paths.ts/,
  ],
  ["core/errors.ts", 'await import("../files/paths.ts");', /core\/errors.ts may not import files\/paths.ts/],
  ["core/errors.ts", 'type P = import("../files/paths.ts").P;', /core\/errors.ts may not import files\/paths.ts/],
  ["core/errors.ts", 'import "valibot";', /core\/errors.ts may not import valibot/],
  ["core/errors.ts", 'import "node:fs";', /may not import node:fs/],
  ["core/errors.ts", 'import "bun:jsc";', /may not import bun:jsc/],
  ["core/errors.ts", 'import { $ } from "bun"; $`ls`;', /may not import bun/],
  ["core/errors.ts", 'import { version } from "../../package.json"; version;', /no file of src/],
  ["policy/evaluate.ts", 'import "node:fs";', /may not import node:fs/],
  ["policy/evaluate.ts", 'import "../config/ssh-config.ts";', /may not import config/],
  ["operations/exec.ts", 'import "node:fs";', /may not import node:fs/],
  ["operations/exec.ts", 'import "../ssh/connection.ts";', /may not import ssh/],
  ["files/paths.ts", 'import "../config/ssh-config.ts";', /may not import config/],
  ["files/paths.ts", 'import "fs";', /may not import fs/],
  ["config/ssh-config.ts", 'import "../ssh/connection.ts";', /may not import ssh/],
  ["store/records.ts", 'import "../config/ssh-config.ts";', /may not import config/],
  ["ssh/connection.ts", 'import "../broker/wire/protocol.ts";', /may not import broker/],
  ["ssh/connection.ts", 'import "ssh2-promise";', /may not import ssh2-promise/],
  ["broker/process/server.ts", 'import "ssh2";', /may not import ssh2/],
  ["broker/process/server.ts", 'import type { Client } from "ssh2"; let c: Client;', /may not import ssh2/],
  ["broker/process/server.ts", 'import "ssh2/lib/client.js";', /may not import ssh2/],
  ["broker/process/server.ts", 'import "../../cli/command.ts";', /may not import cli/],
  ["broker/client/client.ts", 'import "valibot";', /may not import valibot/],
  ["broker/client/client.ts", 'import "../../operations/exec.ts";', /may not import operations/],
  ["broker/wire/replies.ts", 'import "valibot";', /broker\/wire\/replies.ts may not import valibot/],
  ["broker/client/client.ts", 'import "../process/server.ts";', /broker\/process\/server.ts may not import ssh/],
  ["cli/command.ts", 'import "../mcp/server.ts";', /may not import mcp/],
  ["cli/command.ts", 'import "../ssh/connection.ts";', /may not import ssh/],
  ["cli/command.ts", 'import "../broker/process/server.ts";', /may not import broker\/process\/server.ts/],
  ["cli/command.ts", 'import "../broker/wire/replies.ts";', /not broker\/wire\/replies.ts/],
  ["cli/command.ts", 'import "valibot";', /may not import valibot/],
  ["cli/command.ts", 'import "@modelcontextprotocol/sdk";', /may not import @modelcontextprotocol/],
  ["mcp/server.ts", 'import "../cli/command.ts";', /may not import cli/],
  ["mcp/server.ts", 'import "../config/ssh-config.ts";', /may not import config/],
  ["mcp/server.ts", 'import "consola";', /may not import consola/],
  ["mcp/server.ts", 'import "@modelcontextprotocol/inspector";', /may not import @modelcontextprotocol\/inspector/],
  ["doctor/doctor.ts", 'import "ssh2";', /may not import ssh2/],
  ["demo/demo.ts", 'import "../main.ts";', /may not import main.ts/],
  ["mcp/server.ts", 'import type * as v from "valibot"; let a: v.A;', /may not import valibot/],
  ["cli/command.ts", 'await import("../demo/demo.ts");', /may not import demo/],
  ["main.ts", 'import "./cli/command.ts";', /main.ts may not import cli/],
  ["main.ts", 'import type { C } from "./cli/command.ts"; let c: C;', /main.ts may not import cli/],
  ["main.ts", "await import(name);", /something computed/],
  ["core/errors.ts", 'require("./" + name);', /something computed/],
  ["cli/command.ts", 'import "../build.ts";', /may not import build.ts/],
  ["util/misc.ts", "export const a = 1;", /without a rule/],
  ["toString.ts", "export const a = 1;", /without a rule/],
  ["core/errors.ts", 'import "./gone.ts";', /no file of src/],
  ["core/errors.ts", 'import "./session";', /no file of src/],
  ["core/errors.ts", 'import "../house.test.ts";', /no file of src/],
  ["core/errors.ts", 'import "toString";', /may not import toString/],
  ["core/index.ts", 'export * from "./errors.ts";', /only re-exports/],
  ["core/old.js", "export const a = 1;", /not a .ts file/],
];

const cycles: [name: string, files: Record<string, string>, problem: RegExp | null][] = [
  ["a file of itself", { "core/errors.ts": 'import "./errors.ts";' }, /a cycle: core\/errors.ts -> core\/errors.ts$/],
  [
    "two files",
    { "core/a.ts": 'import "./b.ts";', "core/b.ts": 'import "./a.ts";' },
    /a cycle: core\/a.ts -> core\/b.ts -> core\/a.ts/,
  ],
  [
    "three files",
    { "core/a.ts": 'import "./b.ts";', "core/b.ts": 'import "./c.ts";', "core/c.ts": 'import "./a.ts";' },
    /core\/a.ts -> core\/b.ts -> core\/c.ts -> core\/a.ts/,
  ],
  ["through import()", { "core/a.ts": 'import "./b.ts";', "core/b.ts": 'await import("./a.ts");' }, /a cycle/],
  [
    "through a re-export",
    { "core/a.ts": 'import "./b.ts";', "core/b.ts": 'export * from "./a.ts"; export const b = 1;' },
    /a cycle/,
  ],
  [
    "through inline types",
    { "core/a.ts": 'import "./b.ts";', "core/b.ts": 'import { type A } from "./a.ts"; let a: A;' },
    /a cycle/,
  ],
  [
    "of types alone",
    { "core/a.ts": 'import type { B } from "./b.ts";', "core/b.ts": 'import type { A } from "./a.ts";' },
    null,
  ],
  ["closed by a type", { "core/a.ts": 'import "./b.ts";', "core/b.ts": 'import type { A } from "./a.ts";' }, null],
  [
    "two ways to one file",
    { "core/a.ts": 'import "./b.ts"; import "./errors.ts";', "core/b.ts": 'import "./errors.ts";' },
    null,
  ],
];

const house = (changes: Record<string, string>): Map<string, string> =>
  new Map(Object.entries({ ...sound, ...changes }));

describe("the check itself", () => {
  test("passes a house that keeps the rules", () => {
    expect(checkHouse(house({}))).toEqual([]);
  });

  test.each(breaches)("%s: %s", (file, source, problem) => {
    expect(checkHouse(house({ [file]: source })).join("\n")).toMatch(problem);
  });

  test("a file may have 300 lines and no more", () => {
    const line = "export const a = 1;\n";
    expect(checkHouse(house({ "core/long.ts": line.repeat(300) }))).toEqual([]);
    expect(checkHouse(house({ "core/long.ts": line.repeat(301) }))).toEqual([expect.stringContaining("301 lines")]);
  });

  test.each(cycles)("a cycle %s", (_name, files, problem) => {
    const problems = checkHouse(house(files)).join("\n");
    if (problem === null) expect(problems).toBe("");
    else expect(problems).toMatch(problem);
  });
});
