import { afterAll, describe, expect, test } from "bun:test";
import {
  chmodSync,
  chownSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { ownPartSize, writeBeside } from "../../../src/core/files/beside.ts";
import type { RemoteFiles } from "../../../src/core/files/remote-files.ts";
import { codeOf, given, subjects } from "../../ssh/sh-files/subjects.ts";
import { cleanup } from "../../support/cleanup.ts";

afterAll(cleanup);

const byPart = (files: RemoteFiles, path: string, bytes: AsyncIterable<Uint8Array>, from = 0) =>
  writeBeside(files, path, bytes, 0o600, [{ mode: 0o640, mtime: 1e9 }], { part: ".part", from });

async function* broken(text: string): AsyncGenerator<Uint8Array> {
  yield* given(text);
  throw new Error("the source broke");
}

const chosen = (await subjects()).filter(({ name }) => ["dash", "busybox", "sftp"].includes(name));

for (const { name, files, home } of chosen) {
  const at = (path: string) => join(home, path);
  const text = (path: string) => readFileSync(at(path), "utf8");
  const mode = (path: string) => statSync(at(path)).mode & 0o7777;

  describe(name, () => {
    test("a part stays when its writing breaks, and can be gone on with", async () => {
      mkdirSync(at("parts"));
      await expect(byPart(files, "parts/file", broken("half"))).rejects.toThrow("the source broke");
      expect([mode("parts/.part") & ~0o640, readdirSync(at("parts"))]).toEqual([0, [".part"]]);
      writeFileSync(at("parts/.part"), "half and something that was cut");
      expect(await ownPartSize(files, "parts/.part")).toBe(31);
      const beside = await byPart(files, "parts/file", given(" and whole"), 4);
      expect([beside.bytes, text("parts/.part"), mode("parts/.part")]).toEqual([10, "half and whole", 0o640]);
      expect(statSync(at("parts/.part")).mtimeMs).toBe(1e12);
      expect(await codeOf(byPart(files, "parts/file", given("x"), 99))).toBe("PRECONDITION_FAILED");
      await byPart(files, "parts/file", given("anew"));
      expect(text("parts/.part")).toBe("anew");
    });

    test("a part that somebody put there is not written through", async () => {
      mkdirSync(at("planted"));
      writeFileSync(at("planted/victim"), "victim");
      symlinkSync("victim", at("planted/.part"));
      expect(await ownPartSize(files, "planted/.part")).toBeNull();
      expect(await codeOf(byPart(files, "planted/file", given("x"), 3))).toBe("PRECONDITION_FAILED");
      await byPart(files, "planted/file", given("mine"));
      expect([text("planted/victim"), text("planted/.part")]).toEqual(["victim", "mine"]);
    });

    test("a part that becomes a link after it was looked at is not written through", async () => {
      mkdirSync(at("late"));
      writeFileSync(at("late/victim"), "0123456789");
      writeFileSync(at("late/.part"), "head");
      const swap = (): void => {
        rmSync(at("late/.part"));
        symlinkSync("victim", at("late/.part"));
      };
      const swapping: Pick<RemoteFiles, "lstat" | "stat" | "write"> = {
        lstat: (path) => files.lstat(path),
        stat: (path) => files.stat(path),
        write: (...all) => {
          swap();
          return files.write(...all);
        },
      };
      expect(await codeOf(byPart(swapping as RemoteFiles, "late/file", given("root"), 4))).toBe("PRECONDITION_FAILED");
      expect(text("late/victim")).toBe("0123456789");
    });

    test("a part is not gone on with where others could have put it, unless it is one's own", async () => {
      const owned = (path: string, uid: number, bits: number): void => {
        chownSync(at(path), uid, uid);
        chmodSync(at(path), bits);
      };
      for (const [name, owner, bits] of [
        ["alices", 1000, 0o755],
        ["everybodys", 0, 0o777],
      ] as const) {
        mkdirSync(at(name));
        owned(name, owner, bits);
        writeFileSync(at(`${name}/.part`), "head");
        owned(`${name}/.part`, 1000, 0o600);
        expect(await ownPartSize(files, `${name}/.part`)).toBeNull();
        expect(await codeOf(byPart(files, `${name}/file`, given("secret"), 4))).toBe("PRECONDITION_FAILED");
        owned(`${name}/.part`, 0, 0o666);
        expect(await ownPartSize(files, `${name}/.part`)).toBeNull();
        owned(`${name}/.part`, 0, 0o600);
        expect(await ownPartSize(files, `${name}/.part`)).toBe(4);
        await byPart(files, `${name}/file`, given("secret"), 4);
        expect(text(`${name}/.part`)).toBe("headsecret");
      }
    });
  });
}
