import { afterAll, describe, expect, test } from "bun:test";
import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { checkHostKey, knownHostName, readKnownHosts } from "../../../src/ssh/host-keys/known-hosts.ts";
import { hashHostName } from "../../../src/ssh/host-keys/known-hosts-line.ts";
import { cleanup } from "../../support/cleanup.ts";
import { tempDir } from "../../support/temp.ts";
import { ecdsa, ed25519, rsa, text, unknownType } from "./known-hosts-keys.ts";

afterAll(cleanup);

const fileOf = (...lines: string[]): string => {
  const file = join(tempDir("known"), "known_hosts");
  writeFileSync(file, lines.map((line) => `${line}\n`).join(""));
  return file;
};

const one = ed25519(1);
const two = ed25519(2);
const salt = Buffer.alloc(20, 7);

describe("a key is", () => {
  const hashed = (name: string) => hashHostName(name, salt);
  // [what, lines, host, port, verdict for key one, line that says so]
  test.each<[string, string[], string, number, string, number | null]>([
    ["known", [`web ${text(one)}`], "web", 22, "match", 1],
    ["known, whatever the case of the name", [`WEB ${text(one)}`], "Web", 22, "match", 1],
    ["known in a list", [`db,web,10.0.0.1 ${text(one)}`], "web", 22, "match", 1],
    ["known by a pattern", [`*.example.com ${text(one)}`], "web.example.com", 22, "match", 1],
    [
      "unknown where a pattern is negated",
      [`*.example.com,!web* ${text(one)}`],
      "web.example.com",
      22,
      "unknown",
      null,
    ],
    ["known by a hashed name", [`${hashed("web")} ${text(one)}`], "WEB", 22, "match", 1],
    ["unknown under another hashed name", [`${hashed("db")} ${text(one)}`], "web", 22, "unknown", null],
    ["known with a port", [`[web]:2222 ${text(one)}`], "web", 2222, "match", 1],
    ["known with a port, hashed", [`${hashed("[web]:2222")} ${text(one)}`], "web", 2222, "match", 1],
    ["unknown on another port", [`[web]:2222 ${text(one)}`], "web", 22, "unknown", null],
    ["known on any port of a pattern", [`[web]:* ${text(one)}`], "web", 2222, "match", 1],
    // As in ssh: without a port, a line vouches for every port, and contradicts none.
    ["known without the port", [`web ${text(one)}`], "web", 2222, "match", 1],
    ["unknown where another is known without the port", [`web ${text(two)}`], "web", 2222, "unknown", null],
    [
      "changed with the port, known without",
      [`web ${text(one)}`, `[web]:2222 ${text(two)}`],
      "web",
      2222,
      "changed",
      2,
    ],
    ["unknown in an empty file", [], "web", 22, "unknown", null],
    ["changed where another is known", [`web ${text(two)}`], "web", 22, "changed", 1],
    // ssh 9.2 calls that changed, too: the server was asked for the known type first, and did not have it.
    ["changed where one of another type is known", [`web ${text(rsa(1))}`], "web", 22, "changed", 1],
    [
      "known where others are, too",
      [`web ${text(two)}`, `web ${text(rsa(1))}`, `web ${text(one)}`],
      "web",
      22,
      "match",
      3,
    ],
    ["revoked", [`web ${text(one)}`, `@revoked web ${text(one)}`], "web", 22, "revoked", 2],
    ["revoked everywhere", [`@revoked * ${text(one)}`], "web", 2222, "revoked", 1],
    ["revoked without the port", [`[web]:2222 ${text(one)}`, `@revoked web ${text(one)}`], "web", 2222, "revoked", 2],
    ["unknown where another is revoked", [`@revoked web ${text(two)}`], "web", 22, "unknown", null],
    ["unknown to an authority", [`@cert-authority * ${text(one)}`], "web", 22, "unknown", null],
    ["known in IPv6", [`[2001:db8::1]:2222 ${text(one)}`], "2001:db8::1", 2222, "match", 1],
    ["known in IPv6 on port 22", [`2001:db8::1 ${text(one)}`], "2001:DB8::1", 22, "match", 1],
    ["known with blanks, a comment and a carriage return", [`  web\t  ${text(one)}\r`], "web", 22, "match", 1],
    ["known before a comment", [`# web`, "", `web ${text(one)} ann@laptop`], "web", 22, "match", 3],
  ])("%s", async (_, lines, host, port, status, line) => {
    const file = fileOf(...lines);
    const known = await readKnownHosts([file], { host, port });
    const verdict = checkHostKey(known, one);
    expect(verdict.status).toBe(status as typeof verdict.status);
    expect(known.problems).toEqual([]);
    if (verdict.status === "match" || verdict.status === "revoked") {
      expect(verdict.by).toMatchObject({ file, line: line as number, type: "ssh-ed25519" });
    }
    if (verdict.status === "changed") expect(verdict.known.map((key) => key.line)).toEqual([line as number]);
  });
});

describe("readKnownHosts", () => {
  test("reads several files in order, and lists the types that are known", async () => {
    const first = fileOf(`web ${text(rsa(1))}`, `db ${text(ecdsa)}`);
    const second = fileOf(`web ${text(one)}`, `web ${text(rsa(3))}`, `@cert-authority web ${text(ecdsa)}`);
    const known = await readKnownHosts([first, join(first, "missing"), second], { host: "web", port: 22 });
    expect(known.name).toBe("web");
    expect(known.keyTypes).toEqual(["ssh-rsa", "ssh-ed25519"]);
    expect(known.keys.map(({ file, line }) => `${file}:${line}`)).toEqual([`${first}:1`, `${second}:1`, `${second}:2`]);
    expect(known.certAuthorities.map(({ type, line }) => [type, line])).toEqual([["ecdsa-sha2-nistp256", 3]]);
    expect(checkHostKey(known, two)).toEqual({ status: "changed", known: known.keys });
  });

  test("says what it could not use, and uses the rest", async () => {
    const file = fileOf(
      `@tusted web ${text(one)}`,
      "@revoked",
      "|1|short|hash ssh-ed25519 AAAA",
      "web",
      "web ssh-ed25519",
      "web ssh-ed25519 AAAA",
      `web ${text(unknownType)}`,
      "web 1024 65537 12345678901234567890",
      "db ssh-ed25519 AAAA",
      `web ${text(one)}`,
    );
    const known = await readKnownHosts([file], { host: "web", port: 22 });
    expect(known.problems.map(({ line, message }) => [line, message])).toEqual([
      [1, "there is no marker @tusted"],
      [2, "there is no host after @revoked"],
      [3, "the hashed host name is malformed"],
      [4, "there is no key"],
      [5, "the ssh-ed25519 key cannot be read"],
      [6, "the ssh-ed25519 key cannot be read"],
      [7, "the ssh-quantum key cannot be read"],
      [8, "the 1024 key cannot be read"],
    ]);
    expect(checkHostKey(known, one).status).toBe("match");
  });

  test("reads no device, which would never end; /dev/null is the usual way to have none", async () => {
    const { keys, problems } = await readKnownHosts(["/dev/zero", "/dev/null"], { host: "web", port: 22 });
    expect(keys).toEqual([]);
    expect(problems).toEqual([{ file: "/dev/zero", line: null, message: "is no regular file" }]);
  });

  test("reports files that cannot be read, and misses none that do not exist", async () => {
    const folder = tempDir("known");
    const loop = join(folder, "loop");
    symlinkSync(loop, loop);
    mkdirSync(join(folder, "folder"));
    const files = [loop, join(folder, "folder"), join(folder, "missing"), "/dev/null"];
    const known = await readKnownHosts(files, { host: "web", port: 22 });
    expect(known.problems).toEqual([
      { file: loop, line: null, message: "cannot be read (ELOOP)" },
      { file: join(folder, "folder"), line: null, message: "is no regular file" },
    ]);
  });
});

test("checkHostKey refuses what is no key", async () => {
  const known = await readKnownHosts([], { host: "web", port: 22 });
  expect(() => checkHostKey(known, Buffer.from("junk"))).toThrow("not a public key");
});

test.each([
  ["Web", 22, "web"],
  ["Web", 2222, "[web]:2222"],
  ["2001:DB8::1", 22, "2001:db8::1"],
  ["::1", 22022, "[::1]:22022"],
])("knownHostName of %s port %d is %s", (host, port, expected) => {
  expect(knownHostName({ host, port })).toBe(expected);
});
