/** `ssh-mcp trust` as a person has it: the compiled binary, a real terminal, a real server. */
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { run } from "../../../support/binary.ts";
import { cleanup } from "../../../support/cleanup.ts";
import { mustRun } from "../../../support/command.ts";
import { type KeyPair, makeKey } from "../../../support/keys.ts";
import { type Sshd, startSshd } from "../../../support/sshd.ts";
import { tempDir } from "../../../support/temp.ts";
import { startInTerminal } from "../../../support/terminal.ts";

afterAll(cleanup);
setDefaultTimeout(30_000);

let server: Sshd;
let key: KeyPair;

beforeAll(async () => {
  key = await makeKey();
  server = await startSshd({ hostKeys: ["ed25519", "ecdsa", "rsa"], authorizedKeys: [`${key.line}\n`] });
});

const homeWith = (knownHosts: string | null = null): { home: string; file: string } => {
  const home = tempDir("home");
  mkdirSync(join(home, ".ssh"), { mode: 0o700 });
  const file = join(home, ".ssh/known_hosts");
  if (knownHosts !== null) writeFileSync(file, knownHosts);
  return { home, file };
};

const destination = (): string => `127.0.0.1:${server.port}`;
const trust = (...words: string[]): string[] => ["trust", "-F", "none", ...words, destination()];
const asked = "Compare with what the server's owner says. Record them (yes/no/[fingerprint])? ";
const lineOf = (index: number): string => server.knownHosts().split("\n")[index] ?? "";

describe("at a terminal", () => {
  test("shows every key as ssh-keygen does, and records them all when they are accepted", async () => {
    const { home, file } = homeWith();
    const terminal = startInTerminal(trust(), { home, columns: 200 });
    await terminal.waitFor(asked);
    for (const hostKey of server.hostKeys) {
      const path = join(tempDir("shown"), "key.pub");
      writeFileSync(path, `${hostKey.line}\n`);
      const [described = "", ...picture] = (await mustRun(["ssh-keygen", "-lv", "-f", path])).trimEnd().split("\n");
      expect(terminal.text()).toContain([described.replace(" no comment", ""), ...picture].join("\n"));
    }
    expect(existsSync(file)).toBe(false);
    terminal.type("perhaps\r");
    await terminal.waitFor("Please type 'yes', 'no' or the fingerprint: ");
    terminal.type("yes\r");
    await terminal.waitFor(`recorded in ${file}`);
    await terminal.exit();
    expect(readFileSync(file, "utf8").split("\n").sort()).toEqual(server.knownHosts().split("\n").sort());
    // Nobody has logged in, or tried.
    expect(server.log()).not.toMatch(/Failed|Accepted|invalid user/i);

    const again = await run(trust("--json"), { home });
    expect(again.status).toBe(0);
    expect(JSON.parse(again.stdout).keys.map(({ state }: { state: string }) => state)).toEqual(Array(3).fill("known"));
  });

  test("records the one whose fingerprint is typed", async () => {
    const { home, file } = homeWith();
    const terminal = startInTerminal(trust("-o", "HashKnownHosts=yes"), { home, columns: 200 });
    await terminal.waitFor(asked);
    terminal.type(`${server.hostKeys[2]?.fingerprint}\r`);
    await terminal.waitFor(`recorded in ${file}`);
    await terminal.exit();
    const [host = "", ...rest] = readFileSync(file, "utf8").trimEnd().split(" ");
    expect(host).toStartWith("|1|");
    expect(rest.join(" ")).toBe(server.hostKeys[2]?.line as string);
  });

  test("records nothing when the answer is no", async () => {
    const { home, file } = homeWith();
    const terminal = startInTerminal(trust(), { home, columns: 200 });
    await terminal.waitFor(asked);
    terminal.type("no\r");
    await terminal.waitFor("nothing was recorded [HOST_KEY_UNKNOWN]");
    await terminal.exit();
    expect(existsSync(file)).toBe(false);
  });
});

describe("without one", () => {
  const failure = async (home: string, ...words: string[]) => {
    const { status, stdout } = await run(trust("--json", ...words), { home });
    return { status, ...JSON.parse(stdout).error };
  };

  test("needs a person, or the fingerprint", async () => {
    const { home, file } = homeWith();
    const error = await failure(home);
    expect([error.status, error.code, error.hint]).toEqual([
      4,
      "HOST_KEY_UNKNOWN",
      `ssh-mcp trust -F none ${destination()}`,
    ]);
    for (const { fingerprint } of server.hostKeys) expect(error.message).toContain(fingerprint);
    const wrong = `SHA256:${"A".repeat(43)}`;
    expect((await failure(home, "--fingerprint", wrong)).message).toEndWith(`; none of them is ${wrong}`);
    expect(existsSync(file)).toBe(false);

    const right = server.hostKeys[0]?.fingerprint ?? "";
    const { status, stdout } = await run(trust("--fingerprint", right), { home });
    expect(status).toBe(0);
    expect(stdout).toContain(`ssh-ed25519 256 ${right}, recorded in ${file}\n`);
    expect(readFileSync(file, "utf8")).toBe(`${lineOf(0)}\n`);
    expect((await failure(home, "--fingerprint", wrong)).code).toBe("HOST_KEY_UNKNOWN");
  });

  test("replaces no changed key, adds none beside it, and takes no revoked one", async () => {
    const other = await makeKey();
    const changed = `[127.0.0.1]:${server.port} ${other.line}\n`;
    const one = homeWith(changed);
    for (const { fingerprint } of server.hostKeys) {
      const error = await failure(one.home, "--fingerprint", fingerprint);
      expect([error.status, error.code]).toEqual([1, "HOST_KEY_CHANGED"]);
      expect(error.hint).toBe(`ssh-keygen -R '[127.0.0.1]:${server.port}' -f ${one.file}`);
    }
    expect(readFileSync(one.file, "utf8")).toBe(changed);

    const two = homeWith(`@revoked * ${server.hostKeys[1]?.line}\n`);
    const revoked = await failure(two.home, "--fingerprint", server.hostKeys[0]?.fingerprint ?? "");
    expect([revoked.status, revoked.code]).toEqual([1, "HOST_KEY_REVOKED"]);
    expect(readFileSync(two.file, "utf8").split("\n")).toHaveLength(2);
  });

  test("goes through a jump host, which is logged in to", async () => {
    const hop = await startSshd({ authorizedKeys: [`${key.line}\n`] });
    const { home, file } = homeWith(hop.knownHosts());
    const config = join(home, "config");
    const [host, user, identity] = ["Host hop", `User ${hop.user}`, `IdentityFile ${key.path}`];
    writeFileSync(config, `${[host, `HostName 127.0.0.1`, `Port ${hop.port}`, user, identity].join("\n")}\n`);
    const right = server.hostKeys[1]?.fingerprint ?? "";
    const words = ["trust", "-F", config, "-J", "hop", "--fingerprint", right, destination()];
    const { status, stderr } = await run(words, { home });
    expect([status, stderr]).toEqual([0, ""]);
    expect(readFileSync(file, "utf8")).toBe(`${hop.knownHosts()}${lineOf(1)}\n`);
    expect(hop.log()).toContain(`Accepted publickey for ${hop.user}`);
  });

  test("is no way for a model", async () => {
    const { home } = homeWith();
    const initialize = {
      ...{ jsonrpc: "2.0", id: 1, method: "initialize" },
      params: { protocolVersion: "2025-11-25", capabilities: {}, clientInfo: { name: "t", version: "1" } },
    };
    const calls = [
      initialize,
      { jsonrpc: "2.0", method: "notifications/initialized" },
      { jsonrpc: "2.0", id: 2, method: "tools/call", params: { name: "ssh_trust", arguments: { destination: "web" } } },
    ];
    const { stdout } = await run(["serve"], { home, stdin: calls.map((call) => `${JSON.stringify(call)}\n`).join("") });
    expect(stdout).toContain('"id":2');
    expect(stdout).not.toContain("SHA256");
    expect(stdout).toMatch(/"id":2,"error"|"isError":true/);
  });
});
