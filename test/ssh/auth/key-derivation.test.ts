/** That nothing waits while a key is decrypted, nor while known_hosts is read, and that a login that is over leaves no work behind. */
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { randomBytes } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { readKnownHosts } from "../../../src/ssh/host-keys/known-hosts.ts";
import { hashHostName } from "../../../src/ssh/host-keys/known-hosts-line.ts";
import { cleanup } from "../../support/cleanup.ts";
import { runCommand } from "../../support/command.ts";
import { compile } from "../../support/compile.ts";
import { type KeyPair, makeKey } from "../../support/keys.ts";
import { type Sshd, startSshd } from "../../support/sshd.ts";
import { tempDir } from "../../support/temp.ts";
import { waitFor } from "../../support/wait.ts";
import { open, run } from "../open.ts";
import { deriving } from "./deriving.ts";
import { makeEndlessKey } from "./endless-key.ts";

afterAll(cleanup);
setDefaultTimeout(60_000);

/** Milliseconds: ten times what may be on the loop at once. */
const longestGap = 200;

/** Measures how long the loop was held up while something else was done. */
const whileTicking = async <T>(work: () => Promise<T>): Promise<{ value: T; gap: number; took: number }> => {
  const startedAt = performance.now();
  let last = startedAt;
  let gap = 0;
  const tick = (): void => {
    const now = performance.now();
    gap = Math.max(gap, now - last);
    last = now;
  };
  const timer = setInterval(tick, 1);
  try {
    const value = await work();
    tick();
    return { value, gap, took: performance.now() - startedAt };
  } finally {
    clearInterval(timer);
  }
};

let sshd: Sshd;
let plain: KeyPair;
/** A few seconds' work. */
let slow: KeyPair;
beforeAll(async () => {
  [plain, slow] = await Promise.all([makeKey(), makeKey({ passphrase: "correct horse", rounds: 200 })]);
  sshd = await startSshd({ authorizedKeys: [plain.line, slow.line] });
});

test("while a key of 200 rounds is decrypted, timers and other connections go on", async () => {
  const { port, user } = sshd;
  const other = await open({ port, user, keys: [plain.path] });
  await run(other, "true");
  const served: string[] = [];
  const { value, gap, took } = await whileTicking(async () => {
    const asked = Promise.withResolvers<void>();
    const answers = (): string => {
      asked.resolve();
      return "correct horse";
    };
    const opening = open({ port, user, keys: [slow.path], answers });
    await asked.promise;
    const opened = opening.then((connection) => {
      served.push("opened");
      return connection;
    });
    await waitFor(() => deriving(process.pid) > 0, { what: "the thread" });
    served.push((await run(other, "echo meanwhile")).stdout);
    return await opened;
  });
  expect(value.login).toMatchObject({ authMethod: "publickey", askedForSecret: true });
  expect(served).toEqual(["meanwhile\n", "opened"]);
  expect(took).toBeGreaterThan(longestGap * 2);
  expect(gap).toBeLessThan(longestGap);
  await waitFor(() => deriving(process.pid) === 0, { what: "the thread to be gone" });
});

test.each(["canceled", "given up by the server"])("a login that is %s ends the work for it", async (how) => {
  const abort = new AbortController();
  const endless = await makeEndlessKey();
  sshd.authorize(endless.line);
  const impatient = await startSshd({ authorizedKeys: [endless.line], options: ["LoginGraceTime 2"] });
  const { port, user } = how === "canceled" ? sshd : impatient;
  const opening = open({ port, user, keys: [endless.path], answers: () => "correct horse" }, abort.signal);
  const outcome = opening.then(
    () => "opened",
    (error: { code: string }) => error.code,
  );
  await waitFor(() => deriving(process.pid) > 0, { what: "the thread" });
  if (how === "canceled") abort.abort();
  expect(await outcome).toBe(how === "canceled" ? "CANCELED" : "CONNECTION_LOST");
  await waitFor(() => deriving(process.pid) === 0, { what: "the thread to be gone", timeout: 1000 });
});

test("its time counts in no limit of the login", async () => {
  const opening = open({
    port: sshd.port,
    user: sshd.user,
    keys: [slow.path],
    answers: () => "correct horse",
    timeoutMs: 1500,
  });
  expect((await opening).login.authMethod).toBe("publickey");
});

test("an RSA key that takes long to sign logs in", async () => {
  const large = await makeKey({ type: "rsa", bits: 4096 });
  sshd.authorize(large.line);
  const connection = await open({ port: sshd.port, user: sshd.user, keys: [large.path] });
  expect(connection.login.authMethod).toBe("publickey");
});

test("the compiled program finds the thread's code in itself, and nowhere else", async () => {
  const source = resolve(import.meta.dir, "../../../src/ssh/auth/key-file.ts");
  const program = await compile(`
    import { decryptKey, readKeyFile } from ${JSON.stringify(source)};
    const file = await readKeyFile(process.argv[2]);
    for (const passphrase of ["wrong", "correct horse"]) {
      const key = await decryptKey(file, passphrase, new AbortController().signal);
      console.log(key === null ? "wrong" : key.type);
    }
  `);
  const key = await makeKey({ passphrase: "correct horse", rounds: 1 });
  const cwd = tempDir("cwd");
  for (const name of ["key-derivation-worker.ts", "key-derivation-worker.js"]) {
    writeFileSync(join(cwd, name), `postMessage(null); console.log("the folder's own code ran");`);
  }
  expect(await runCommand([program, key.path], { cwd })).toEqual({
    status: 0,
    signal: null,
    stdout: "wrong\nssh-ed25519\n",
    stderr: "",
  });
});

test("ten thousand hashed lines of known_hosts hold nothing up", async () => {
  const file = join(tempDir("known"), "known_hosts");
  const at = { host: "web", port: 2222 };
  const line = (name: string) => `${hashHostName(name, randomBytes(20))} ${plain.line}\n`;
  // Without a newline at the end, and in some place a line longer than what is read at once.
  const lines = Array.from({ length: 10_000 }, (_, index) =>
    index === 5000 ? `# ${"é".repeat(50_000)}\n` : line("other"),
  );
  writeFileSync(file, `${lines.join("")}${line("[web]:2222").trim()}`);
  const { value, gap } = await whileTicking(() => readKnownHosts([file], at));
  expect(value.keys).toMatchObject([{ type: "ssh-ed25519", line: 10_001 }]);
  expect(gap).toBeLessThan(longestGap);
});
