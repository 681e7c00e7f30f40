import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, setDefaultTimeout, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { commandSetup } from "../../../../src/broker/sessions/command-setup.ts";
import { SessionRegistry } from "../../../../src/broker/sessions/session-registry.ts";
import type { CommandSettings } from "../../../../src/config/ssh-config/resolved-host.ts";
import type { TerminalSize } from "../../../../src/core/call-scope.ts";
import type { Caller } from "../../../../src/core/operation.ts";
import { plainSetup } from "../../../../src/ssh/commands/command-setup.ts";
import { cleanup } from "../../../support/cleanup.ts";
import { type KeyPair, makeKey } from "../../../support/keys.ts";
import { type SshAgent, startSshAgent } from "../../../support/ssh-agent.ts";
import { type Sshd, startSshd } from "../../../support/sshd.ts";
import { tempDir } from "../../../support/temp.ts";
import { callOf, cli, model, named, requestFor, run } from "../sessions.ts";

setDefaultTimeout(30_000);
afterAll(cleanup);

const settings = (some: Partial<CommandSettings>): CommandSettings => ({
  ...{
    setEnv: [],
    sendEnv: [],
    forwardAgent: { kind: "no" },
    remoteCommand: null,
    requestTty: "auto",
    sessionType: "default",
  },
  ...some,
});
const locale = { LANG: "de_DE.UTF-8", LC_TIME: "C" };
const person: Caller = { ...cli, agentSocket: "/agent", locale };

describe("what a command gets", () => {
  test("is nothing where ssh_config says nothing, and nobody is asked", () => {
    expect(commandSetup(settings({}), callOf({ caller: person }))).toEqual(plainSetup);
  });

  test("is the caller's locale, which came with the call", () => {
    const setup = commandSetup(settings({ sendEnv: ["LANG", "LC_*"] }), callOf({ caller: person }));
    expect(setup).toMatchObject({
      environment: [
        { name: "LANG", value: "de_DE.UTF-8" },
        { name: "LC_TIME", value: "C" },
      ],
    });
    expect(commandSetup(settings({ sendEnv: ["LANG"] }), callOf({ caller: person }))).toMatchObject({
      environment: [{ name: "LANG", value: "de_DE.UTF-8" }],
    });
  });

  test("is what SendEnv names, asked of the caller, and then SetEnv", async () => {
    const asked: unknown[] = [];
    const variables = async (names: unknown): Promise<Record<string, string>> => {
      asked.push(names);
      return { PROJECT: "a", OTHER: "b" };
    };
    const wanted = settings({ sendEnv: ["LANG", "PROJECT"], setEnv: [{ name: "MODE", value: "x y" }] });
    expect(await commandSetup(wanted, callOf({ caller: person, variables }))).toMatchObject({
      environment: [
        { name: "LANG", value: "de_DE.UTF-8" },
        { name: "PROJECT", value: "a" },
        { name: "MODE", value: "x y" },
      ],
    });
    const all = settings({ sendEnv: ["P?OJ*"] });
    expect(await commandSetup(all, callOf({ caller: person, variables }))).toMatchObject({
      environment: [{ name: "PROJECT", value: "a" }],
    });
    expect(asked).toEqual([["PROJECT"], "all"]);
  });

  test("is an agent for a person, and never for a model", () => {
    const forwarding = settings({ forwardAgent: { kind: "caller" } });
    expect(commandSetup(forwarding, callOf({ caller: person }))).toMatchObject({ agentSocket: "/agent" });
    const named = settings({ forwardAgent: { kind: "socket", path: "/other" } });
    expect(commandSetup(named, callOf({ caller: person }))).toMatchObject({ agentSocket: "/other" });
    for (const one of [forwarding, named]) {
      const agent = { ...model(), agentSocket: "/agent" };
      expect(commandSetup(one, callOf({ caller: agent }))).toEqual(plainSetup);
    }
  });

  test("is a terminal where RequestTTY asks for one, and for force even without the caller's", async () => {
    const own = { type: "xterm", columns: 100, rows: 30 };
    let resize: ((size: TerminalSize) => void) | undefined;
    const caller = callOf({
      terminal: async (onResize) => {
        resize = onResize;
        return own;
      },
    });
    for (const requestTty of ["yes", "force"] as const) {
      const setup = await commandSetup(settings({ requestTty }), caller);
      expect(setup.terminal).toMatchObject(own);
      const sizes: TerminalSize[] = [];
      setup.terminal?.onResize((size) => sizes.push(size));
      resize?.({ columns: 5, rows: 6 });
      expect(sizes).toEqual([{ columns: 5, rows: 6 }]);
    }
    for (const requestTty of ["no", "auto"] as const) {
      expect(await commandSetup(settings({ requestTty }), caller)).toMatchObject({ terminal: null });
    }
    expect(await commandSetup(settings({ requestTty: "yes" }), callOf())).toMatchObject({ terminal: null });
    expect(await commandSetup(settings({ requestTty: "force" }), callOf())).toMatchObject({
      terminal: { type: "dumb" },
    });
  });

  test("is refused where another command runs in its place", () => {
    expect(() => commandSetup(settings({ sessionType: "none" }), callOf())).toThrow(/SessionType none is set/);
    expect(() => commandSetup(settings({ remoteCommand: "tmux\nattach" }), callOf())).toThrow(/RemoteCommand is set/);
  });
});

describe("on a real sshd", () => {
  let key: KeyPair;
  let sshd: Sshd;
  let agent: SshAgent;
  let registry: SessionRegistry;
  beforeAll(async () => {
    key = await makeKey();
    sshd = await startSshd({ options: ["AcceptEnv LANG LC_* PROJECT MODE"], authorizedKeys: [key.line] });
    agent = await startSshAgent();
    await agent.add(key.path);
  });
  beforeEach(() => {
    registry = new SessionRegistry();
  });
  afterEach(() => registry.closeAll());

  const request = (...options: string[]) => {
    const plain = requestFor(`${sshd.user}@127.0.0.1:${sshd.port}`, { identityFiles: [key.path] });
    return { ...plain, options: [...plain.options, ...options] };
  };

  test("SetEnv, SendEnv and ForwardAgent of ssh_config reach the command of whoever runs it", async () => {
    const to = request("SendEnv=LC_TIME PROJECT", "SetEnv=MODE=fast", "ForwardAgent=yes");
    const command = 'printf \'%s|\' "$LC_TIME" "$PROJECT" "$MODE"; ssh-add -L 2>/dev/null | wc -l | tr -d \' \'';
    const caller = { ...person, agentSocket: agent.socket };
    const call = callOf({ caller, variables: async () => ({ PROJECT: "mine" }) });
    expect(await run(registry, to, command, call)).toMatchObject({ stdout: "C|mine|fast|1\n" });
    // The next one on the same connection is another caller's.
    const other = callOf({ caller: { ...cli, locale: { LC_TIME: "POSIX" } } });
    expect(await run(registry, to, command, other)).toMatchObject({ stdout: "POSIX||fast|0\n" });
    expect(registry.liveConnections).toBe(1);
  });

  test("several aliases of one server share its connection, and each has what ssh_config says of it now", async () => {
    const config = join(tempDir("config"), "config");
    const write = (mode: string): void =>
      writeFileSync(
        config,
        [
          `Host fast\n SetEnv MODE=${mode}\n ForwardAgent yes`,
          "Host slow\n SetEnv MODE=slow",
          "Host other\n RemoteCommand hostname",
          `Host *\n HostName 127.0.0.1\n Port ${sshd.port}\n User ${sshd.user}\n IdentityFile ${key.path}`,
          "StrictHostKeyChecking no\nUserKnownHostsFile /dev/null\n",
        ].join("\n"),
      );
    write("fast");
    const to = (alias: string) => requestFor(alias, { configFile: config, options: [] });
    const call = callOf({ caller: { ...cli, agentSocket: agent.socket } });
    const shown = async (alias: string): Promise<string> =>
      (await run(registry, to(alias), "echo $MODE $(ssh-add -l 2>/dev/null | grep -c SHA256)", call)).stdout;
    expect(await shown("fast")).toBe("fast 1\n");
    expect(await shown("slow")).toBe("slow 0\n");
    await expect(run(registry, to("other"), "true", call)).rejects.toMatchObject({ code: "UNSUPPORTED" });
    expect(await shown("slow")).toBe("slow 0\n");
    // The name of the session, from the second time on without a look at the files.
    expect(await shown("fast")).toBe("fast 1\n");
    expect(registry.liveConnections).toBe(1);
    write("faster");
    expect(await shown("fast")).toBe("faster 1\n");
    expect(registry.liveConnections).toBe(1);
  });

  test("RemoteCommand refuses another command, as ssh does", async () => {
    const refused = run(registry, request("RemoteCommand=tmux attach"), "uptime", callOf());
    await expect(refused).rejects.toMatchObject({
      code: "UNSUPPORTED",
      message: expect.stringContaining("tmux attach"),
      hint: "ssh-mcp exec -o RemoteCommand=none TARGET -- COMMAND",
    });
  });

  test("a model is told neither the command nor what it cannot do", async () => {
    const { info } = await registry.open(request("RemoteCommand=mysql -phunter2"), callOf());
    const refused = run(registry, named(info.name), "uptime", callOf({ caller: model() }));
    const error: unknown = await refused.catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: "UNSUPPORTED", hint: "ssh_hosts {}" });
    expect((error as Error).message).not.toContain("hunter2");
  });
});
