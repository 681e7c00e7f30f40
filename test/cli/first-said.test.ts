/** Of several ways to say one thing: what would be dialled is what `ssh -G` answers to the same words. */
import { expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { connectCommandOf } from "../../src/broker/logins/connect-command.ts";
import { commandOf } from "../../src/cli/command.ts";
import { firstSaid } from "../../src/cli/first-said.ts";
import { otherCommands } from "../../src/cli/other-commands.ts";
import { parse } from "../../src/cli/parse.ts";
import { mayRepeat } from "../../src/cli/said.ts";
import { resolveHost } from "../../src/config/ssh-config/resolve.ts";
import { parseDestination } from "../../src/core/destination.ts";
import type { DialRequest } from "../../src/core/dial-request.ts";
import { localUser } from "../../src/files/passwd.ts";
import { dialRequest } from "../../src/operations/fields.ts";
import { operations } from "../../src/operations/index.ts";
import { runCommand } from "../support/command.ts";
import { tempDir } from "../support/temp.ts";

const commands = operations.map(commandOf);
const keys = tempDir("keys");
for (const name of ["a", "b c", 'd"e\\']) writeFileSync(join(keys, name), "");
const [a = "", b = "", d = ""] = ["a", "b c", 'd"e\\'].map((name) => join(keys, name));

/** What an operation is handed. @throws SshMcpError USAGE */
const requestOf = (name: "connect" | "exec", words: readonly string[]): DialRequest => {
  const result = parse([name, ...words, ...(name === "exec" ? ["--", "true"] : [])], commands, otherCommands);
  if (result.kind !== "run") throw new Error(result.kind);
  const { command, input, said } = result;
  const { destination, target = destination, ...rest } = mayRepeat(said) ? firstSaid(command, input, said) : input;
  return dialRequest(String(target), rest, undefined);
};

const ours = (request: DialRequest): Record<string, unknown> => {
  const { host, user, port } = parseDestination(request.destination);
  const { hostname, ...found } = resolveHost(
    { ...request, host, user: request.user ?? user, port: request.port ?? port, configFile: "none" },
    { home: "/root", cwd: "/", localUser: localUser(), variables: new Map() },
  );
  const jump = found.proxy.kind === "jump" ? found.proxy.hops.join(",") : "";
  return {
    hostname,
    user: found.user,
    port: found.port,
    jump,
    keys: found.identityFilesAreDefaults ? [] : found.identityFiles,
  };
};

const theirs = async (words: readonly string[]): Promise<Record<string, unknown> | null> => {
  const { status, stdout } = await runCommand(["ssh", "-F", "none", "-G", ...words]);
  if (status !== 0) return null;
  const lines = stdout.split("\n").map((line) => /^(\S+) (.*)$/.exec(line) ?? []);
  const all = (name: string) => lines.filter(([, key]) => key === name).map(([, , value = ""]) => value);
  const files = all("identityfile");
  return {
    ...{ hostname: all("hostname")[0], user: all("user")[0], port: Number(all("port")[0]) },
    jump: all("proxyjump")[0] ?? "",
    keys: files[0]?.startsWith("~/.ssh/id_rsa") === true ? [] : files,
  };
};

const cases: string[][] = [
  ["-p", "21501", "root@h", "-o", "User=me"],
  ["-l", "me", "-o", "User=root", "h"],
  ["-o", "User=root", "-l", "me", "h"],
  ["-l", "me", "-o", "user root", "-o", "User=x", "h"],
  ["me@h", "-l", "root"],
  ["-l", "root", "me@h"],
  ["me@h", "-l", "root", "-o", "User=x"],
  ["-o", "User=a", "me@h", "-l", "root"],
  ["h", "-l", "root", "-o", "User=x"],
  ["-o", "Compression=yes", "-l", "me", "-o", " User = root", "-o", "BatchMode=yes", "h"],
  ["-p", "21501", "-o", "Port=1", "h"],
  ["-o", "Port=1", "-p", "21501", "h"],
  ["-p", "21501", "-o", "Port=ssh", "h"],
  ["-p", "33", "ssh://me@h:22"],
  ["ssh://me@h:22", "-p", "33"],
  ["ssh://me@h:22", "-o", "Port=33", "-l", "x"],
  ["-o", "Port=44", "ssh://me@h:22", "-p", "33"],
  ["ssh://me@h", "-p", "33"],
  ["-i", a, "-o", `IdentityFile=${d.replace(/["\\]/g, "\\$&")}`, "h"],
  ["-o", `IdentityFile=${a}`, "-i", b, "-o", `IdentityFile="${a}2"`, "-i", d, "h"],
  ["-i", d, "-o", `IdentityFile=${a}`, "-i", b, "h", "-l", "me", "-o", "User=root"],
  ["-J", "j1", "-o", "ProxyJump=j2", "h"],
  ["-J", "none", "-o", "ProxyJump=j2", "h"],
  ["-o", "ProxyJump=j1", "-o", "ProxyJump=j2", "h"],
  ["-o", "ProxyCommand=none", "-o", "ProxyJump=j2", "h"],
];

for (const words of cases) {
  test(words.join(" ").replaceAll(keys, ""), async () => {
    const expected = await theirs(words);
    for (const name of ["connect", "exec"] as const) {
      const request = requestOf(name, words);
      expect<Record<string, unknown> | null>(ours(request)).toEqual(expected);
      // What a person is told to type leads to the same place.
      const { stdout } = await runCommand(["sh", "-c", `printf '%s\\n' ${connectCommandOf(request, null)}`]);
      const again = requestOf("connect", stdout.trimEnd().split("\n").slice(2));
      expect<Record<string, unknown> | null>(ours(again)).toEqual(expected);
    }
  });
}

// As ssh does.
const refused: string[][] = [
  ["-o", "ProxyJump=j2", "-J", "j1", "h"],
  ["-o", "ProxyJump=none", "-J", "j1", "h"],
  ["h", "-o", "ProxyCommand=none", "-J", "j1"],
];
for (const words of refused) {
  test(`${words.join(" ")} is refused`, async () => {
    expect(await theirs(words)).toBeNull();
    expect(() => requestOf("connect", words)).toThrow("-J comes after an option that says another way");
  });
}

const mistakes: string[][] = [
  ["-p", "22", "-o", "Port=abc", "h"],
  ["-p", "22", "-o", "Port=0", "h"],
  ["-p", "22", "-o", "Port=22 23", "h"],
  ["-l", "me", "-o", "User=", "h"],
  ["-l", "me", "-o", "User=a b", "h"],
  ["-l", "me", "-o", '"User" = root', "h"],
];
for (const words of mistakes) {
  test(`${words.join(" ")}: a mistake that comes too late is still one`, async () => {
    expect(await theirs(words)).toBeNull();
    const request = requestOf("connect", words);
    expect(() => ours(request)).toThrow("-o: ");
  });
}

test("what is said once, or by something else, is handed on as it is", () => {
  const words = ["-o", "Compression=yes", "-l", "me", "-p", "22", "-i", "/k", "h", "-o", "IdentityFile=/l"];
  expect(requestOf("connect", words)).toEqual({
    ...{ destination: "h", user: "me", port: 22, identityFiles: ["/k"], configFile: null, timeoutMs: null },
    options: ["Compression=yes", "IdentityFile=/l"],
  });
  // Nobody else can open it.
  const pipe = ["-o", "IdentityFile=/l", "-i", "/dev/fd/63", "h"];
  expect(requestOf("connect", pipe)).toMatchObject({ identityFiles: ["/dev/fd/63"], options: ["IdentityFile=/l"] });
  expect(requestOf("exec", ["name", "-l", "me"])).toMatchObject({ destination: "name", user: "me" });
});
