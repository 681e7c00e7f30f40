import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { readdirSync, statSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { build } from "../src/build.ts";
import { cleanup } from "./support/cleanup.ts";
import { runCommand } from "./support/command.ts";
import { startProgram } from "./support/program.ts";
import { tempDir } from "./support/temp.ts";

afterAll(cleanup);
setDefaultTimeout(30_000);

const root = resolve(import.meta.dir, "..");
const folder = tempDir("build");
const outfile = join(folder, "out/program");

/** A program that shows what got into it, and waits for its input's end. */
const source = (word: string) => `
  import ssh2 from ${JSON.stringify(join(root, "node_modules/ssh2"))};
  await new Response(Bun.stdin.stream()).text();
  process.stdout.write(\`${word} \${process.env.FROM_DOTENV} \${globalThis.preloaded} \${typeof ssh2.Client}\n\`);
`;

const compile = async (text: string) => {
  writeFileSync(join(folder, "main.ts"), text);
  return await build(join(folder, "main.ts"), outfile);
};

let metafile: Bun.BuildMetafile;
beforeAll(async () => {
  metafile = await compile(source("first"));
});

test("it says of every module what it imports", () => {
  const main = Object.keys(metafile.inputs).find((file) => file.endsWith("main.ts")) ?? "";
  expect(metafile.inputs[main]?.imports).toMatchObject([
    { path: "node_modules/ssh2/lib/index.js", kind: "import-statement" },
  ]);
});

test("the executable runs no code of the folder it is started in, and reads no .env", async () => {
  const hostile = tempDir("cwd");
  writeFileSync(join(hostile, ".env"), "FROM_DOTENV=yes\n");
  writeFileSync(join(hostile, "bunfig.toml"), 'preload = ["./preload.ts"]\n');
  writeFileSync(join(hostile, "preload.ts"), "globalThis.preloaded = true;\n");
  expect(await runCommand([outfile], { cwd: hostile })).toMatchObject({
    status: 0,
    stdout: "first undefined undefined function\n",
  });
});

test("it is replaced under a running one, and a source that does not compile leaves the old one", async () => {
  const running = startProgram([outfile]);
  const before = statSync(outfile).ino;
  await compile(source("second"));
  expect(statSync(outfile).ino).not.toBe(before);
  await expect(compile('import "./missing.ts";')).rejects.toThrow();
  expect((await runCommand([outfile])).stdout).toStartWith("second");
  await running.end();
  expect((await running.exit()).stdout).toStartWith("first");
  expect(readdirSync(join(folder, "out"))).toEqual(["program"]);
});

test("as a command it compiles the program itself", async () => {
  const binary = join(folder, "ssh-mcp");
  const built = await runCommand([process.execPath, join(root, "src/build.ts"), "--outfile", binary], { cwd: "/" });
  expect(built).toMatchObject({ status: 0, stdout: `${binary}\n`, stderr: "" });
  expect((await runCommand([binary, "--version"])).stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
});
