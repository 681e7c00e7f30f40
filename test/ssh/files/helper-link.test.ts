/** SFTP with a server that a command starts: here as the login itself, over a real connection. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import type { CommandRequest } from "../../../src/core/command.ts";
import { plainForm } from "../../../src/core/command-form.ts";
import { plainSetup } from "../../../src/ssh/commands/command-setup.ts";
import type { Connection } from "../../../src/ssh/connection.ts";
import { HelperLink, noServer } from "../../../src/ssh/files/helper-link.ts";
import { SftpClient } from "../../../src/ssh/sftp/sftp-client.ts";
import { SftpFiles } from "../../../src/ssh/sftp/sftp-files.ts";
import { cleanup } from "../../support/cleanup.ts";
import { makeKey } from "../../support/keys.ts";
import { startSshd } from "../../support/sshd.ts";
import { within } from "../../support/wait.ts";
import { open } from "../open.ts";

afterAll(cleanup);

let connection: Connection;
beforeAll(async () => {
  const key = await makeKey();
  const sshd = await startSshd({ authorizedKeys: [key.line] });
  connection = await open({ port: sshd.port, user: sshd.user, keys: [key.path] });
});

const root = { by: "sudo", user: "root" } as const;
const never = new AbortController().signal;
/** As whoever has logged in. @param changed what becomes of the helper's own program */
const start = (changed = (program: string) => program, on = connection) => {
  const run = (request: CommandRequest, signal: AbortSignal, onChannel: () => void) =>
    on.exec(
      { ...request, command: changed(request.command), form: { ...plainForm, interpreter: "sh" } },
      signal,
      undefined,
      { ...plainSetup, onChannel },
    );
  return new HelperLink(run, root, () => on.isOpen);
};

test("it is found, speaks SFTP from the home directory, and ends with its input", async () => {
  const link = start();
  const first = await SftpClient.open(link, never);
  const files = new SftpFiles({ first, another: async () => null, where: "test" });
  expect(await files.resolve(".")).toStartWith("/home/");
  link.end();
  expect(await link.finished).toMatchObject({ outcome: "exited", exitCode: 0 });
});

test("where there is none, the helper's status says so", async () => {
  const link = start(
    (program) => `PATH=/nowhere;${program.replace(/\/[^ ;]*\/openssh|\/[^ ;]*lib[^ ;]*/g, "/nowhere")}`,
  );
  expect(await SftpClient.open(link, never).catch((error: unknown) => error)).toMatchObject({ code: "REMOTE_IO" });
  expect(await link.finished).toMatchObject({ outcome: "exited", exitCode: noServer });
});

test("one that says nothing is stopped when it is ended", async () => {
  const link = start((program) => `sleep 600;${program}`);
  const opening = SftpClient.open(link, AbortSignal.timeout(200)).catch((error: unknown) => error);
  expect(await opening).toMatchObject({ code: "CANCELED" });
  link.end();
  expect(await within(link.finished, { what: "its end" })).toMatchObject({ outcome: "canceled", stopped: "confirmed" });
});

test("it says when it has a channel, for which it may wait", async () => {
  const key = await makeKey();
  const one = await startSshd({ authorizedKeys: [key.line], options: ["MaxSessions 1"] });
  const full = await open({ port: one.port, user: one.user, keys: [key.path] });
  const [begun, over] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const stdin = async function* () {
    yield Buffer.from("begun");
    await over.promise;
  };
  const stdout = { write: async () => begun.resolve() };
  const request: CommandRequest = {
    ...{ command: "cat", stdin: stdin(), stdout, stderr: stdout, timeoutMs: null },
  };
  const running = full.exec(request, never);
  await within(begun.promise, { what: "the command" });
  const link = start(undefined, full);
  const opening = SftpClient.open(link, never);
  expect(await Promise.race([link.begun, Bun.sleep(100).then(() => "waits")])).toBe("waits");
  over.resolve();
  await within(link.begun, { what: "its channel" });
  await opening;
  link.end();
  await Promise.all([running, link.finished]);
  await full.close();
});
