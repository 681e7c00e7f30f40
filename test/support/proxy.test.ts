import { afterAll, expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { join } from "node:path";
import { cleanup } from "./cleanup.ts";
import { runCommand } from "./command.ts";
import { makeKey } from "./keys.ts";
import { type Listener, listen } from "./listener.ts";
import { startProgram } from "./program.ts";
import { startProxy, type TcpProxy } from "./proxy.ts";
import { sshArguments } from "./ssh.ts";
import { startSshd } from "./sshd.ts";
import { tempDir } from "./temp.ts";
import { waitFor } from "./wait.ts";

afterAll(cleanup);

/** An echo server behind a proxy, and a client on it. */
const echo = async () => {
  const server = await listen((socket) => socket.pipe(socket));
  const proxy = await startProxy(server);
  return { server, proxy, client: await dial(proxy) };
};

interface Client {
  socket: Socket;
  received(): string;
  /** `end`, or the code of the error that ended it. */
  ended(): string | null;
}

const dial = async (proxy: Listener): Promise<Client> => {
  let received = "";
  let ended: string | null = null;
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const socket = connect(proxy.port, proxy.host, resolve).once("error", reject);
  socket.on("data", (data) => {
    received += data.toString("latin1");
  });
  socket.on("end", () => {
    ended ??= "end";
  });
  socket.on("error", (error: NodeJS.ErrnoException) => {
    ended ??= error.code ?? error.message;
  });
  await promise;
  return { socket, received: () => received, ended: () => ended };
};

const exchange = async (client: Client, text: string) => {
  const before = client.received().length;
  client.socket.write(text);
  await waitFor(() => client.received().length >= before + text.length, { what: `the echo of ${text}` });
};

test("forwards both ways, and the end of a stream", async () => {
  const { server, client, proxy } = await echo();
  await exchange(client, "hello");
  expect(client.received()).toBe("hello");
  expect([proxy.bytes("toServer"), proxy.bytes("toClient")]).toEqual([5, 5]);
  client.socket.end();
  await waitFor(client.ended, { what: "the end" });
  expect(client.ended()).toBe("end");
  await waitFor(() => server.sockets.size === 0, { what: "the server's side to close" });
});

test("a large stream arrives whole, also under a delay", async () => {
  const { proxy, client } = await echo();
  proxy.setDelay(20);
  const text = "0123456789abcdef".repeat(1 << 16);
  await exchange(client, text);
  expect(client.received() === text).toBe(true);
});

test("counts round trips, and takes the time for them", async () => {
  const { proxy, client } = await echo();
  proxy.setDelay(30);
  const began = performance.now();
  for (const text of ["a", "b", "c"]) await exchange(client, text);
  const elapsed = performance.now() - began;
  expect(proxy.roundTrips()).toBe(3);
  expect(elapsed).toBeGreaterThan(175);
  proxy.resetCount();
  // Sent while the first is on its way: one round, however TCP splits or merges them.
  client.socket.write("d");
  await waitFor(() => proxy.bytes("toServer") === 4, { what: "d to be forwarded" });
  client.socket.write("e");
  await waitFor(() => client.received() === "abcde", { what: "the echo of both" });
  expect(proxy.roundTrips()).toBe(1);
});

test("freeze holds everything back, thaw lets it go", async () => {
  const { proxy, client } = await echo();
  await exchange(client, "before");
  proxy.freeze();
  client.socket.write("during");
  const fresh = await dial(proxy);
  fresh.socket.write("new");
  // Nothing can be awaited where nothing happens: an unfrozen exchange takes under a millisecond.
  await Bun.sleep(50);
  expect([client.received(), fresh.received(), client.ended()]).toEqual(["before", "", null]);
  proxy.thaw();
  await waitFor(() => client.received() === "beforeduring" && fresh.received() === "new", { what: "the rest" });
});

test.each([
  ["close", "end"],
  ["reset", "ECONNRESET"],
] as const)("cut by %s is seen as %s, and a new connection works", async (kind, seen) => {
  const { proxy, client, server } = await echo();
  await exchange(client, "x");
  proxy.cut(kind);
  await waitFor(client.ended, { what: "the cut" });
  expect(client.ended()).toBe(seen);
  await waitFor(() => server.sockets.size === 0, { what: "the server's side to be cut" });
  await exchange(await dial(proxy), "again");
});

test("cuts after an exact number of bytes, which arrive", async () => {
  const { proxy, client } = await echo();
  await exchange(client, "12345");
  proxy.cutAfter("toClient", 3, "close");
  client.socket.write("abcdef");
  await waitFor(client.ended, { what: "the cut" });
  expect(client.received()).toBe("12345abc");
});

test("corrupts the byte at an offset, once a connection", async () => {
  const { proxy, client } = await echo();
  await exchange(client, "aa");
  proxy.corrupt("toServer", 1);
  await exchange(client, "bbb");
  await exchange(client, "cc");
  expect(client.received()).toBe("aab\x9dbcc");
  const later = await dial(proxy);
  await exchange(later, "dd");
  expect(later.received()).toBe("d\x9b");
});

const viaProxy = async (): Promise<{ proxy: TcpProxy; command: string[] }> => {
  const key = await makeKey();
  const sshd = await startSshd({ authorizedKeys: [key.line] });
  const proxy = await startProxy(sshd);
  const through = {
    ...sshd,
    port: proxy.port,
    knownHosts: () => sshd.knownHosts().replace(`${sshd.port}`, `${proxy.port}`),
  };
  return { proxy, command: sshArguments(through, key) };
};

test("ssh's round trips are counted: many to connect, two for a command over a live connection", async () => {
  const { proxy, command } = await viaProxy();
  proxy.setDelay(80);
  const socket = join(tempDir("mux"), "socket");
  const [ssh = "", ...rest] = command;
  const master = startProgram([ssh, "-o", "ControlMaster=yes", "-o", `ControlPath=${socket}`, "-N", ...rest]);
  await waitFor(() => existsSync(socket), { what: "the connection" });
  // Identification, key exchange, service, method none, the key's offer and its signature: each is waited for.
  expect(proxy.roundTrips()).toBeGreaterThanOrEqual(6);
  expect(proxy.roundTrips()).toBeLessThanOrEqual(12);
  for (const _ of [1, 2]) {
    proxy.resetCount();
    // Its stdin stays open: an end of input, sent while a slow shell starts, would seem to be what the shell answers.
    const command = startProgram([ssh, "-o", `ControlPath=${socket}`, ...rest, "echo hello"]);
    expect(await command.exit()).toMatchObject({ status: 0, stdout: "hello\n" });
    expect(proxy.roundTrips()).toBe(2);
  }
  await master.stop();
});

test("ssh sees a corrupted connection and a cut one", async () => {
  const { proxy, command } = await viaProxy();
  proxy.corrupt("toClient", 1900);
  expect(await runCommand([...command, "true"])).toMatchObject({ status: 255 });
  const other = await viaProxy();
  other.proxy.cutAfter("toClient", 300, "reset");
  expect(await runCommand([...other.command, "true"])).toMatchObject({ status: 255 });
});
