/** A directory that turns into a link, again and again, while files are written, read and removed below it. */
import { afterAll, expect, test } from "bun:test";
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { cleanup, onCleanup } from "../../support/cleanup.ts";
import { codeOf, place, plain, readAll, small, stream, writeAll } from "./sides.ts";

afterAll(cleanup);

/** Swaps `d` for a link to a directory outside and back, in a process of its own, as fast as it can. */
const swapper = `
const fs = require("node:fs");
const [root, outside] = process.argv.slice(1);
for (;;) {
  try { fs.renameSync(root + "/d", root + "/kept"); } catch {}
  try { fs.symlinkSync(outside, root + "/d"); } catch {}
  try { fs.unlinkSync(root + "/d"); } catch {}
  try { fs.renameSync(root + "/kept", root + "/d"); } catch {}
}`;

test("nothing is written, read or removed outside", async () => {
  const { root, outside, side } = place();
  mkdirSync(join(root, "d"));
  writeFileSync(join(root, "d/shared"), "inside");
  writeFileSync(join(outside, "shared"), "outside");
  const process_ = Bun.spawn([process.execPath, "-e", swapper, root, outside], { stdout: "ignore", stderr: "inherit" });
  const stop = async (): Promise<void> => {
    process_.kill(9);
    await process_.exited;
  };
  onCleanup(stop, () => process_.kill(9));
  let [written, refused] = [0, 0];
  const until = performance.now() + 3000;
  for (let round = 0; performance.now() < until || written === 0 || refused === 0; round++) {
    const files = Array.from({ length: 50 }, (_, index) => small(`d/${round}-${index}`));
    const result = await writeAll(side, root, files);
    written += result.written;
    refused += result.failed.length;
    await codeOf(side.write(root, `d/big-${round}`, stream("a", "b"), 0, plain));
    await codeOf(side.makeDirectory(root, `d/new-${round}`, null));
    await codeOf(side.symlink(root, `d/link-${round}`, "x"));
    await codeOf(side.change(root, "d/shared", { mode: 0o700 }));
    const content = await readAll(side.read(join(root, "d/shared"), 0)).catch(() => "inside");
    // As its own path an operand is followed; what lies below one is not.
    expect(["inside", "outside"]).toContain(content);
    for await (const some of side.readMany(root, names(["d/shared"]), () => {})) {
      for (const file of some) expect(Buffer.from(file.content).toString()).toBe("inside");
    }
    await codeOf(side.remove(root, `d/new-${round}`));
    await codeOf(side.remove(root, `d/${round}-0`));
  }
  await stop();
  expect(readdirSync(outside)).toEqual(["shared"]);
  expect(readFileSync(join(outside, "shared"), "utf8")).toBe("outside");
}, 30_000);

async function* names(paths: string[]): AsyncGenerator<string[]> {
  yield paths;
}
