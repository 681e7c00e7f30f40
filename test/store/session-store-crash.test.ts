import { afterAll, expect, test } from "bun:test";
import { readdirSync, utimesSync } from "node:fs";
import { join } from "node:path";
import { isUnfinished } from "../../src/files/atomic-write.ts";
import { SessionStore } from "../../src/store/session-store.ts";
import { cleanup } from "../support/cleanup.ts";
import { startProgram } from "../support/program.ts";
import { tempDir } from "../support/temp.ts";
import { waitFor } from "../support/wait.ts";

afterAll(cleanup);

const names = Array.from({ length: 200 }, (_, index) => `s${String(index).padStart(3, "0")}`);

/** Writes two hundred records over and over, ten at a time, and says the name of each that is written. */
const writer = (directory: string): string => `
  const { writeSync } = await import("node:fs");
  const { SessionStore } = await import(${JSON.stringify(join(import.meta.dir, "../../src/store/session-store.ts"))});
  const { recordOf } = await import(${JSON.stringify(join(import.meta.dir, "records.ts"))});
  const store = new SessionStore(${JSON.stringify(directory)});
  const names = ${JSON.stringify(names)};
  const some = async (offset) => {
    for (let n = offset; ; n += 10) {
      const name = names[n % names.length];
      await store.write(recordOf(name, { title: name.repeat(200 + (n % 700)) }));
      writeSync(1, name + "\\n");
    }
  };
  await Promise.all(Array.from({ length: 10 }, (_, offset) => some(offset)));
`;

test("killed in the middle of two hundred records: never half a file, and what was written is there", async () => {
  const directory = join(tempDir("crash"), "sessions");
  const written = new Set<string>();
  let unfinished = 0;
  for (let round = 0; round < 8; round++) {
    const program = startProgram([process.execPath, "-e", writer(directory)]);
    const said = () => program.stdout().split("\n").slice(0, -1);
    await waitFor(() => said().length > 20 + round * 25, { what: "records", timeout: 30_000 });
    program.signal("SIGKILL");
    await program.exit();
    for (const name of said()) written.add(name);
    const { records, problems, reserved } = new SessionStore(directory).loadAll();
    expect({ problems, reserved }).toEqual({ problems: [], reserved: [] });
    for (const { name, title } of records) expect(title).toBe(name.repeat((title ?? "").length / name.length));
    const found = new Set(records.map(({ name }) => name));
    expect([...written].filter((name) => !found.has(name))).toEqual([]);
    const rest = readdirSync(directory).filter((file) => !file.endsWith(".json"));
    expect(rest.filter((file) => !isUnfinished(file))).toEqual([]);
    unfinished += rest.length;
    for (const file of rest) utimesSync(join(directory, file), new Date(), new Date(0));
  }
  // Kills that hit nothing would prove nothing.
  expect(unfinished).toBeGreaterThan(0);
  expect(new SessionStore(directory).loadAll().records.length).toBeGreaterThanOrEqual(written.size);
  expect(readdirSync(directory).filter(isUnfinished)).toEqual([]);
}, 60_000);
