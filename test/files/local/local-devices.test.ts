/** What a call names may be no file that another could take the place of: pipes, devices and descriptors. */
import { afterAll, describe, expect, test } from "bun:test";
import { spawn } from "node:child_process";
import { lstatSync, readdirSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { cleanup } from "../../support/cleanup.ts";
import { makeFifo } from "../../support/fifo.ts";
import { codeOf, place, plain, stream } from "./sides.ts";

afterAll(cleanup);

const fileMode = { mode: 0o600, masked: false, mtime: null };

describe("a named pipe", () => {
  test("is read whole, also when it is full for a while", async () => {
    const { side } = place();
    const fifo = await makeFifo();
    const content = "x".repeat(300_000);
    const reader = spawn("sh", ["-c", 'exec 3<"$1"; exec wc -c <&3', "sh", fifo]);
    let read = "";
    reader.stdout.on("data", (piece: Buffer) => {
      read += String(piece);
    });
    const ended = new Promise((resolve) => reader.on("close", resolve));
    await side.write(fifo, "", stream(content), 0, fileMode);
    await ended;
    expect(read.trim()).toBe("300000");
  });

  test("that nobody reads takes nothing, and is let go of with the signal", async () => {
    const { side } = place();
    const ending = new AbortController();
    let taken = false;
    const bytes = async function* () {
      taken = true;
      yield* stream("lost");
    };
    const write = side
      .write(await makeFifo(), "", bytes(), 0, plain, undefined, null, ending.signal)
      .catch((thrown) => thrown);
    await new Promise((resolve) => setImmediate(resolve));
    ending.abort();
    expect((await write).code).toBe("CANCELED");
    expect(taken).toBe(false);
  });

  test("that is full is let go of with the signal", async () => {
    const { side } = place();
    const fifo = await makeFifo();
    const ending = new AbortController();
    const reader = spawn("sh", ["-c", 'exec 3<"$1"; echo open; exec sleep 60', "sh", fifo]);
    const asked = Promise.withResolvers<void>();
    const bytes = async function* () {
      yield new Uint8Array(16);
      asked.resolve();
      yield new Uint8Array(1024 * 1024);
    };
    const write = side.write(fifo, "", bytes(), 0, plain, undefined, null, ending.signal).catch((thrown) => thrown);
    await asked.promise;
    ending.abort();
    expect((await write).code).toBe("CANCELED");
    const ended = new Promise((resolve) => reader.on("close", resolve));
    reader.kill();
    await ended;
  });

  test("and a device are nothing that a model writes to", async () => {
    const { base } = place();
    const fifo = await makeFifo();
    for (const roots of [null, ["/"]]) {
      const { side } = place({ cwd: base, policy: { roots, secretsAllowed: false } });
      expect(await codeOf(side.write(fifo, "", stream("x"), 0, plain))).toBe("POLICY_DENIED");
      expect(await codeOf(side.write("/dev/null", "", stream("x"), 0, plain))).toBe("POLICY_DENIED");
    }
    expect(lstatSync(fifo).isFIFO()).toBe(true);
    expect(lstatSync("/dev/null").isCharacterDevice()).toBe(true);
  });
});

test("a socket is an error, not a wait", async () => {
  const { root, side } = place();
  const path = join(root, "s");
  const server = Bun.listen({ unix: path, socket: { data: () => undefined } });
  expect(await codeOf(side.write(path, "", stream("x"), 0, plain))).toBe("LOCAL_IO");
  server.stop();
});

test.each(["/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"])("%s is no place to write to: - is", async (path) => {
  const { side } = place();
  const before = readdirSync("/dev").length;
  const error = await side.write(path, "", stream("x"), 0, plain).catch((thrown) => thrown);
  expect(error.code).toBe("INVALID_INPUT");
  expect(`${error.message} ${error.hint}`).toContain(" -");
  expect(readdirSync("/dev").length).toBe(before);
});

test("a link to a device is followed where the call names it", async () => {
  const { root, side } = place();
  symlinkSync("/dev/null", join(root, "n"));
  await side.write(join(root, "n"), "", stream("gone"), 0, plain);
  expect(lstatSync(join(root, "n")).isSymbolicLink()).toBe(true);
});
