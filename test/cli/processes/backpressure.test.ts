import { afterAll, expect, test } from "bun:test";
import { createHash } from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { buildOnce } from "../../support/binary.ts";
import { endBrokersAtCleanup } from "../../support/brokers.ts";
import { cleanup } from "../../support/cleanup.ts";
import { runCommand } from "../../support/command.ts";
import { makeKey } from "../../support/keys.ts";
import { startProxy } from "../../support/proxy.ts";
import { startSshd } from "../../support/sshd.ts";
import { tempDir } from "../../support/temp.ts";
import { waitFor } from "../../support/wait.ts";

afterAll(cleanup);

const mebibyte = 1024 * 1024;

test("a reader that does not read stops the server, and loses nothing", async () => {
  const key = await makeKey();
  const sshd = await startSshd({ authorizedKeys: [key.line] });
  const proxy = await startProxy(sshd);
  const home = tempDir("home");
  endBrokersAtCleanup(home);
  mkdirSync(join(home, ".ssh"), { mode: 0o700 });
  const go = join(home, "go");
  const total = 64 * mebibyte;
  const exec = `${buildOnce()} exec -i ${key.path} -o StrictHostKeyChecking=no -p ${proxy.port} 127.0.0.1 'head -c ${total} /dev/zero'`;
  const reader = `until [ -e ${go} ]; do sleep 0.05; done; sha256sum`;
  const done = runCommand(["sh", "-c", `${exec} | { ${reader}; }`], { env: { HOME: home }, timeout: 60_000 });

  let before = -1;
  const stalled = (): boolean => {
    const now = proxy.bytes("toClient");
    const same = now === before && now > mebibyte;
    before = now;
    return same;
  };
  await waitFor(stalled, { what: "the flow to stop", interval: 500 });
  // The channel's window, a stream's credit, and what sockets and the pipe hold.
  expect(proxy.bytes("toClient")).toBeLessThan(12 * mebibyte);

  writeFileSync(go, "");
  const digest = createHash("sha256").update(new Uint8Array(total)).digest("hex");
  expect((await done).stdout.toString()).toBe(`${digest}  -\n`);
});
