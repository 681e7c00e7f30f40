/** Sessions through a ProxyCommand, which the broker runs in the caller's world. */
import { afterAll, afterEach, beforeAll, beforeEach, expect, setDefaultTimeout, test } from "bun:test";
import { chmodSync, existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { SessionRegistry } from "../../../src/broker/sessions/session-registry.ts";
import { cleanup } from "../../support/cleanup.ts";
import { descendantsOf } from "../../support/processes.ts";
import { startProxy } from "../../support/proxy.ts";
import { waitFor, within } from "../../support/wait.ts";
import { type Call, callOf, cli, model, run } from "../sessions/sessions.ts";
import { connections, type JumpHost, logins, SshConfig, startJumpHost } from "./world.ts";

setDefaultTimeout(30_000);

let first: JumpHost;
let target: JumpHost;
let config: SshConfig;
let registry: SessionRegistry;

beforeAll(async () => {
  [first, target] = await Promise.all([startJumpHost(), startJumpHost()]);
});
beforeEach(() => {
  config = new SshConfig();
  registry = new SessionRegistry();
});
afterEach(async () => {
  await registry.closeAll();
});
afterAll(cleanup);

const path = "/usr/local/bin:/usr/bin:/bin";
const call = (variables: Record<string, string> = {}): Call =>
  callOf({
    caller: { ...cli, cwd: config.directory },
    variables: async () => ({ PATH: path, SHELL: "/bin/sh", ...variables }),
  });

/** A program that connects its input and output to `HOST PORT`, as nc does. */
const connector = (): string => {
  const program = join(config.directory, "connect.ts");
  writeFileSync(
    program,
    `import { connect } from "node:net";
const [host, port] = process.argv.slice(2);
const socket = connect({ host, port: Number(port), noDelay: true });
process.stdin.pipe(socket);
socket.pipe(process.stdout);
socket.on("close", () => process.exit(0));
`,
  );
  return `${process.execPath} ${program}`;
};

const proxied = (line: string, lines: readonly string[] = []): void =>
  config.write({ outer: { server: first }, db: { server: target, lines: [`ProxyCommand ${line}`, ...lines] } });

/** What runs for this process, the servers' own aside. */
const started = (): number[] => {
  const served = [first, target].flatMap(({ pid }) => descendantsOf(pid));
  return descendantsOf(process.pid).filter((pid) => !served.includes(pid));
};

test("ssh -W leads there with the person's own ssh; its end takes the command with it", async () => {
  proxied(`ssh -F ${config.path} -W '[%h]:%p' outer`);
  const before = [logins(first), new Set(started())] as const;
  expect(await run(registry, config.request("db"), "echo in", call())).toMatchObject({ stdout: "in\n", exitCode: 0 });
  expect(logins(first)).toBe(before[0] + 1);
  expect(started().filter((pid) => !before[1].has(pid)).length).toBeGreaterThan(0);
  await registry.close("all", cli);
  expect(started().filter((pid) => !before[1].has(pid))).toEqual([]);
});

test("it runs with the caller's variables and shell, where the caller is", async () => {
  const note = 'printf \'%%s \' "$MARK" "$PWD" %h %p %r %n >note; ';
  proxied(`${note}exec ${connector()} %h %p`);
  const shell = join(config.directory, "shell");
  writeFileSync(shell, '#!/bin/sh\necho "$2" >line\nexec /bin/sh -c "$(echo "$2" | sed "s/^exec //")"\n');
  chmodSync(shell, 0o755);
  await run(registry, config.request("db"), "true", call({ MARK: "mine", SHELL: shell }));
  expect(readFileSync(join(config.directory, "note"), "utf8")).toBe(
    `mine ${config.directory} 127.0.0.1 ${target.port} ${target.user} db `,
  );
  expect(readFileSync(join(config.directory, "line"), "utf8")).toStartWith("exec printf");
});

test("64 MiB through it, both ways", async () => {
  proxied(`${connector()} %h %p`);
  const ran = await run(registry, config.request("db"), "head -c 64M /dev/zero", call());
  expect(ran).toMatchObject({ stdoutBytes: 64 * 1024 * 1024, exitCode: 0 });
});

test("what it says is told while the login lasts, and why it ended is the error", async () => {
  proxied("sh -c 'echo open https://login.example >&2; echo no tunnel to %h >&2; exit 7'");
  const asking = call();
  await expect(registry.use(config.request("db"), asking)).rejects.toMatchObject({
    code: "UNREACHABLE",
    message: `ProxyCommand for 127.0.0.1 port ${target.port} ended with status 7`,
  });
  expect(asking.notices).toEqual([
    "ProxyCommand of db: open https://login.example",
    "ProxyCommand of db: no tunnel to 127.0.0.1",
  ]);
  // It may hold what no model is to read.
  const agent = callOf({ caller: model() });
  await expect(registry.use(config.request("db"), agent)).rejects.toMatchObject({ code: "UNREACHABLE" });
  expect(agent.notices).toEqual([]);
});

test("one that dies in the middle of a command: the outcome is unknown", async () => {
  const proxy = await startProxy(target);
  proxied(`${connector()} 127.0.0.1 ${proxy.port}`);
  const ended = Promise.withResolvers<void>();
  const running = run(registry, config.request("db"), "echo ready; sleep 600", call(), ended.resolve);
  await ended.promise;
  proxy.cut("reset");
  const result = await within(running, { what: "the outcome", timeout: 5000 });
  expect(result.outcome).toBe("unknown");
  expect(result.reason).toContain("ProxyCommand");
});

test("one that never answers ends with the time for the login, and with a cancel", async () => {
  proxied("sleep 600");
  const before = new Set(started());
  await expect(registry.use(config.request("db", { timeoutMs: 300 }), call())).rejects.toMatchObject({
    code: "CONNECT_TIMEOUT",
  });
  const leaving = call();
  const opening = registry.use(config.request("db"), leaving);
  opening.catch(() => undefined);
  await waitFor(() => started().some((pid) => !before.has(pid)), { what: "the command" });
  leaving.leave();
  await expect(opening).rejects.toMatchObject({ code: "CANCELED" });
  await waitFor(() => started().every((pid) => before.has(pid)), { what: "the command to end" });
});

test.each(["$(touch pwned)", "-oProxyCommand=touch pwned", "a;touch pwned", "x`touch pwned`"])(
  "a host name %j never gets to a shell",
  async (name) => {
    proxied("echo %h %n; exit 1");
    const before = connections(target);
    for (const request of [
      config.request(name),
      config.request("db", { options: [`HostName=${name}`] }),
      config.request("db", { user: name }),
    ]) {
      await expect(registry.use(request, call())).rejects.toMatchObject({
        code: expect.stringMatching(/^(INVALID_INPUT|CONFIG_INVALID)$/),
      });
    }
    expect(existsSync(join(config.directory, "pwned"))).toBe(false);
    expect(connections(target)).toBe(before);
  },
);

test("a silent way is noticed by ServerAliveInterval and ServerAliveCountMax", async () => {
  const proxy = await startProxy(target);
  proxied(`${connector()} 127.0.0.1 ${proxy.port}`, ["ServerAliveInterval 1", "ServerAliveCountMax 1"]);
  const ready = Promise.withResolvers<void>();
  const running = run(registry, config.request("db"), "echo ready; sleep 600", call(), ready.resolve);
  await ready.promise;
  proxy.freeze();
  const result = await within(running, { what: "the outcome", timeout: 10_000 });
  expect(result).toMatchObject({ outcome: "unknown", reason: expect.stringContaining("keepalives") });
});
