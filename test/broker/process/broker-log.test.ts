import { afterAll, describe, expect, test } from "bun:test";
import { lstatSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { BrokerLog } from "../../../src/broker/process/broker-log.ts";
import { cleanup } from "../../support/cleanup.ts";
import { tempDir } from "../../support/temp.ts";

afterAll(cleanup);

const create = () => {
  const path = join(tempDir("log"), "broker.log");
  return { path, log: new BrokerLog(path), lines: () => readFileSync(path, "utf8").trimEnd().split("\n") };
};

describe("the broker's log", () => {
  test("is ours alone, and holds a line for each thing, with the time and the process", () => {
    const { path, log, lines } = create();
    log.write("serves");
    log.write("evil\n2026-01-01T00:00:00.000Z [1] forged \x1b[2J");
    expect(lstatSync(path).mode & 0o777).toBe(0o600);
    expect(lines()).toEqual([
      expect.stringMatching(new RegExp(`^\\d{4}-\\d\\d-\\d\\dT[\\d:.]+Z \\[${process.pid}\\] serves$`)),
      expect.stringContaining("evil\\n2026-01-01T00:00:00.000Z [1] forged \\x1b[2J"),
    ]);
  });

  test("says where a bug was, in one line", () => {
    const { log, lines } = create();
    log.unexpected(new TypeError("not a function"));
    log.unexpected("a string");
    expect(lines()[0]).toMatch(/unexpected: TypeError: not a function \| at .*broker-log\.test\.ts/);
    expect(lines()[1]).toContain("unexpected: a string");
    expect(lines().length).toBe(2);
  });

  test("forgets its older half at 1 MiB, by whole lines", () => {
    const { path, log, lines } = create();
    for (let n = 0; n < 400; n++) log.write(`${n} ${"x".repeat(4000)}`);
    expect(lstatSync(path).size).toBeLessThanOrEqual(1024 * 1024);
    const numbers = lines().map((line) => Number(line.split(" ")[2]));
    expect(numbers.at(-1)).toBe(399);
    expect(numbers).toEqual(Array.from({ length: numbers.length }, (_, n) => 400 - numbers.length + n));
    expect(numbers.length).toBeGreaterThan(100);
  });

  test.each<[string, (path: string) => void]>([
    ["a directory", (path) => mkdirSync(path)],
    ["a link", (path) => symlinkSync(join(path, "../target"), path)],
  ])("that cannot be written, for %s is in its place, ends nothing", (_what, plant) => {
    const { path, log } = create();
    writeFileSync(join(path, "../target"), "");
    plant(path);
    log.write("serves");
    expect(readFileSync(join(path, "../target"), "utf8")).toBe("");
  });
});
