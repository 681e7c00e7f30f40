/** Copies by a model: within the folders its client opens, or a person has given, and in a time that its client waits. */
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { CallToolResultSchema } from "@modelcontextprotocol/sdk/types.js";
import { type Answer, toAnswer } from "../../faces/answer.ts";
import { type Home, makeHome } from "../../faces/home.ts";
import { cleanup } from "../../support/cleanup.ts";
import { connectMcp, type McpOptions } from "../../support/mcp-client.ts";
import { startSshd } from "../../support/sshd.ts";
import { tempDir } from "../../support/temp.ts";

afterAll(cleanup);
setDefaultTimeout(30_000);

let home: Home;
let remote: string;
beforeAll(async () => {
  home = await makeHome();
  const server = await startSshd({ authorizedKeys: [home.key.line] });
  home.trust(server.knownHosts());
  home.configure(`Host box\n  HostName 127.0.0.1\n  Port ${server.port}\n  User ${server.user}\n`);
  remote = tempDir("remote");
  chmodSync(remote, 0o777);
  writeFileSync(join(remote, "hello"), "hello\n");
});

const agent = async (options: McpOptions) => {
  const { client } = await connectMcp({ home: home.path, ...options });
  await client.listTools();
  const copy = async (input: Record<string, unknown>) =>
    toAnswer(await client.callTool({ name: "ssh_transfer", arguments: input }, CallToolResultSchema));
  return { copy };
};

/** The error, or the one failure of a result. */
const refusalIn = ({ error, result }: Answer): unknown => {
  const { failures } = (result ?? {}) as { failures?: readonly unknown[] };
  return error ?? failures?.[0];
};

describe("a client that opens a folder", () => {
  test("has files copied into and out of it, and nowhere else", async () => {
    const root = tempDir("root of a project");
    const outside = tempDir("outside");
    writeFileSync(join(outside, "file"), "of nobody's business");
    symlinkSync(outside, join(root, "way-out"));
    const { copy } = await agent({ roots: () => [pathToFileURL(root).href] });

    const into = await copy({ sources: [`box:${remote}/hello`], destination: join(root, "here") });
    expect(into.result).toMatchObject({ files: 1, bytes: 6, failures: [] });
    expect(readFileSync(join(root, "here"), "utf8")).toBe("hello\n");
    const out = await copy({ sources: [join(root, "here")], destination: `box:${remote}/back` });
    expect(out).toMatchObject({ isError: false, text: expect.stringMatching(/^1 file, 6 B in \d+/) });
    expect(readFileSync(join(remote, "back"), "utf8")).toBe("hello\n");

    for (const [sources, destination] of [
      [[`box:${remote}/hello`], join(outside, "new")],
      [[`box:${remote}/hello`], join(root, "way-out", "new")],
      [[`box:${remote}/hello`], join(root, "..", "new")],
      [[join(outside, "file")], `box:${remote}/stolen`],
      [[join(root, "way-out", "file")], `box:${remote}/stolen`],
      [["/etc/passwd"], `box:${remote}/stolen`],
    ]) {
      const answer = await copy({ sources, destination });
      expect(refusalIn(answer)).toMatchObject({ code: "POLICY_DENIED" });
    }
    expect(existsSync(join(outside, "new"))).toBe(false);
    expect(existsSync(join(remote, "stolen"))).toBe(false);
  });

  test("has no secret copied out of it, unless a person allows that", async () => {
    const root = tempDir("root");
    mkdirSync(join(root, ".ssh"));
    for (const name of [".env", "id_ed25519", ".ssh/config", "plain"]) writeFileSync(join(root, name), "SECRET=1\n");
    writeFileSync(join(root, "innocent"), "-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n");
    const roots = () => [pathToFileURL(root).href];
    const [confined, allowed] = await Promise.all([
      agent({ roots }),
      agent({ roots, args: ["--allow-secret-files"], name: "trusted" }),
    ]);
    for (const name of [".env", "id_ed25519", ".ssh/config", "innocent"]) {
      const destination = `box:${remote}/leaked`;
      const answer = await confined.copy({ sources: [join(root, name)], destination });
      expect(refusalIn(answer)).toMatchObject({ code: "POLICY_DENIED" });
      expect(existsSync(join(remote, "leaked"))).toBe(false);
    }
    const given = await allowed.copy({ sources: [join(root, ".env")], destination: `box:${remote}/given` });
    expect(given.result).toMatchObject({ files: 1 });
  });
});

test("a client that opens none copies between servers alone; --local-root opens one", async () => {
  const root = tempDir("given");
  const [none, given] = await Promise.all([agent({}), agent({ args: ["--local-root", root], name: "given" })]);
  const input = { sources: [`box:${remote}/hello`], destination: join(root, "x") };
  expect((await none.copy(input)).error).toMatchObject({
    code: "POLICY_DENIED",
    hint: expect.stringContaining("ssh-mcp serve --local-root DIRECTORY"),
  });
  expect((await none.copy({ ...input, destination: `box:${remote}/second` })).result).toMatchObject({ files: 1 });
  expect((await given.copy(input)).result).toMatchObject({ files: 1 });
});

test("a copy that runs out of time is stopped, and goes on when it is repeated", async () => {
  const root = tempDir("large");
  // Of holes: more than any machine moves in that time.
  const size = 2 ** 30;
  writeFileSync(join(root, "large"), "");
  truncateSync(join(root, "large"), size);
  const { copy } = await agent({ args: ["--local-root", root], name: "slow" });
  const input = { sources: [join(root, "large")], destination: `box:${remote}/large` };
  // The login takes nothing of its time.
  await copy({ sources: [`box:${remote}/hello`], destination: join(root, "hello") });
  const first = await copy({ ...input, timeout: 0.5 });
  expect(first.error).toMatchObject({
    code: "TIMEOUT",
    message: expect.stringMatching(
      /^the transfer ran out of time after 500ms; 0 of 1 file, [\d.]+ (?:MB )?of [\d.]+ GB were copied by then$/,
    ),
    hint: `ssh_transfer ${JSON.stringify({ ...input, timeout: 0.5, resume: true })}`,
  });
  expect(existsSync(join(remote, "large"))).toBe(false);
  const again = await copy({ ...input, resume: true });
  expect(again.result).toMatchObject({ files: 1, failures: [] });
  expect(Number(again.result?.["resumedBytes"])).toBeGreaterThan(0);
  expect(statSync(join(remote, "large")).size).toBe(size);
});
