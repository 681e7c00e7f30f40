/** One person's passphrase takes the broker seconds to check; everybody else's commands do not. */
import { afterAll, expect, setDefaultTimeout, test } from "bun:test";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { run } from "../../support/binary.ts";
import { brokerOf } from "../../support/brokers.ts";
import { cleanup } from "../../support/cleanup.ts";
import { type KeyPair, makeKey } from "../../support/keys.ts";
import { startSshd } from "../../support/sshd.ts";
import { tempDir } from "../../support/temp.ts";
import { startInTerminal } from "../../support/terminal.ts";
import { waitFor } from "../../support/wait.ts";
import { deriving } from "./deriving.ts";
import { makeEndlessKey } from "./endless-key.ts";

afterAll(cleanup);
setDefaultTimeout(60_000);

/** @param makeSlow makes a key at a path; it opens with "correct horse", sooner or later */
const setting = async (makeSlow: (path: string) => Promise<KeyPair>) => {
  const home = tempDir("home");
  mkdirSync(join(home, ".ssh"), { mode: 0o700 });
  const [plain, slow] = await Promise.all([makeKey(), makeSlow(join(home, ".ssh/id_slow"))]);
  const sshd = await startSshd({ authorizedKeys: [plain.line, slow.line] });
  writeFileSync(join(home, ".ssh/known_hosts"), sshd.knownHosts());
  const host = (name: string, key: string) =>
    `Host ${name}\n HostName 127.0.0.1\n Port ${sshd.port}\n User ${sshd.user}\n IdentityFile ${key}\n IdentitiesOnly yes\n`;
  writeFileSync(join(home, ".ssh/config"), host("quick", plain.path) + host("slow", slow.path), { mode: 0o600 });
  expect(await run(["connect", "quick"], { home })).toMatchObject({ status: 0 });
  // Without --new it would be the same session: nothing of the two differs but the key.
  const terminal = startInTerminal(["connect", "--new", "slow"], { home });
  await terminal.waitFor("Enter passphrase");
  terminal.type("correct horse\r");
  const broker = brokerOf(home);
  await waitFor(() => deriving(broker) > 0, { what: "the broker to derive the key" });
  return { home, terminal, broker };
};

test("while a key of 100 rounds is decrypted, commands of others are served", async () => {
  const { home, terminal, broker } = await setting((path) =>
    makeKey({ passphrase: "correct horse", rounds: 100, path }),
  );
  for (let round = 0; round < 3; round++) {
    expect(await run(["exec", "quick", "echo", "served"], { home })).toMatchObject({ status: 0, stdout: "served\n" });
    expect((await run(["ls", "-q"], { home })).stdout).toContain("quick\n");
  }
  // All of that was in between.
  expect(deriving(broker)).toBe(1);
  await terminal.waitFor("opened slow: ", 30_000);
  await waitFor(() => deriving(broker) === 0, { what: "the thread to be gone" });
});

test("a person who gives up ends the work", async () => {
  const { terminal, broker } = await setting((path) => makeEndlessKey({ path }));
  terminal.type("\x03");
  await waitFor(() => deriving(broker) === 0, { what: "the thread to be gone", timeout: 2000 });
  expect(await terminal.exit()).toBe(130);
});
