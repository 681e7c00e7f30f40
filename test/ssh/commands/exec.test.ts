import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { cleanup } from "../../support/cleanup.ts";
import { type KeyPair, makeKey } from "../../support/keys.ts";
import { type Sshd, startSshd } from "../../support/sshd.ts";
import { open, run } from "../open.ts";

afterAll(cleanup);

let key: KeyPair;
let sshd: Sshd;
beforeAll(async () => {
  key = await makeKey();
  sshd = await startSshd({ authorizedKeys: [key.line] });
});

const connect = () => open({ port: sshd.port, user: sshd.user, keys: [key.path] });

describe("a command on a real sshd", () => {
  test("gives stdout, stderr and status apart", async () => {
    const connection = await connect();
    expect(await run(connection, "echo out; echo err >&2; exit 7")).toMatchObject({
      stdout: "out\n",
      stderr: "err\n",
      outcome: "exited",
      exitCode: 7,
      signal: null,
      stdoutBytes: 4,
      stderrBytes: 4,
      stopped: null,
    });
  });

  test.each([0, 1, 4, 5, 44, 255])("gives status %d", async (status) => {
    const connection = await connect();
    expect(await run(connection, `exit ${status}`)).toMatchObject({ outcome: "exited", exitCode: status });
  });

  test("gives the signal it died of", async () => {
    const connection = await connect();
    expect(await run(connection, "kill -TERM $$")).toMatchObject({
      outcome: "signaled",
      signal: "TERM",
      exitCode: null,
    });
  });

  test("reads stdin to its end", async () => {
    const connection = await connect();
    const stdin = Array.from({ length: 64 }, (_, index) => Buffer.alloc(64 * 1024, index));
    const sum = new Bun.CryptoHasher("sha256");
    for (const chunk of stdin) sum.update(chunk);
    expect(await run(connection, "sha256sum", { stdin })).toMatchObject({
      stdout: `${sum.digest("hex")}  -\n`,
      exitCode: 0,
    });
  });

  test("drains 50 MB of stderr and counts them", async () => {
    const connection = await connect();
    expect(await run(connection, "head -c 50000000 /dev/zero >&2; echo done")).toMatchObject({
      stdout: "done\n",
      exitCode: 0,
      stderrBytes: 50_000_000,
    });
  });

  test("runs many at once without crossing outputs", async () => {
    const connection = await connect();
    const results = await Promise.all(
      Array.from({ length: 30 }, (_, index) => run(connection, `echo ${index}; exit ${index}`)),
    );
    results.forEach((result, index) => {
      expect(result).toMatchObject({ stdout: `${index}\n`, exitCode: index });
    });
  });
});

test("a server that exchanges keys anew every megabyte: nothing is lost, and its host key is met again", async () => {
  const restless = await startSshd({ authorizedKeys: [key.line], options: ["RekeyLimit 1M"] });
  const seen: boolean[] = [];
  const connection = await open({
    port: restless.port,
    user: restless.user,
    keys: [key.path],
    verifyHostKey: async () => seen.push(true) > 0,
  });
  const stdin = Array.from({ length: 128 }, (_, index) => Buffer.alloc(64 * 1024, index));
  const result = await run(connection, "cat", { stdin });
  expect(result).toMatchObject({ exitCode: 0, stdoutBytes: 128 * 64 * 1024 });
  expect(Bun.hash(result.stdout)).toBe(Bun.hash(Buffer.concat(stdin).toString()));
  // The verifier judged the key once; every later exchange had to show the same.
  expect(seen).toEqual([true]);
});

describe("a server that grants few channels", () => {
  test("MaxSessions 1: commands go one after the other", async () => {
    const tight = await startSshd({ authorizedKeys: [key.line], options: ["MaxSessions 1"] });
    const connection = await open({ port: tight.port, user: tight.user, keys: [key.path] });
    const results = await Promise.all(Array.from({ length: 4 }, (_, index) => run(connection, `echo ${index}`)));
    expect(results.map((result) => result.stdout)).toEqual(["0\n", "1\n", "2\n", "3\n"]);
  });

  test("MaxSessions 0: refused, and nothing ran", async () => {
    const closed = await startSshd({ authorizedKeys: [key.line], options: ["MaxSessions 0"] });
    const connection = await open({ port: closed.port, user: closed.user, keys: [key.path] });
    expect(run(connection, "true")).rejects.toMatchObject({ code: "CHANNEL_REFUSED" });
  });
});
