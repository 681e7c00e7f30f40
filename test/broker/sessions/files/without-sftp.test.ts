/** Files of servers without SFTP, with nothing else, and with neither. */
import { afterAll, afterEach, beforeAll, beforeEach, expect, setDefaultTimeout, test } from "bun:test";
import { chmodSync, chownSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { SessionRegistry } from "../../../../src/broker/sessions/session-registry.ts";
import { cleanup } from "../../../support/cleanup.ts";
import { makeKey } from "../../../support/keys.ts";
import { startSshd } from "../../../support/sshd.ts";
import { tempDir } from "../../../support/temp.ts";
import { makeUser } from "../../../support/users.ts";
import { callOf, model } from "../sessions.ts";
import { bytesOf, configFor, connectTo, contentOf, filesOf, ranOn } from "./servers.ts";

setDefaultTimeout(30_000);

let config: string;
let registry: SessionRegistry;
let path: string;

beforeAll(async () => {
  const key = await makeKey();
  const start = (...options: string[]) => startSshd({ authorizedKeys: [key.line], options });
  const chatty = await makeUser();
  writeFileSync(join(chatty.home, ".bashrc"), "echo Welcome to this server\n");
  chownSync(join(chatty.home, ".bashrc"), chatty.uid, chatty.uid);
  const external = await start("Subsystem sftp /usr/lib/openssh/sftp-server");
  const unset = join(tempDir("sshd"), "nothing");
  const forced = await start();
  const forcedKey = await makeKey();
  forced.authorize(`command="echo no" ${forcedKey.line}`);
  config = configFor(
    {
      none: await start("Subsystem none /bin/false"),
      missing: await start(`Subsystem sftp ${unset}`),
      ends: await start("Subsystem sftp /bin/true"),
      chatty: { port: external.port, user: chatty.name },
      only: await start("ForceCommand internal-sftp"),
      device: await start("ForceCommand echo menu"),
    },
    key,
  );
  writeFileSync(
    config,
    `Host forced\n  HostName 127.0.0.1\n  Port ${forced.port}\n  User ${forced.user}\n  IdentityFile ${forcedKey.path}\n  StrictHostKeyChecking no\n  UserKnownHostsFile /dev/null\n`,
    { flag: "a" },
  );
  const dir = tempDir("files");
  Bun.spawnSync(["chmod", "a+rx", dir]);
  path = join(dir, "hello");
  writeFileSync(path, "hello\n");
});
beforeEach(() => {
  registry = new SessionRegistry();
});
afterEach(() => registry.closeAll());
afterAll(cleanup);

const failed = (work: Promise<unknown>): Promise<unknown> => work.catch((error: unknown) => error);

test.each(["none", "missing", "ends", "chatty"])("over sh, where there is no SFTP (%s)", async (name) => {
  await connectTo(registry, config, name);
  for (let count = 0; count < 2; count++) {
    const read = filesOf(registry, name, async (files) => [files.via, await contentOf(files, path)]);
    expect(await read).toEqual(["sh", "hello\n"]);
  }
});

test("what is written over sh is removed also when the call is stopped", async () => {
  await connectTo(registry, config, "none");
  const call = callOf();
  const part = `${path}.part`;
  const working = filesOf(
    registry,
    "none",
    async (files) => {
      await files.write(part, bytesOf("some"), { offset: 0, create: "new", mode: null });
      call.leave();
      try {
        return await files.stat(part);
      } finally {
        await files.remove(part);
      }
    },
    call,
  );
  expect(await failed(working)).toMatchObject({ code: "CANCELED" });
  expect(await filesOf(registry, "none", (files) => files.stat(part))).toBe(null);
});

test("with SFTP alone, where a program is UNSUPPORTED", async () => {
  await connectTo(registry, config, "only");
  expect(await filesOf(registry, "only", (files) => contentOf(files, path))).toBe("hello\n");
  for (let count = 0; count < 2; count++) {
    const ran = filesOf(registry, "only", (_, machine) => ranOn(machine, "echo ran"));
    expect(await failed(ran)).toMatchObject({
      code: "UNSUPPORTED",
      message: "only has no POSIX shell that runs a program for us",
    });
  }
  expect(await filesOf(registry, "only", (files) => contentOf(files, path))).toBe("hello\n");
});

test.each(["device", "forced"])("with neither, all of it is UNSUPPORTED (%s)", async (name) => {
  await connectTo(registry, config, name);
  const agent = callOf({ caller: model() });
  for (let count = 0; count < 2; count++) {
    expect(await failed(filesOf(registry, name, (files) => files.stat(path), agent))).toMatchObject({
      code: "UNSUPPORTED",
      message: `${name} has neither SFTP nor a POSIX shell: its files cannot be reached`,
      hint: expect.stringContaining("ssh_exec"),
    });
  }
});

test("one start that fails is not the last: the next call tries again, and what was refused is not asked for again", async () => {
  const dir = tempDir("flaky");
  chmodSync(dir, 0o777);
  const script = join(dir, "subsystem");
  const flag = join(dir, "flag");
  const text = `#!/bin/sh\n[ -e ${flag} ] || { touch ${flag}; echo "fork: try again" >&2; exit 1; }\nexec /usr/lib/openssh/sftp-server\n`;
  writeFileSync(script, text, { mode: 0o755 });
  const key = await makeKey();
  const flaky = configFor(
    { flaky: await startSshd({ authorizedKeys: [key.line], options: [`Subsystem sftp ${script}`] }) },
    key,
  );
  await connectTo(registry, flaky, "flaky");
  const via = () =>
    filesOf(registry, "flaky", async (files) => {
      await files.stat("/");
      return files.via;
    });
  expect([await via(), await via(), await via()]).toEqual(["sh", "sftp", "sftp"]);
});
