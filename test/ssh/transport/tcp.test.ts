/** The options of ssh_config that decide how a TCP connection is opened. */
import { afterAll, expect, test } from "bun:test";
import { createServer, type Server, type Socket } from "node:net";
import { networkInterfaces } from "node:os";
import { dialTcp, type TcpSettings } from "../../../src/ssh/transport/tcp.ts";
import { cleanup, onCleanup } from "../../support/cleanup.ts";
import { freePort } from "../../support/daemon.ts";

afterAll(cleanup);

const settings = (extra: Partial<TcpSettings> = {}): TcpSettings => ({
  addressFamily: "any",
  bindAddress: null,
  bindInterface: null,
  connectionAttempts: 1,
  tcpKeepAlive: true,
  ...extra,
});

/** A server that notes where its clients come from. */
const serverOn = async (host: string): Promise<{ port: number; from: string[] }> => {
  const from: string[] = [];
  const server: Server = createServer((socket: Socket) => {
    from.push(socket.remoteAddress ?? "");
    socket.resume();
  });
  await new Promise<void>((resolve) => server.listen(0, host, resolve));
  onCleanup(() => void server.close());
  const address = server.address();
  return { port: typeof address === "object" && address !== null ? address.port : 0, from };
};

const dial = async (host: string, port: number, extra: Partial<TcpSettings>): Promise<Socket> => {
  const socket = await dialTcp(host, port, 5000, new AbortController().signal, settings(extra));
  onCleanup(() => void socket.destroy());
  return socket;
};

test("BindAddress and BindInterface are where the connection comes from", async () => {
  const { port } = await serverOn("127.0.0.1");
  expect((await dial("127.0.0.1", port, { bindAddress: "127.0.0.2" })).localAddress).toBe("127.0.0.2");
  const loopback = Object.entries(networkInterfaces()).find(([, addresses]) =>
    addresses?.some(({ address }) => address === "127.0.0.1"),
  )?.[0];
  expect((await dial("127.0.0.1", port, { bindInterface: loopback ?? "" })).localAddress).toBe("127.0.0.1");
});

test.each<[Partial<TcpSettings>, string]>([
  [{ bindAddress: "203.0.113.7" }, "this machine has no address 203.0.113.7"],
  [{ bindAddress: "::1" }, "BindAddress ::1 has no IPv4 address"],
  [{ bindInterface: "nothing0" }, "BindInterface nothing0 has no IPv4 address"],
])("%j that this machine has not is an error, and nothing is dialled", async (extra, message) => {
  const { port, from } = await serverOn("127.0.0.1");
  await expect(dial("127.0.0.1", port, extra)).rejects.toMatchObject({
    code: "UNREACHABLE",
    message: expect.stringContaining(message),
  });
  expect(from).toEqual([]);
});

test("AddressFamily chooses among a name's addresses, and refuses an address of the other", async () => {
  const [four, six] = [await serverOn("127.0.0.1"), await serverOn("::1")];
  expect((await dial("localhost", four.port, { addressFamily: "inet" })).remoteFamily).toBe("IPv4");
  expect((await dial("::1", six.port, { addressFamily: "inet6" })).remoteFamily).toBe("IPv6");
  await expect(dial("::1", six.port, { addressFamily: "inet" })).rejects.toMatchObject({ code: "DNS_FAILED" });
  await expect(dial("127.0.0.1", four.port, { addressFamily: "inet6" })).rejects.toMatchObject({ code: "DNS_FAILED" });
});

test("ConnectionAttempts tries again, a second later", async () => {
  const port = await freePort();
  const server = createServer((socket) => socket.resume());
  onCleanup(() => void server.close());
  const dialed = dial("127.0.0.1", port, { connectionAttempts: 3 });
  dialed.catch(() => undefined);
  // The first attempt is refused before anybody listens.
  await Bun.sleep(200);
  await new Promise<void>((resolve) => server.listen(port, "127.0.0.1", resolve));
  expect((await dialed).remotePort).toBe(port);
  await expect(dial("127.0.0.1", await freePort(), {})).rejects.toMatchObject({ code: "CONNECT_REFUSED" });
});

test("a dial that is canceled between two attempts ends at once", async () => {
  const controller = new AbortController();
  const dialed = dialTcp(
    "127.0.0.1",
    await freePort(),
    60_000,
    controller.signal,
    settings({ connectionAttempts: 50 }),
  );
  queueMicrotask(() => setTimeout(() => controller.abort(), 50));
  await expect(dialed).rejects.toMatchObject({ code: "CANCELED" });
});
