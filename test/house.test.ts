/** The rules of the house held against every file of src. That the check can fail is shown in house/check.test.ts. */
import { describe, expect, test } from "bun:test";
import { join } from "node:path";
import { dependencies } from "../package.json";
import { checkHouse } from "./house/check.ts";
import { scanImports } from "./house/imports.ts";
import { rules } from "./house/rules.ts";

const root = join(import.meta.dir, "../src");

const readSources = async (): Promise<Map<string, string>> => {
  const sources = new Map<string, string>();
  const files = [...new Bun.Glob("**/*.{ts,tsx,mts,cts,js,jsx,mjs,cjs}").scanSync(root)].sort();
  for (const file of files) sources.set(file, await Bun.file(join(root, file)).text());
  return sources;
};

describe("src", () => {
  test("keeps the rules of the house", async () => {
    const sources = await readSources();
    expect([...sources.keys()]).toContain("core/errors.ts");
    expect(checkHouse(sources)).toEqual([]);
  });

  test("has no import that Bun sees and this test does not", async () => {
    const bun = new Bun.Transpiler({ loader: "ts" });
    let seen = 0;
    for (const [file, source] of await readSources()) {
      const ours = scanImports(source).imports.map(({ specifier }) => specifier);
      const theirs = bun.scanImports(source).map(({ path }) => path);
      expect([file, theirs.filter((path) => !ours.includes(path))]).toEqual([file, []]);
      seen += theirs.length;
    }
    expect(seen).toBeGreaterThan(10);
  });

  test("every dependency has a part that may import it; the MCP SDK has one alone, and ssh2 the demo's server besides", () => {
    const named = Object.values(rules).flatMap(({ packages }) => Object.keys(packages));
    expect([...new Set(named)].sort()).toEqual(Object.keys(dependencies).sort());
    const owners = (name: string) => Object.keys(rules).filter((part) => rules[part]?.packages[name] !== undefined);
    expect(owners("ssh2")).toEqual(["ssh", "demo"]);
    expect(owners("@modelcontextprotocol/sdk")).toEqual(["mcp"]);
  });
});
