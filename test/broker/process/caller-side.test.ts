/** The caller's machine as one side of a transfer, from the broker's side: over a real client, and over one that makes no sense. */
import { afterAll, describe, expect, test } from "bun:test";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import * as v from "valibot";
import type { CallOptions } from "../../../src/broker/client/client.ts";
import { createDispatch } from "../../../src/broker/process/dispatch.ts";
import { Load } from "../../../src/broker/process/load.ts";
import { serveLocally } from "../../../src/broker/process/local.ts";
import { serveConnection } from "../../../src/broker/process/server.ts";
import { decodeFilePart, filePart } from "../../../src/broker/wire/file-frames.ts";
import { frameType } from "../../../src/broker/wire/frame.ts";
import { createPair } from "../../../src/broker/wire/pair.ts";
import { openFileLimit, sideWindow } from "../../../src/broker/wire/protocol.ts";
import type { TransferSide } from "../../../src/core/files/transfer-side.ts";
import { partName } from "../../../src/core/files/transfer-side.ts";
import type { Context } from "../../../src/core/operation.ts";
import type { LocalSide } from "../../../src/files/local/local-side.ts";
import { codeOf, plain, readAll, small, stream, walked, writeAll } from "../../files/local/sides.ts";
import { cleanup } from "../../support/cleanup.ts";
import { tempDir } from "../../support/temp.ts";
import { waitFor, within } from "../../support/wait.ts";
import { fake, noHosts, noSessions } from "./fake-operations.ts";
import { caller, RawPeer, request } from "./raw-peer.ts";

afterAll(cleanup);

let act: (side: TransferSide, context: Context) => Promise<unknown> = async () => null;
const input = v.looseObject({});
const operation = fake(
  "act",
  async (_input, context) => ({ count: 0, text: JSON.stringify((await act(context.local, context)) ?? null) }),
  { input } as object,
);
const dispatch = createDispatch({ operations: [operation], sessions: noSessions, hosts: noHosts, rules: [] });
const { client } = serveLocally(dispatch);

/** What the work says, done by an operation of a call with this input from this directory. */
const during = async <T>(
  cwd: string,
  named: object,
  work: (side: TransferSide, context: Context) => Promise<T>,
  changes: Partial<CallOptions> = {},
): Promise<T> => {
  act = work;
  const options = { operation: "act", input: named, caller: { ...caller, cwd }, capture: null, ...changes };
  return JSON.parse(((await client.call(options)) as { text: string }).text);
};

describe("what the caller's process does for an operation", () => {
  test("is what it does itself: files there and back, one large and many small", async () => {
    const cwd = tempDir("side");
    const content = Buffer.from(crypto.getRandomValues(new Uint8Array(65_536)).toHex().repeat(40));
    const sum = new Bun.CryptoHasher("sha256").update(content).digest("hex");
    const files = Array.from({ length: 3000 }, (_, index) =>
      small(`d/é${index}\udcff`, `content ${index}`.repeat(100)),
    );
    const said = await during(cwd, { destination: "to" }, async (side) => {
      await side.makeDirectory("to", "", null);
      await side.makeDirectory("to", "d", 0o755);
      await side.write("to", "large", stream(content.subarray(0, 99), content.subarray(99)), 0, plain);
      const { failed, written } = await writeAll(side as LocalSide, "to", [...files, small("../x")]);
      await side.symlink("to", "l", "large");
      await side.change("to", "large", { mode: 0o600, mtime: 1000 });
      const back = new Bun.CryptoHasher("sha256");
      for await (const piece of side.read("to/large", 0)) back.update(piece);
      const { found } = await walked(side as LocalSide, "to");
      let same = 0;
      const paths = async function* () {
        yield files.map(({ path }) => path);
        yield ["none"];
      };
      const missing: string[] = [];
      for await (const some of side.readMany("to", paths(), ({ path }) => missing.push(path))) {
        for (const file of some) {
          const index = Number(/\d+/.exec(file.path)?.[0]);
          if (Buffer.from(file.content).toString() === `content ${index}`.repeat(100)) same++;
        }
      }
      return {
        failed: failed.map(({ path, code }) => [path, code]),
        written,
        sums: [back.digest("hex"), await side.hash("to/large", null, false)],
        found: Object.keys(found).length,
        link: found["l"],
        same,
        missing,
        facts: await side.look("to/large"),
        none: [await side.look("to/none"), await side.part("to", "large")],
        free: (await side.free("to")) !== null,
      };
    });
    expect(said).toMatchObject({
      failed: [["../x", "INVALID_INPUT"]],
      written: 3000,
      sums: [sum, sum],
      found: 3003,
      link: "-> large",
      same: 3000,
      missing: ["none"],
      facts: { type: "file", size: content.length, mode: 0o600, mtime: 1000 },
      none: [null, null],
      free: true,
    });
  });

  test("is nothing but what the call names, whatever the broker asks", async () => {
    const cwd = tempDir("side");
    mkdirSync(join(cwd, "named"));
    writeFileSync(join(cwd, "other"), "x");
    const codes = await during(
      cwd,
      { sources: ["db1:/etc", "named"], destination: "-", text: "other" },
      async (side) => [
        await codeOf(readAll(side.read("other", 0))),
        await codeOf(readAll(side.read("named/../other", 0))),
        await codeOf(side.write("other", "", stream("y"), 0, plain)),
        await codeOf(side.look("/etc")),
        await codeOf(walked(side as LocalSide, ".")),
        await codeOf(side.remove(".", "other")),
        await codeOf(side.look("named")),
      ],
    );
    expect(codes.map((code) => code !== "fine")).toEqual([true, true, true, true, true, true, false]);
    expect(readFileSync(join(cwd, "other"), "utf8")).toBe("x");
  });

  test("is confined by the call's policy, and a model's call to what is no secret", async () => {
    const cwd = tempDir("side");
    writeFileSync(join(cwd, ".env"), "x");
    const model = { caller: { ...caller, face: "mcp" as const, cwd } };
    const look = (side: TransferSide) => codeOf(side.look(".env"));
    expect(await during(cwd, { sources: [".env"] }, look)).toBe("fine");
    expect(await during(cwd, { sources: [".env"] }, look, model)).toBe("POLICY_DENIED");
    expect(await during(cwd, { sources: [".env"] }, look, { local: { roots: [], secretsAllowed: true } })).toBe(
      "POLICY_DENIED",
    );
  });

  test("fails as its source does, and keeps what came", async () => {
    const cwd = tempDir("side");
    const message = await during(cwd, { destination: "to" }, async (side) => {
      const source = async function* () {
        yield* stream("x".repeat(300_000));
        throw new Error("the link is lost");
      };
      return await side.write("to", "", source(), 0, plain).catch((thrown: Error) => thrown.message);
    });
    expect(message).toBe("the link is lost");
    expect(readFileSync(join(cwd, partName("to"))).length).toBe(300_000);
    expect(existsSync(join(cwd, "to"))).toBe(false);
  });

  test("ends when the call is canceled: a part is kept, no final name, and nothing is held open", async () => {
    const cwd = tempDir("side");
    const controller = new AbortController();
    const done = during(
      cwd,
      { destination: "to" },
      async (side, { signal }) => {
        const source = async function* () {
          yield* stream("x".repeat(100_000));
          await new Promise((resolve) => signal.addEventListener("abort", resolve));
          yield* stream("y");
        };
        await side.write("to", "", source(), 0, plain);
      },
      { signal: controller.signal },
    );
    const part = join(cwd, partName("to"));
    await waitFor(() => existsSync(part) && readFileSync(part).length === 100_000, { what: "the part" });
    controller.abort();
    expect(await codeOf(within(done, { what: "the end of the call" }))).toBe("CANCELED");
    expect(readdirSync(cwd)).toEqual([partName("to")]);
    const isOpen = (): boolean =>
      readdirSync("/proc/self/fd").some((fd) => {
        try {
          return (
            readFileSync(`/proc/self/fdinfo/${fd}`, "utf8") !== "" &&
            Bun.spawnSync(["readlink", `/proc/${process.pid}/fd/${fd}`])
              .stdout.toString()
              .startsWith(cwd)
          );
        } catch {
          return false;
        }
      });
    await waitFor(() => !isOpen(), { what: "everything to be closed" });
  });

  test("many exchanges at once keep apart; more than the limit are refused", async () => {
    const cwd = tempDir("side");
    const said = await during(cwd, { destination: "to" }, async (side) => {
      await side.makeDirectory("to", "", null);
      const names = Array.from({ length: openFileLimit }, (_, index) => `f${index}`);
      await Promise.all(names.map((name) => side.write("to", name, stream(name.repeat(1000)), 0, plain)));
      const read = await Promise.all(names.map((name) => readAll(side.read(`to/${name}`, 0))));
      const tooMany = await Promise.all([...names, "one more"].map((name) => codeOf(side.look(`to/${name}`))));
      return { same: read.every((content, index) => content === `f${index}`.repeat(1000)), tooMany };
    });
    expect(said.same).toBe(true);
    expect(said.tooMany.filter((code) => code !== "fine")).toEqual(["TOO_LARGE"]);
  });

  test("a transfer's largest files, and as many compared, are at work at once", async () => {
    const cwd = tempDir("side");
    const names = Array.from({ length: 64 }, (_, index) => `f${index}`);
    for (const name of names) writeFileSync(join(cwd, name), name);
    const said = await during(cwd, { sources: ["."] }, async (side) => {
      const walks = side.walk(".", () => undefined)[Symbol.asyncIterator]();
      const read = names.map((name) => side.read(name, 0)[Symbol.asyncIterator]());
      const [, ...codes] = await Promise.all([
        walks.next(),
        ...read.map((one) => codeOf(one.next())),
        ...names.map((name) => codeOf(side.hash(name, null, false))),
      ]);
      for (const one of [walks, ...read]) await one.return?.();
      return new Set(codes).size === 1 && codes[0];
    });
    expect(said).toBe("fine");
  });

  test("a reader that leaves lets go of the file", async () => {
    const cwd = tempDir("side");
    writeFileSync(join(cwd, "f"), new Uint8Array(8 * sideWindow));
    const codes = await during(cwd, { sources: ["f"] }, async (side) => {
      for (let round = 0; round < 2 * openFileLimit; round++) for await (const _ of side.read("f", 0)) break;
      return await codeOf(side.look("f"));
    });
    expect(codes).toBe("fine");
  });
});

describe("a client that makes no sense", () => {
  const played = (work: typeof act) => {
    act = work;
    const [near, far] = createPair();
    serveConnection(far, { dispatch, release: "1", load: new Load(), host: null });
    const peer = new RawPeer(near);
    peer.hello();
    peer.control(1, request("act"));
    const say = (file: number, part: number, bytes: string | Uint8Array = ""): void => {
      const content = typeof bytes === "string" ? new TextEncoder().encode(bytes) : bytes;
      const payload = new Uint8Array(5 + content.length);
      new DataView(payload.buffer).setUint32(0, file);
      payload[4] = part;
      payload.set(content, 5);
      peer.frame(frameType.file, 1, payload);
    };
    const asked = () =>
      waitFor(
        () =>
          peer.frames.some(
            ({ type, payload }) => type === frameType.file && decodeFilePart(payload).part === filePart.ask,
          ),
        { what: "a question" },
      );
    return { peer, say, asked };
  };

  test.each<[string, number, string | Uint8Array]>([
    ["an end", filePart.end, ""],
    ["a question of its own", filePart.ask, "{}"],
    ["an unknown part", 77, ""],
    ["a reply that is no JSON", filePart.reply, "{"],
    ["an event of the wrong shape", filePart.event, '{"files":-1}'],
    ["a failure of the wrong shape", filePart.failure, "{}"],
    ["credit beyond its window", filePart.credit, Uint8Array.of(0, 0, 0, 1)],
  ])("ends the connection: %s", async (_what, part, bytes) => {
    const { peer, say, asked } = played((side) => side.look("x"));
    await asked();
    say(1, part, bytes);
    expect((await peer.message(0, "failure"))["error"]).toMatchObject({ code: "PROTOCOL_ERROR" });
  });

  test.each([
    ["records", (side: TransferSide) => codeOf(walked(side as LocalSide, "x")), "\xff\xff\xff\xff\xff"],
    ["facts", (side: TransferSide) => codeOf(side.look("x")), null],
  ])("fails the operation: %s that are none", async (_what, work, data) => {
    const { peer, say, asked } = played(work);
    await asked();
    if (data !== null)
      say(
        1,
        filePart.data,
        Uint8Array.from(data, (character) => character.charCodeAt(0)),
      );
    say(1, filePart.reply, '{"type":7}');
    const { text } = (await peer.message(1, "result"))["value"] as { text: string };
    expect(text).toBe('"PROTOCOL_ERROR"');
  });

  test("that sends more than it has credit for is refused", async () => {
    const { peer, say, asked } = played(async (side) => {
      for await (const _ of side.read("x", 0)) await new Promise(() => {});
    });
    await asked();
    const piece = new Uint8Array(128 * 1024);
    for (let sent = 0; sent <= sideWindow; sent += piece.length) say(1, filePart.data, piece);
    expect((await peer.message(0, "failure"))["error"]).toMatchObject({ code: "PROTOCOL_ERROR" });
  });
});

test("a caller that is killed in the middle leaves no final name", async () => {
  const cwd = tempDir("side");
  const script = `
    import { LocalSide } from ${JSON.stringify(join(import.meta.dir, "../../../src/files/local/local-side.ts"))};
    const side = new LocalSide({ cwd: ${JSON.stringify(cwd)} });
    const form = { mode: 0o644, masked: true, mtime: null };
    const endless = async function* () { for (;;) { yield new Uint8Array(65536); await Bun.sleep(1); } };
    void side.write(".", "large", endless(), 0, form);
    const small = async function* () { for (let n = 0; ; n++) {
      const content = new Uint8Array(100_000).fill(1);
      yield [{ path: "s" + (n % 50), content, facts: { type: "file", size: content.length, mode: null, uid: null, gid: null, mtime: null } }];
    } };
    void side.writeMany(".", small(), () => form, console.error, () => {});`;
  const file = join(tempDir("script"), "write.ts");
  writeFileSync(file, script);
  for (let round = 0; round < 3; round++) {
    const writer = Bun.spawn([process.execPath, file], { stdout: "inherit", stderr: "inherit" });
    await waitFor(() => existsSync(join(cwd, "s49")), { what: "files" });
    writer.kill(9);
    await writer.exited;
    const names = readdirSync(cwd);
    expect(names).not.toContain("large");
    for (const name of names.filter((one) => !one.endsWith(".ssh-mcp-part"))) {
      expect(readFileSync(join(cwd, name)).length).toBe(100_000);
    }
  }
}, 30_000);
