import { afterAll, expect, test } from "bun:test";
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { atOnce } from "../../../../src/broker/transfers/at-once.ts";
import { cleanup } from "../../../support/cleanup.ts";
import { sftpMachine } from "../../../support/sftp-process.ts";
import { tempDir } from "../../../support/temp.ts";
import { waitFor } from "../../../support/wait.ts";
import { startWorld } from "../transfer-fixture.ts";
import { cutMachine } from "./cut-machine.ts";

afterAll(cleanup);

/** Of each of four kinds: two hundred in all. */
const cuts = 50;
const besides = 4;
const limitMs = 60_000;

const random = (length: number): Buffer => Buffer.from(crypto.getRandomValues(new Uint8Array(length)));
const large = Buffer.concat(Array.from({ length: 12 }, () => random(50_000)));
const partOf = (name: string): string => `.${name}.ssh-mcp-part`;

/** Small files, of which one is empty and one ends in zeros, and a large one. */
const tree = new Map<string, Buffer>([
  ...Array.from({ length: 40 }, (_, index) => [`f${index}`, random(index * 150)] as const),
  ["zeros", Buffer.alloc(3000)],
  ["large", large.subarray(0, 200_000)],
]);
const treeBytes = [...tree.values()].reduce((sum, { length }) => sum + length, 0);

const makeTree = (folder: string): void => {
  mkdirSync(folder);
  for (const [name, content] of tree) writeFileSync(join(folder, name), content);
};

/** Final names that are there have all of their content, and beside them is nothing but what is ours. */
const expectWhole = (folder: string, cut: string): void => {
  for (const name of namesIn(folder)) {
    const content = tree.get(name);
    if (content !== undefined) expect(readFileSync(join(folder, name)).equals(content), `${cut}: ${name}`).toBe(true);
    else expect(name, cut).toMatch(/^\.(.+\.ssh-mcp-part|ssh-mcp-stage-\w+)$/);
  }
};

const expectAll = async (folder: string, cut: string): Promise<void> => {
  // A program of the server that was cut off ends by itself, and takes its stage along.
  await waitFor(() => namesIn(folder).length === tree.size, { what: `nothing stray after a ${cut}` });
  expectWhole(folder, cut);
};

const namesIn = (folder: string): string[] => {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
};

const atRandom = (most: number, work: (bytes: number, cut: string) => Promise<void>): Promise<void> =>
  atOnce(
    Array.from({ length: cuts }, () => Math.floor(Math.random() * most)),
    besides,
    (bytes) => work(bytes, `cut after ${bytes} bytes`),
  );

test(
  `a large file put, cut ${cuts} times, goes on and is whole`,
  () =>
    atRandom(large.length, async (bytes, cut) => {
      const home = tempDir("home");
      const broken = await startWorld([await cutMachine(home, bytes)]);
      writeFileSync(join(broken.here, "large"), large);
      const outcome = await broken.cp(["large"], "db1:large").then(
        ({ report }) => report.failures[0],
        (error) => ({ code: error.code, bytesDone: 0 }),
      );
      expect(outcome?.code, cut).toBe("CONNECTION_LOST");
      expect(
        readdirSync(home).filter((name) => name !== partOf("large")),
        cut,
      ).toEqual([]);
      const whole = await startWorld([await sftpMachine({ home })]);
      const { report } = await whole.cp([`${broken.here}/large`], "db1:large", { resume: true });
      expect(report, cut).toMatchObject({ files: 1, failures: [], bytes: large.length - report.resumedBytes });
      expect(report.resumedBytes, cut).toBeGreaterThanOrEqual(outcome?.bytesDone ?? 0);
      expect(readFileSync(join(home, "large")).equals(large), cut).toBe(true);
      expect(readdirSync(home), cut).toEqual(["large"]);
    }),
  limitMs,
);

test(
  `a large file got, cut ${cuts} times, goes on and is whole`,
  () =>
    atRandom(large.length, async (bytes, cut) => {
      const home = tempDir("home");
      writeFileSync(join(home, "large"), large);
      const broken = await startWorld([await cutMachine(home, bytes)]);
      await broken.cp(["db1:large"], "large").catch(() => undefined);
      const { here } = broken;
      expect(
        readdirSync(here).filter((name) => name !== partOf("large")),
        cut,
      ).toEqual([]);
      const { cp } = await startWorld([await sftpMachine({ home })]);
      const { report } = await cp(["db1:large"], `${here}/large`, { resume: true });
      expect(report, cut).toMatchObject({ files: 1, failures: [], bytes: large.length - report.resumedBytes });
      expect(readFileSync(join(here, "large")).equals(large), cut).toBe(true);
      expect(readdirSync(here), cut).toEqual(["large"]);
    }),
  limitMs,
);

test(
  `a tree put, cut ${cuts} times: every name is whole, and the rest comes`,
  () =>
    atRandom(treeBytes, async (bytes, cut) => {
      const home = tempDir("home");
      const broken = await startWorld([await cutMachine(home, bytes)]);
      makeTree(join(broken.here, "tree"));
      await broken.cp(["tree"], "db1:", { recursive: true }).catch(() => undefined);
      expectWhole(join(home, "tree"), cut);
      const whole = await startWorld([await sftpMachine({ home })]);
      const { report } = await whole.cp([`${broken.here}/tree`], "db1:", { recursive: true, resume: true });
      expect(report, cut).toMatchObject({ failures: [], files: tree.size - report.unchanged });
      await expectAll(join(home, "tree"), cut);
    }),
  limitMs,
);

test(
  `a tree got, cut ${cuts} times: every name is whole, and the rest comes`,
  () =>
    atRandom(treeBytes, async (bytes, cut) => {
      const home = tempDir("home");
      makeTree(join(home, "tree"));
      const broken = await startWorld([await cutMachine(home, bytes)]);
      await broken.cp(["db1:tree"], ".", { recursive: true }).catch(() => undefined);
      const { here } = broken;
      expectWhole(join(here, "tree"), cut);
      const whole = await startWorld([await sftpMachine({ home })]);
      const { report } = await whole.cp(["db1:tree"], `${here}/`, { recursive: true, resume: true });
      expect(report, cut).toMatchObject({ failures: [], files: tree.size - report.unchanged });
      await expectAll(join(here, "tree"), cut);
    }),
  limitMs,
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
