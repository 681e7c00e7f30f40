import { afterAll, describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { bootTimeMs, sleepCounting } from "../../src/files/boot-clock.ts";
import { cleanup } from "../support/cleanup.ts";
import { mustRun } from "../support/command.ts";
import { waitFor } from "../support/wait.ts";

afterAll(cleanup);

const module = join(import.meta.dir, "../../src/files/boot-clock.ts");

describe("bootTimeMs", () => {
  test("is the kernel's time since boot", () => {
    const kernel = () => Number(readFileSync("/proc/uptime", "latin1").split(" ")[0]) * 1000;
    const before = kernel();
    const now = bootTimeMs();
    expect(now).toBeGreaterThanOrEqual(Math.round(before));
    // The file is exact to 10 ms.
    expect(now).toBeLessThanOrEqual(Math.round(kernel()) + 10);
    expect(Number.isInteger(now)).toBe(true);
  });

  test("goes on as time does, and never back", async () => {
    const start = { clock: bootTimeMs(), real: performance.now() };
    let last = start.clock;
    await waitFor(
      () => {
        const now = bootTimeMs();
        expect(now).toBeGreaterThanOrEqual(last);
        last = now;
        return performance.now() - start.real > 200;
      },
      { what: "a fifth of a second", interval: 1 },
    );
    expect(last - start.clock).toBeGreaterThanOrEqual(180);
    expect(last - start.clock).toBeLessThanOrEqual(performance.now() - start.real + 20);
  });

  test("tells the time when no file can be opened any more", async () => {
    const program = `
      const { bootTimeMs } = await import(${JSON.stringify(module)});
      const { openSync } = await import("node:fs");
      const before = bootTimeMs();
      let code = "";
      while (code === "") try { openSync("/dev/null", "r"); } catch (failure) { code = failure.code; }
      while (bootTimeMs() === before) Bun.sleepSync(1);
      console.log(code);`;
    const limited = ["/bin/sh", "-c", 'ulimit -n 100; exec "$0" -e "$1"', process.execPath, program];
    expect(await mustRun(limited)).toBe("EMFILE\n");
  });
});

describe("sleepCounting", () => {
  const clocks = () => {
    const now = { monotonic: 5000, wall: 1_700_000_000_000 };
    const clock = sleepCounting(
      () => now.monotonic,
      () => now.wall,
    );
    const pass = (monotonic: number, wall: number): number => {
      now.monotonic += monotonic;
      now.wall += wall;
      return clock();
    };
    return { pass };
  };

  test("counts what passed, exactly, while both clocks agree", () => {
    const { pass } = clocks();
    expect(pass(0, 0)).toBe(0);
    expect(pass(1000, 1000)).toBe(1000);
    expect(pass(0.5, 0)).toBe(1000.5);
    // The wall clock is slewed.
    expect(pass(1000, 1400)).toBe(2000.5);
  });

  test("counts sleep", () => {
    const { pass } = clocks();
    expect(pass(10, 3_600_010)).toBe(3_600_010);
    expect(pass(1000, 1000)).toBe(3_601_010);
  });

  test("takes nothing back when the wall clock is set back, and extends nothing afterwards", () => {
    const { pass } = clocks();
    expect(pass(1000, -86_400_000)).toBe(1000);
    expect(pass(1000, 1000)).toBe(2000);
    // Set right again: it looks like sleep, and every limit only comes sooner.
    expect(pass(1000, 86_401_000)).toBe(86_403_000);
  });
});
