import { afterAll, expect, test } from "bun:test";
import { getEventListeners } from "node:events";
import type { Socket } from "node:net";
import type { Algorithms } from "ssh2";
import { dialTcp } from "../../../src/ssh/transport/tcp.ts";
import { cleanup } from "../../support/cleanup.ts";
import { makeKey } from "../../support/keys.ts";
import { startScriptedServer } from "../../support/scripted-server.ts";
import { message, sendMessage } from "../../support/ssh-packet.ts";
import { startSshd } from "../../support/sshd.ts";
import { waitFor, within } from "../../support/wait.ts";
import { open } from "../open.ts";

afterAll(cleanup);

test("what ssh2 throws at once leaves nothing behind: no socket, no listener, no clock", async () => {
  const { port } = await startScriptedServer();
  const { signal } = new AbortController();
  const sockets: Socket[] = [];
  const budget = { leftMs: 5_000 };
  const opening = open(
    {
      ...{ port, user: "tester", budget },
      algorithms: { cipher: ["nonsense"] } as unknown as Algorithms,
      open: async (limitMs, aborted) => {
        const socket = await dialTcp("127.0.0.1", port, limitMs, aborted);
        sockets.push(socket);
        return socket;
      },
    },
    signal,
  );
  await expect(opening).rejects.toMatchObject({ code: "INTERNAL", message: expect.stringContaining("nonsense") });
  expect(sockets.map(({ destroyed }) => destroyed)).toEqual([true]);
  expect(getEventListeners(signal, "abort")).toEqual([]);
  // Stopped, and handed back to whoever goes on.
  expect(budget.leftMs).toBeLessThan(5_000);
});

test("a server that speaks of algorithms when it hangs up has not failed to agree on any", async () => {
  const server = await startScriptedServer({
    exec: ({ connection }) => sendMessage(connection, message.disconnect, 2, "no matching host key algorithm", ""),
  });
  const connection = await open({ port: server.port, user: "tester" });
  const sink = { write: async () => undefined };
  const command = { command: "x", stdin: (async function* () {})(), stdout: sink, stderr: sink, timeoutMs: null };
  await connection.exec(command, new AbortController().signal);
  expect(await within(connection.ended, { what: "the end" })).toMatchObject({
    code: "CONNECTION_LOST",
    message: expect.stringContaining("no matching host key algorithm"),
  });
});

test("a server whose key is not accepted is told before the connection ends", async () => {
  const key = await makeKey();
  const sshd = await startSshd({ authorizedKeys: [key.line] });
  const opening = open({ port: sshd.port, user: sshd.user, keys: [key.path], verifyHostKey: async () => false });
  await expect(opening).rejects.toThrow("verification failed");
  const ends = /^(Received disconnect|Connection closed|Connection reset).*$/m;
  const end = await waitFor(() => ends.exec(sshd.log())?.[0], { what: "the end of the connection" });
  // RFC 4253, section 11.1: SSH_DISCONNECT_KEY_EXCHANGE_FAILED.
  expect(end).toMatch(/^Received disconnect from 127\.0\.0\.1 port \d+:3:/);
});
