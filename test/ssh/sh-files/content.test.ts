import { afterAll, describe, expect, test } from "bun:test";
import { createHash, randomBytes } from "node:crypto";
import { chmodSync, mkdirSync, readdirSync, readFileSync, renameSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { pathBytes, pathText } from "../../../src/core/files/path-text.ts";
import { ShFiles } from "../../../src/ssh/sh-files/sh-files.ts";
import { cleanup } from "../../support/cleanup.ts";
import { tempDir } from "../../support/temp.ts";
import { localRun, localShells } from "./local-run.ts";
import { codeOf, content, given, listed, subjects } from "./subjects.ts";

afterAll(cleanup);

const fileName = fc
  .uint8Array({ minLength: 1, maxLength: 60 })
  .map((bytes) => bytes.map((byte) => (byte === 0 || byte === 0x2f ? 0x0a : byte)))
  .filter((bytes) => !["." as string, ".."].includes(Buffer.from(bytes).toString("latin1")))
  .map(pathText);

// What is the same in every shell is not tried in each.
const all = (await subjects()).filter(({ name }) => !["bash", "ksh"].includes(name));

for (const { name, files, home } of all) {
  const at = (path: string): Buffer => Buffer.concat([Buffer.from(`${home}/`), pathBytes(path)]);

  describe(name, () => {
    test("names and contents of any bytes come back", async () => {
      mkdirSync(join(home, "any"));
      const made = new Set<string>();
      const round = fc.asyncProperty(fileName, fc.uint8Array({ maxLength: 2000 }), async (file, bytes) => {
        const path = `any/${file}`;
        expect(await files.write(path, given(bytes), { offset: 0, create: "any", mode: 0o600 })).toBe(bytes.length);
        made.add(file);
        expect(Buffer.compare(readFileSync(at(path)), bytes)).toBe(0);
        expect(Buffer.compare(await content(files, path), bytes)).toBe(0);
      });
      await fc.assert(round, { numRuns: 4, endOnFailure: true });
      for (let extra = 0; extra < 100; extra++) {
        const [file = "x"] = fc.sample(fileName, 1);
        writeFileSync(at(`any/${file}`), "");
        made.add(file);
      }
      expect(await listed(files, "any")).toEqual([...made].sort());
    });

    test("a disk that takes no more is no success", async () => {
      const big = given(new Uint8Array(100_000));
      expect(await codeOf(files.write("/dev/full", big, { offset: 0, create: "existing", mode: null }))).toBe(
        "REMOTE_IO",
      );
    });

    test("a reader may leave early", async () => {
      for await (const chunk of (await files.open("/dev/zero")).read(0, null)) {
        expect(chunk.length).toBeGreaterThan(0);
        break;
      }
    });

    test("a file that shrank is no short success", async () => {
      writeFileSync(at("shrinks"), new Uint8Array(300_000));
      const file = await files.open("shrinks");
      await file.facts();
      truncateSync(at("shrinks").toString(), 1000);
      const read = async (): Promise<number> => {
        let bytes = 0;
        for await (const chunk of file.read(0, null)) bytes += chunk.length;
        return bytes;
      };
      expect(await codeOf(read())).toBe("REMOTE_IO");
      file.close();
    });

    test("of six that make the same file, one does", async () => {
      for (let round = 0; round < 1; round++) {
        const tries = Array.from({ length: 6 }, (_, who) =>
          codeOf(files.write(`race${round}`, given(`${who}`), { offset: 0, create: "new", mode: 0o600 })),
        );
        const results = await Promise.all(tries);
        expect(results.filter((result) => result !== "ALREADY_EXISTS").length).toBe(1);
        const winner = results.findIndex((result) => result !== "ALREADY_EXISTS");
        expect(readFileSync(at(`race${round}`), "utf8")).toBe(String(winner));
      }
    });
  });
}

const [dash] = all;
const busybox = all.find(({ name }) => name === "busybox");

for (const subject of [dash, busybox].filter((each) => each !== undefined)) {
  const { name, files, home } = subject;
  describe(`${name}, large`, () => {
    test("16 MiB, byte for byte", async () => {
      const block = randomBytes(1 << 20);
      const sent = createHash("sha256");
      const chunks = async function* (): AsyncGenerator<Uint8Array> {
        for (let at = 0; at < 16; at++) {
          block.writeUInt32LE(at, 77);
          sent.update(block);
          yield Uint8Array.from(block);
        }
      };
      expect(await files.write("large", chunks(), { offset: 0, create: "new", mode: 0o600 })).toBe(16 << 20);
      const got = createHash("sha256");
      for await (const chunk of (await files.open("large")).read(0, null)) got.update(chunk);
      expect(got.digest("hex")).toBe(sent.digest("hex"));
    });

    test("the tail of 5 GiB is as near as its head", async () => {
      const path = join(home, "sparse");
      writeFileSync(path, "");
      truncateSync(path, 5 * 2 ** 30);
      await files.write("sparse", given("the end"), { offset: 5 * 2 ** 30, create: "existing", mode: null });
      const startedAt = performance.now();
      expect((await content(files, "sparse", 5 * 2 ** 30 - 2)).toString()).toBe("\0\0the end");
      expect((await content(files, "sparse", 3 * 2 ** 30 + 1, 3)).toString()).toBe("\0\0\0");
      // Read to there it would take seconds.
      expect(performance.now() - startedAt).toBeLessThan(2000);
    });

    test("a directory of 2,000 names comes in pieces", async () => {
      const dir = join(home, "many");
      mkdirSync(dir);
      for (let at = 0; at < 2_000; at++) writeFileSync(join(dir, `file number ${at}`), "");
      let batches = 0;
      let entries = 0;
      for await (const batch of files.list("many")) {
        batches++;
        entries += batch.length;
      }
      expect(entries).toBe(2_000);
      expect(batches).toBeGreaterThan(1);
    });

    test("a file that was replaced is said so", async () => {
      writeFileSync(join(home, "replaced"), "old content");
      const file = await files.open("replaced");
      writeFileSync(join(home, "replacement"), "new content, longer");
      renameSync(join(home, "replacement"), join(home, "replaced"));
      const read = async (): Promise<void> => {
        for await (const _ of file.read(0, null));
      };
      expect(await codeOf(read())).toBe("REMOTE_IO");
    });
  });
}

test("a program that ends without a word is no success", async () => {
  const [shell] = localShells(tempDir("tools"));
  if (shell === undefined) throw new Error("no shell");
  const home = tempDir("home");
  const killed = { ...shell, argv: ["/bin/sh", "-c", "kill -9 $$", "sh"] };
  const silent = { ...shell, argv: ["/usr/bin/true"] };
  for (const each of [killed, silent]) {
    const files = new ShFiles({ run: localRun(each, home), where: "db1" });
    for (const work of [files.stat("x"), files.remove("x"), files.readLink("x"), listed(files, ".")])
      expect(await codeOf(work)).toBe("REMOTE_IO");
  }
});

test("what another user may not, is said", async () => {
  const home = tempDir("home");
  chmodSync(home, 0o711);
  writeFileSync(join(home, "secret"), "x", { mode: 0o600 });
  mkdirSync(join(home, "closed"), { mode: 0o700 });
  mkdirSync(join(home, "sealed"), { mode: 0o755 });
  writeFileSync(join(home, "sealed/file"), "old");
  // Whose file may not be written gets no second name (protected_hardlinks of proc(5)).
  chmodSync(join(home, "sealed/file"), 0o666);
  mkdirSync(join(home, "open"));
  chmodSync(join(home, "open"), 0o777);
  const tools = tempDir("tools");
  chmodSync(tools, 0o755);
  for (const shell of localShells(tools)) {
    const argv = ["/usr/bin/setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", ...shell.argv];
    const files = new ShFiles({ run: localRun({ ...shell, argv }, home), where: "db1" });
    const write = (path: string) => files.write(path, given("x"), { offset: 0, create: "any", mode: 0o600 });
    expect(await codeOf(files.open("secret"))).toBe("REMOTE_PERMISSION");
    expect(await codeOf(listed(files, "closed"))).toBe("REMOTE_PERMISSION");
    expect(await codeOf(files.stat("closed/x"))).toBe("REMOTE_PERMISSION");
    expect(await codeOf(write("secret"))).toBe("REMOTE_PERMISSION");
    expect(await codeOf(write("sealed/new"))).toBe("REMOTE_PERMISSION");
    expect(await codeOf(files.remove("sealed/file"))).toBe("REMOTE_PERMISSION");
    expect(await codeOf(files.rename("sealed/file", "sealed/other", true))).toBe("REMOTE_PERMISSION");
    expect(await codeOf(files.rename("sealed/file", "sealed/other", false))).toBe("REMOTE_PERMISSION");
    // A second name would be left where the first one has to stay.
    expect(await codeOf(files.rename("sealed/file", "open/other", false))).toBe("REMOTE_PERMISSION");
    expect(readdirSync(join(home, "open"))).toEqual([]);
    expect(await codeOf(files.change("sealed/file", { mode: 0o777 }))).toBe("REMOTE_PERMISSION");
    expect(await codeOf(files.makeDirectory("sealed/dir", 0o700))).toBe("REMOTE_PERMISSION");
    expect(await codeOf(files.symlink("x", "sealed/link"))).toBe("REMOTE_PERMISSION");
    expect(readdirSync(join(home, "sealed"))).toEqual(["file"]);
  }
});
