/** The way to a server's SFTP, with real servers. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { SshMcpError } from "../../../src/core/errors.ts";
import type { SftpChannel } from "../../../src/ssh/files/sftp-channel.ts";
import { cleanup } from "../../support/cleanup.ts";
import { startDropbear } from "../../support/dropbear.ts";
import { type KeyPair, makeKey } from "../../support/keys.ts";
import { type Sshd, startSshd } from "../../support/sshd.ts";
import { within } from "../../support/wait.ts";
import { open } from "../open.ts";

afterAll(cleanup);

let key: KeyPair;
let sshd: Sshd;
beforeAll(async () => {
  key = await makeKey();
  sshd = await startSshd({ authorizedKeys: [key.line] });
});

/** SSH_FXP_INIT, version 3 (draft-ietf-secsh-filexfer-02, section 4). */
const init = Buffer.from([0, 0, 0, 5, 1, 0, 0, 0, 3]);
const never = new AbortController().signal;

const firstAnswer = (channel: SftpChannel): Promise<Buffer> => {
  const { promise, resolve } = Promise.withResolvers<Buffer>();
  channel.onData = (chunk) => void resolve(Buffer.from(chunk));
  channel.send(init);
  return within(promise, { what: "an answer" });
};

test.each(["sshd", "dropbear"])("%s answers, and the channel ends when it is told to", async (kind) => {
  const server = kind === "sshd" ? sshd : await startDropbear({ authorizedKeys: [key.line] });
  const connection = await open({ port: server.port, user: server.user, keys: [key.path] });
  const channel = await connection.openSftp(null, never);
  const answer = await firstAnswer(channel);
  // SSH_FXP_VERSION
  expect([answer[4], answer.readUInt32BE(5)]).toEqual([2, 3]);
  channel.end(new SshMcpError("TIMEOUT", "it took too long"));
  channel.end();
  expect(await channel.ended).toMatchObject({ code: "TIMEOUT", message: "it took too long" });
  await within(channel.closed, { what: "its slot" });
  expect(connection.isOpen).toBe(true);
});

test("one that ends with its connection says so", async () => {
  const connection = await open({ port: sshd.port, user: sshd.user, keys: [key.path] });
  const channel = await connection.openSftp(null, never);
  await firstAnswer(channel);
  await connection.close();
  expect(await channel.ended).toMatchObject({ code: "CONNECTION_LOST" });
});

test("a server without SFTP says so, and gives its channel back", async () => {
  const without = await startSshd({
    authorizedKeys: [key.line],
    options: ["Subsystem none /bin/false", "MaxSessions 1"],
  });
  const connection = await open({ port: without.port, user: without.user, keys: [key.path] });
  for (let count = 0; count < 3; count++) {
    const channel = await connection.openSftp(null, never);
    channel.send(init);
    expect(await channel.ended).toMatchObject({ code: "UNSUPPORTED" });
  }
});

test("one whose program ends at once says so", async () => {
  const server = await startSshd({ authorizedKeys: [key.line], options: ["Subsystem sftp /bin/true"] });
  const connection = await open({ port: server.port, user: server.user, keys: [key.path] });
  const channel = await connection.openSftp(null, never);
  channel.send(init);
  expect(await channel.ended).toMatchObject({ code: "REMOTE_IO", message: "the server ended SFTP" });
});
