import { afterAll, expect, test } from "bun:test";
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { cleanup } from "../../support/cleanup.ts";
import { sftpMachine } from "../../support/sftp-process.ts";
import { tempDir } from "../../support/temp.ts";
import { cutMachine } from "./cut-machine.ts";
import { startWorld, treeOf } from "./transfer-fixture.ts";

afterAll(cleanup);

const random = (length: number): Buffer => Buffer.from(crypto.getRandomValues(new Uint8Array(length)));
const large = Buffer.concat(Array.from({ length: 30 }, () => random(50_000)));
const partOf = (name: string): string => `.${name}.ssh-mcp-part`;

const after = Array.from({ length: 12 }, () => Math.floor(Math.random() * large.length));

test.each(after)("a large file put, cut after %d bytes, goes on and is whole", async (bytes) => {
  const home = tempDir("home");
  const broken = await startWorld([await cutMachine(home, bytes)]);
  writeFileSync(join(broken.here, "large"), large);
  const outcome = await broken.cp(["large"], "db1:large").then(
    ({ report }) => report.failures[0],
    (error) => ({ code: error.code, bytesDone: 0 }),
  );
  expect(outcome?.code).toBe("CONNECTION_LOST");
  expect(readdirSync(home).filter((name) => name !== partOf("large"))).toEqual([]);
  const whole = await startWorld([await sftpMachine({ home })]);
  writeFileSync(join(whole.here, "large"), large);
  const { report } = await whole.cp(["large"], "db1:large", { resume: true });
  expect(report).toMatchObject({ files: 1, failures: [], bytes: large.length - report.resumedBytes });
  expect(report.resumedBytes).toBeGreaterThanOrEqual(outcome?.bytesDone ?? 0);
  expect(readFileSync(join(home, "large")).equals(large)).toBe(true);
  expect(readdirSync(home)).toEqual(["large"]);
});

test.each(after)("a large file got, cut after %d bytes, goes on and is whole", async (bytes) => {
  const home = tempDir("home");
  writeFileSync(join(home, "large"), large);
  const broken = await startWorld([await cutMachine(home, bytes)]);
  await broken.cp(["db1:large"], "large").catch(() => undefined);
  expect(readdirSync(broken.here).filter((name) => name !== partOf("large"))).toEqual([]);
  const { here, cp } = await startWorld([await sftpMachine({ home })]);
  for (const name of readdirSync(broken.here)) writeFileSync(join(here, name), readFileSync(join(broken.here, name)));
  const { report } = await cp(["db1:large"], "large", { resume: true });
  expect(report).toMatchObject({ files: 1, failures: [], bytes: large.length - report.resumedBytes });
  expect(readFileSync(join(here, "large")).equals(large)).toBe(true);
  expect(readdirSync(here)).toEqual(["large"]);
});

test.each(after.map((bytes) => Math.floor(bytes / 3)))(
  "a tree put, cut after %d bytes: every name is whole, and the rest comes",
  async (bytes) => {
    const home = tempDir("home");
    const broken = await startWorld([await cutMachine(home, bytes)]);
    const contents = new Map<string, Buffer>();
    mkdirSync(join(broken.here, "tree"));
    for (let index = 0; index < 60; index++) contents.set(`f${index}`, random(index * 150));
    contents.set("big", large.subarray(0, 400_000));
    for (const [name, content] of contents) writeFileSync(join(broken.here, "tree", name), content);
    await broken.cp(["tree"], "db1:", { recursive: true }).catch(() => undefined);
    const came = await namesIn(join(home, "tree"));
    for (const name of came) {
      const content = contents.get(name);
      if (content !== undefined) expect(readFileSync(join(home, "tree", name)).equals(content)).toBe(true);
      else expect(name).toMatch(/^\.(big\.ssh-mcp-part|ssh-mcp-stage-\w+)$/);
    }
    const whole = await startWorld([await sftpMachine({ home })]);
    const { report } = await whole.cp([`${broken.here}/tree`], "db1:", { recursive: true, resume: true });
    expect(report).toMatchObject({ failures: [], files: 61 - report.unchanged });
    const real = await treeOf(join(home, "tree"), "-not", "-name", ".ssh-mcp-stage-*", "-printf", "%P %s\n");
    expect(real).toBe(await treeOf(join(broken.here, "tree"), "-printf", "%P %s\n"));
  },
);

test("the same words go on in the directory that they made", async () => {
  const home = tempDir("home");
  const broken = await startWorld([await cutMachine(home, 300_000)]);
  mkdirSync(join(broken.here, "tree"));
  writeFileSync(join(broken.here, "tree", "large"), large);
  for (let index = 0; index < 5; index++) writeFileSync(join(broken.here, "tree", `f${index}`), `${index}`);
  await broken.cp(["tree"], "db1:new", { recursive: true }).catch(() => undefined);
  const whole = await startWorld([await sftpMachine({ home })]);
  const { report } = await whole.cp([`${broken.here}/tree`], "db1:new", { recursive: true, resume: true });
  expect(report.failures).toEqual([]);
  expect(readdirSync(join(home, "new")).sort()).toEqual(["f0", "f1", "f2", "f3", "f4", "large"]);
  // Through with it, they mean a directory that is there.
  await whole.cp([`${broken.here}/tree`], "db1:new", { recursive: true, resume: true });
  expect(readdirSync(join(home, "new"))).toContain("tree");
});

const namesIn = async (folder: string): Promise<string[]> => {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
};
