/** Where nobody can answer, a login that needs a person says so at once, with what the person is to type; then it goes through. */
import { afterAll, beforeEach, describe, expect, setDefaultTimeout, test } from "bun:test";
import { type Agent, startAgent } from "../../faces/agent.ts";
import { type Home, makeHome } from "../../faces/home.ts";
import { behaviours } from "../../support/behaviours.ts";
import { run } from "../../support/binary.ts";
import { brokersOf } from "../../support/brokers.ts";
import { cleanup } from "../../support/cleanup.ts";
import { type ScriptedServer, startScriptedServer } from "../../support/scripted-server.ts";
import { startInTerminal } from "../../support/terminal.ts";
import { within } from "../../support/wait.ts";
import { crash } from "../place.ts";

afterAll(cleanup);
setDefaultTimeout(30_000);

let home: Home;
let server: ScriptedServer;
let at: string;
beforeEach(async () => {
  home = await makeHome();
  server = await startScriptedServer(behaviours.password);
  at = `${server.user}@127.0.0.1:${server.port}`;
  home.trust(server.knownHosts());
});

const type = async (line: string) => {
  const terminal = home.type(line);
  await terminal.waitFor("password: ");
  terminal.type("right\r");
  expect(await terminal.exit()).toBe(0);
};

describe("a password is asked of nobody, and AUTH_REQUIRED comes at once,", () => {
  const isToldAtOnce = (text: string) => {
    const [, hint = ""] =
      /takes a password, and nobody gave it \[AUTH_REQUIRED\]\r?\n {2}try: (.*?)\r?\n$/.exec(text) ?? [];
    expect(hint.replace(/ --name \S+/, "")).toBe(`ssh-mcp connect ${at}`);
  };

  test("without a terminal", async () => {
    const outcome = await run(["exec", at, "true"], { home: home.path, timeout: 5000 });
    expect(outcome).toMatchObject({ status: 255, stdout: "" });
    isToldAtOnce(outcome.stderr);
    expect((await run(["connect", at], { home: home.path, timeout: 5000 })).status).toBe(4);
  });

  test.each([
    ["with --batch", ["--batch"], {}],
    ["with CI=true", [], { CI: "true" }],
  ] as const)("%s in a terminal", async (_, flags, env) => {
    const terminal = startInTerminal([...flags, "connect", at], { home: home.path, columns: 400, env });
    expect(await terminal.exit(5000)).toBe(4);
    isToldAtOnce(terminal.text());
  });
});

describe("a model", () => {
  /** What a person types in a login shell, whose HOME is another. */
  const hintForModels = () => `SSH_MCP_DIR=${home.path}/.ssh-mcp ssh-mcp connect --name web ${at}`;
  /** An answer that comes within a second says that nobody was waited for. */
  const ask = (agent: Agent, tool: string, input: Record<string, unknown>) =>
    within(agent.call(tool, input), { what: "the answer", timeout: 1500 });

  test("is told what to have typed, and then the identical call goes through on the person's session", async () => {
    const agent = await startAgent(home.path);
    const connect = () => ask(agent, "ssh_connect", { destination: at, name: "web" });
    const { error } = await connect();
    expect(error).toMatchObject({ code: "AUTH_REQUIRED", hint: hintForModels(), retryable: true });
    await type(error?.hint ?? "");
    const { result } = await connect();
    expect(result).toMatchObject({ name: "web", reused: true, state: "live" });
    expect((await ask(agent, "ssh_exec", { target: "web", command: "echoed" })).result).toMatchObject({
      stdout: "echoed\n",
    });
    expect(server.accepted()).toBe(2);
  });

  test("gets the same after the broker was killed under a session that it used", async () => {
    const agent = await startAgent(home.path);
    await type(`ssh-mcp connect --name web ${at}`);
    const exec = () => ask(agent, "ssh_exec", { target: "web", command: "echoed" });
    expect((await exec()).result).toMatchObject({ target: "web", stdout: "echoed\n" });
    const first = await crash(home.path);
    const { error } = await exec();
    expect(error).toMatchObject({ code: "AUTH_REQUIRED", hint: hintForModels() });
    await type(error?.hint ?? "");
    expect((await exec()).result).toMatchObject({ target: "web", stdout: "echoed\n" });
    expect(brokersOf(home.path)).not.toContain(first);
    const { result } = await ask(agent, "ssh_sessions", {});
    expect(result?.["sessions"]).toMatchObject([{ name: "web", state: "live", needsPerson: true, lent: true }]);
  });
});
