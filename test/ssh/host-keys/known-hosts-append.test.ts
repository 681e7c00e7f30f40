import { afterAll, describe, expect, test } from "bun:test";
import { lstatSync, mkdirSync, readFileSync, readlinkSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { SshMcpError } from "../../../src/core/errors.ts";
import { checkHostKey, readKnownHosts } from "../../../src/ssh/host-keys/known-hosts.ts";
import { appendKnownHost } from "../../../src/ssh/host-keys/known-hosts-append.ts";
import { fingerprint } from "../../../src/ssh/public-key.ts";
import { cleanup } from "../../support/cleanup.ts";
import { cleanEnv, mustRun } from "../../support/command.ts";
import { tempDir } from "../../support/temp.ts";
import { ed25519, rsa, text } from "./known-hosts-keys.ts";

afterAll(cleanup);

const web = { host: "web", port: 22 };
const failureOf = (work: Promise<unknown>): Promise<SshMcpError> =>
  work.then(
    () => Promise.reject(new Error("nothing was thrown")),
    (error: unknown) => (error instanceof SshMcpError ? error : Promise.reject(error)),
  );
const mode = (path: string): number => statSync(path).mode & 0o777;

describe("appendKnownHost", () => {
  test("makes a missing folder 0700 and file 0600", async () => {
    const file = join(tempDir("home"), ".ssh/known_hosts");
    await appendKnownHost(file, web, ed25519(1), { hash: false });
    expect(readFileSync(file, "utf8")).toBe(`web ${text(ed25519(1))}\n`);
    expect([mode(join(file, "..")), mode(file)]).toEqual([0o700, 0o600]);
  });

  test("leaves what is there as it is", async () => {
    const file = join(tempDir("home"), "known_hosts");
    writeFileSync(file, "# mine\n", { mode: 0o644 });
    await appendKnownHost(file, { host: "WEB", port: 2222 }, rsa(1), { hash: false });
    expect(readFileSync(file, "utf8")).toBe(`# mine\n[web]:2222 ${text(rsa(1))}\n`);
    expect(mode(file)).toBe(0o644);
  });

  test("ends a line that was left open", async () => {
    const file = join(tempDir("home"), "known_hosts");
    writeFileSync(file, `db ${text(ed25519(2))}`);
    await appendKnownHost(file, web, ed25519(1), { hash: false });
    expect(readFileSync(file, "utf8")).toBe(`db ${text(ed25519(2))}\nweb ${text(ed25519(1))}\n`);
  });

  test("follows a link, and keeps it", async () => {
    const folder = tempDir("home");
    const link = join(folder, "known_hosts");
    mkdirSync(join(folder, "real"));
    symlinkSync("real/hosts", link);
    await appendKnownHost(link, web, ed25519(1), { hash: false });
    expect(lstatSync(link).isSymbolicLink()).toBe(true);
    expect(readlinkSync(link)).toBe("real/hosts");
    expect(readFileSync(join(folder, "real/hosts"), "utf8")).toBe(`web ${text(ed25519(1))}\n`);
  });

  test("takes /dev/null", async () => {
    await appendKnownHost("/dev/null", web, ed25519(1), { hash: false });
  });

  test.each([
    ["Web", 22, "web"],
    ["Web", 2222, "[web]:2222"],
    ["2001:db8::1", 22, "2001:db8::1"],
    ["::1", 2222, "[::1]:2222"],
  ])("%s port %d is found by ssh-keygen -F %s, plain and hashed", async (host, port, name) => {
    for (const hash of [false, true]) {
      const file = join(tempDir("home"), "known_hosts");
      await appendKnownHost(file, { host, port }, ed25519(1), { hash });
      const line = readFileSync(file, "utf8");
      expect(line.startsWith("|1|")).toBe(hash);
      expect(line.includes(name)).toBe(!hash);
      const found = await mustRun(["ssh-keygen", "-l", "-F", name, "-f", file]);
      expect(found).toContain(fingerprint(ed25519(1)));
      expect(checkHostKey(await readKnownHosts([file], { host, port }), ed25519(1)).status).toBe("match");
    }
  });

  test("salts every line anew", async () => {
    const file = join(tempDir("home"), "known_hosts");
    await appendKnownHost(file, web, ed25519(1), { hash: true });
    await appendKnownHost(file, web, ed25519(1), { hash: true });
    const [first, second] = readFileSync(file, "utf8").split("\n");
    expect(first).not.toBe(second as string);
  });

  test("by twenty processes at once loses nothing", async () => {
    const file = join(tempDir("home"), ".ssh/known_hosts");
    const module = (name: string) => JSON.stringify(join(import.meta.dir, `../../../src/ssh/host-keys/${name}.ts`));
    const program = `
      const { appendKnownHost } = await import(${module("known-hosts-append")});
      const key = Buffer.from(process.argv[2], "base64");
      process.stdin.once("data", async () => {
        for (let n = 0; n < 10; n++) await appendKnownHost(process.argv[1], { host: "h" + process.argv[3] + "-" + n, port: 22 }, key, { hash: false });
        process.exit(0);
      });
      process.stdout.write("ready");
    `;
    const key = rsa(1, 4096).toString("base64");
    const children = Array.from({ length: 20 }, (_, n) =>
      Bun.spawn([process.execPath, "-e", program, file, key, String(n)], {
        stdin: "pipe",
        stdout: "pipe",
        env: cleanEnv,
      }),
    );
    // All are loaded before the first writes.
    await Promise.all(children.map(async (child) => child.stdout.getReader().read()));
    for (const child of children) {
      child.stdin.write("go");
      child.stdin.end();
    }
    expect(await Promise.all(children.map((child) => child.exited))).toEqual(children.map(() => 0));
    // A blank line is fine: whoever looks while another writes sees an open line, and ends it.
    const hosts = readFileSync(file, "utf8")
      .split("\n")
      .filter((line) => line !== "")
      .map((line) => line.split(" "));
    expect(hosts.every((words) => words.length === 3 && words[2] === key)).toBe(true);
    const expected = Array.from({ length: 20 }, (_, n) => Array.from({ length: 10 }, (_, m) => `h${n}-${m}`)).flat();
    expect(hosts.map((words) => words[0]).sort()).toEqual(expected.sort());
  }, 30_000);

  test("says which file it could not write", async () => {
    const folder = tempDir("home");
    writeFileSync(join(folder, "file"), "");
    for (const [file, reason] of [
      [join(folder, "file/known_hosts"), "ENOTDIR"],
      [join(folder, "a/b/known_hosts"), "ENOENT"],
      [folder, "EISDIR"],
      ["/dev/full", "ENOSPC"],
    ] as const) {
      const error = await failureOf(appendKnownHost(file, web, ed25519(1), { hash: false }));
      expect([error.code, error.message]).toEqual([
        "LOCAL_IO",
        `the host key could not be added to ${file} (${reason})`,
      ]);
    }
  });

  test.each(["", "*", "web,db", "!web", "we b", "web\nevil", "|1|a|b", "#web", "@revoked", "a?", "[web]"])(
    "refuses %j as a host, which would be another line or pattern",
    async (host) => {
      const file = join(tempDir("home"), "known_hosts");
      const error = await failureOf(appendKnownHost(file, { host, port: 22 }, ed25519(1), { hash: false }));
      expect(error.code).toBe("INVALID_INPUT");
      expect(() => statSync(file)).toThrow("ENOENT");
    },
  );

  test("refuses what is no key", async () => {
    const file = join(tempDir("home"), "known_hosts");
    const error = await failureOf(appendKnownHost(file, web, Buffer.from("junk"), { hash: false }));
    expect(error.code).toBe("PROTOCOL_ERROR");
    expect(() => statSync(file)).toThrow("ENOENT");
  });
});
