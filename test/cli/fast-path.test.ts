import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";

const source = join(import.meta.dir, "../../src");

/** Packages and files that are loaded before anything has happened: what is imported statically, from there on. */
const loadedFrom = (entry: string): { files: Set<string>; packages: Set<string> } => {
  const transpiler = new Bun.Transpiler({ loader: "ts" });
  const files = new Set<string>();
  const packages = new Set<string>();
  const visit = (file: string): void => {
    if (files.has(file)) return;
    files.add(file);
    for (const { path, kind } of transpiler.scanImports(readFileSync(file, "utf8"))) {
      if (kind !== "import-statement") continue;
      if (!path.startsWith(".")) packages.add(path);
      else if (path.endsWith(".ts")) visit(join(dirname(file), path));
    }
  };
  visit(join(source, entry));
  return { files, packages };
};

test("a command that works loads no library for help and messages, and no slow module", () => {
  const { files, packages } = loadedFrom("cli/run.ts");
  expect([...files]).toContain(join(source, "cli/perform.ts"));
  expect([...files]).not.toContain(join(source, "cli/help.ts"));
  // valibot comes with the operations; nothing of it is called here.
  expect([...packages].sort()).toEqual(["bun:ffi", "valibot"]);
  expect([...loadedFrom("cli/world.ts").packages].sort()).toEqual(["bun:ffi", "node:fs"]);
});

test("process.stdin and process.stdout are never touched: each costs 8 ms", () => {
  for (const file of new Bun.Glob("{main.ts,cli/**/*.ts}").scanSync(source)) {
    const code = readFileSync(join(source, file), "utf8").replace(/\/\*[\s\S]*?\*\/|\/\/.*/g, "");
    expect({ file, touched: /process\.std(in|out|err)|\bconsole\./.test(code) }).toEqual({ file, touched: false });
  }
});
