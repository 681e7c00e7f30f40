import { afterAll, describe, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Transport } from "../../../src/broker/wire/protocol.ts";
import { connectSocket, listenOnSocket } from "../../../src/broker/wire/socket-transport.ts";
import { cleanup, onCleanup } from "../../support/cleanup.ts";
import { type RunningProgram, startProgram } from "../../support/program.ts";
import { tempDir } from "../../support/temp.ts";
import { waitFor, within } from "../../support/wait.ts";
import { hashOf, pour } from "../pour.ts";

afterAll(cleanup);

const mebibyte = 1024 * 1024;
const path = (): string => join(tempDir("socket"), "s");

/** Both ends in this process. */
const joined = async (): Promise<{ near: Transport; far: Transport }> => {
  const socket = path();
  const accepted = Promise.withResolvers<Transport>();
  const server = listenOnSocket(socket, accepted.resolve);
  onCleanup(() => server.stop());
  const near = await connectSocket(socket);
  return { near, far: await accepted.promise };
};

/** The other end in a process that sends so many bytes and hashes what it gets. */
const startPeer = async (bytes: number): Promise<{ peer: RunningProgram; near: Transport; socket: string }> => {
  const socket = path();
  const peer = startProgram([process.execPath, join(import.meta.dir, "../socket-peer.ts"), socket, String(bytes)]);
  await peer.waitForStdout("listening");
  return { peer, near: await connectSocket(socket), socket };
};

interface Collected {
  bytes: number;
  deliveries: number;
  closes: number;
  hash(): string;
}

const collect = (transport: Transport): Collected => {
  const hash = new Bun.CryptoHasher("sha256");
  const collected = { bytes: 0, deliveries: 0, closes: 0, hash: () => hash.digest("hex") };
  transport.onData = (chunk) => {
    hash.update(chunk);
    collected.bytes += chunk.length;
    collected.deliveries++;
  };
  transport.onClose = () => {
    collected.closes++;
  };
  return collected;
};

const turns = async (count: number): Promise<void> => {
  for (let i = 0; i < count; i++) await new Promise((resolve) => setImmediate(resolve));
};

describe("bytes", () => {
  test("1 GiB goes both ways at once, unchanged", async () => {
    const total = 1024 * mebibyte;
    const { peer, near } = await startPeer(total);
    const got = collect(near);
    await pour(near, total);
    await waitFor(() => got.bytes === total, { what: "a gigabyte", timeout: 60_000 });
    near.close();
    await peer.waitForStdout(`${total} ${hashOf(total)}`);
    expect(got.hash()).toBe(hashOf(total));
  }, 120_000);

  test("that a sleeping reader does not take are counted, and none is lost when it wakes up", async () => {
    const total = 64 * mebibyte;
    const { peer, near } = await startPeer(0);
    const got = collect(near);
    let drains = 0;
    near.onDrain = () => {
      drains++;
    };
    peer.signal("SIGSTOP");
    const sent = new Uint8Array(total).fill(7);
    near.write(sent.subarray(0, total / 2));
    near.write(sent.subarray(total / 2));
    expect(near.pending).toBe(total);
    await waitFor(() => near.pending < total, { what: "the kernel to take some" });
    await turns(10);
    // What a unix socket holds.
    expect(near.pending).toBeGreaterThan(total - mebibyte);
    expect(drains).toBe(0);
    peer.signal("SIGCONT");
    await waitFor(() => near.pending === 0, { what: "the rest to be taken", interval: 1 });
    expect(drains).toBe(1);
    near.close();
    await peer.waitForStdout(`${total} ${new Bun.CryptoHasher("sha256").update(sent).digest("hex")}`);
    expect(got).toMatchObject({ bytes: 0, closes: 1 });
  });

  test("ten thousand small pieces arrive in order, and in few deliveries", async () => {
    const { near, far } = await joined();
    const got = collect(far);
    const hash = new Bun.CryptoHasher("sha256");
    for (let n = 0; n < 10_000; n++) {
      const piece = new TextEncoder().encode(`${n};`.repeat(n % 7));
      hash.update(piece);
      near.write(piece);
      if (n % 500 === 0) await turns(1);
    }
    const written = near.pending + got.bytes;
    await waitFor(() => near.pending === 0 && got.bytes >= written, { what: "every piece", interval: 1 });
    expect(got.hash()).toBe(hash.digest("hex"));
    expect(got.deliveries).toBeLessThan(100);
  });

  test("that were delivered stay as they were while more come: nobody has to copy them", async () => {
    const total = 32 * mebibyte;
    const { peer, near } = await startPeer(total);
    const kept: Uint8Array[] = [];
    near.onData = (chunk) => void kept.push(chunk);
    const bytes = (): number => kept.reduce((sum, { length }) => sum + length, 0);
    await waitFor(() => bytes() === total, { what: "all of them" });
    const hash = new Bun.CryptoHasher("sha256");
    for (const chunk of kept) hash.update(chunk);
    expect(hash.digest("hex")).toBe(hashOf(total));
    near.close();
    await peer.exit();
  });

  test("written together arrive together", async () => {
    const { near, far } = await joined();
    const got = collect(far);
    near.write(new Uint8Array(100));
    near.write(new Uint8Array(200));
    await waitFor(() => got.bytes === 300, { what: "both", interval: 1 });
    expect(got.deliveries).toBe(1);
  });
});

describe("what was written is taken", () => {
  test("at once by a socket that has room, together with what waited for the end of the turn", async () => {
    const { near, far } = await joined();
    const got = collect(far);
    const taken: string[] = [];
    near.write(new Uint8Array(100));
    near.write(new Uint8Array(200));
    near.whenTaken(() => taken.push("first"));
    near.write(new Uint8Array(300));
    near.whenTaken(() => taken.push("second"));
    expect(taken).toEqual(["first", "second"]);
    expect(near.pending).toBe(0);
    await waitFor(() => got.bytes === 600, { what: "all of it", interval: 1 });
  });

  test("when the reader made room for it, in order, and not only when nothing waits any more", async () => {
    const { peer, near } = await startPeer(0);
    peer.signal("SIGSTOP");
    const taken: number[] = [];
    near.write(new Uint8Array(8 * mebibyte));
    near.whenTaken(() => taken.push(near.pending));
    near.write(new Uint8Array(16 * mebibyte));
    near.whenTaken(() => taken.push(near.pending));
    await turns(10);
    expect(taken).toEqual([]);
    peer.signal("SIGCONT");
    await waitFor(() => taken.length === 2, { what: "both", interval: 1 });
    expect(taken[0]).toBeGreaterThan(0);
    expect(taken[1]).toBe(0);
    near.close();
    await peer.exit();
  });

  test("never, when the connection ends before", async () => {
    const { peer, near } = await startPeer(0);
    const got = collect(near);
    peer.signal("SIGSTOP");
    let taken = 0;
    near.write(new Uint8Array(8 * mebibyte));
    near.whenTaken(() => taken++);
    near.abort();
    near.whenTaken(() => taken++);
    await waitFor(() => got.closes > 0, { what: "the close", interval: 1 });
    expect(taken).toBe(0);
    peer.signal("SIGCONT");
    await peer.exit();
  });
});

describe("close", () => {
  test("right after a large write delivers all of it", async () => {
    const { near, far } = await joined();
    const [sender, reader] = [collect(near), collect(far)];
    near.write(new Uint8Array(100 * mebibyte));
    near.close();
    near.write(new Uint8Array(5));
    await waitFor(() => sender.closes > 0 && reader.closes > 0, { what: "the close", interval: 1 });
    expect(reader).toMatchObject({ bytes: 100 * mebibyte, closes: 1 });
    expect(sender.closes).toBe(1);
    near.close();
    near.abort();
    await turns(3);
    expect(sender.closes).toBe(1);
  });

  test("of a peer that does not read ends after a few seconds, and frees what waited", async () => {
    const { peer, near } = await startPeer(0);
    const got = collect(near);
    peer.signal("SIGSTOP");
    near.write(new Uint8Array(8 * mebibyte));
    await turns(3);
    const began = performance.now();
    near.close();
    await waitFor(() => got.closes > 0, { what: "the end" });
    expect(performance.now() - began).toBeGreaterThan(2000);
    expect(near.pending).toBe(0);
    peer.signal("SIGCONT");
  });

  test("delivers nothing more to the side that closed", async () => {
    const { near, far } = await joined();
    const got = collect(near);
    far.write(new Uint8Array(10));
    near.close();
    await waitFor(() => got.closes > 0, { what: "the close", interval: 1 });
    expect(got.bytes).toBe(0);
  });

  test("abort waits for nobody", async () => {
    const { peer, near } = await startPeer(0);
    const got = collect(near);
    peer.signal("SIGSTOP");
    near.write(new Uint8Array(8 * mebibyte));
    await turns(3);
    near.abort();
    near.write(new Uint8Array(8));
    await turns(3);
    expect(got.closes).toBe(1);
    expect(near.pending).toBe(0);
    peer.signal("SIGCONT");
  });

  test("when the other process is killed comes once, with bytes under way in both directions", async () => {
    const { peer, near } = await startPeer(1024 * mebibyte);
    const got = collect(near);
    near.write(new Uint8Array(512 * mebibyte));
    await waitFor(() => got.bytes > mebibyte, { what: "bytes", interval: 1 });
    peer.signal("SIGKILL");
    await waitFor(() => got.closes > 0, { what: "the close", interval: 1 });
    near.write(new Uint8Array(10));
    await turns(5);
    expect(got.closes).toBe(1);
    expect(near.pending).toBe(0);
    await within(peer.stop(), { what: "the peer's end" });
  });
});

describe("connecting", () => {
  const codeOf = async (to: string): Promise<unknown> =>
    connectSocket(to).then(
      () => "connected",
      (thrown: { code?: unknown }) => thrown.code,
    );

  test("to nothing is ENOENT; to a file, a directory or a dead socket ECONNREFUSED", async () => {
    expect(await codeOf(path())).toBe("ENOENT");
    const file = path();
    writeFileSync(file, "");
    expect(await codeOf(file)).toBe("ECONNREFUSED");
    expect(await codeOf(tempDir())).toBe("ECONNREFUSED");
    const { peer, near, socket } = await startPeer(0);
    const got = collect(near);
    peer.signal("SIGKILL");
    await waitFor(() => got.closes > 0, { what: "its end", interval: 1 });
    // Its connections are closed one by one, the listening one not before ours.
    await waitFor(async () => (await codeOf(socket)) !== "connected", { what: "the end of its listening" });
    expect(await codeOf(socket)).toBe("ECONNREFUSED");
  });
});
