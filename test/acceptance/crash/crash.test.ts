/**
 * A broker that is killed outright, in the middle of each thing it does: what other processes are told afterwards is right, and all
 * goes on that needs no person.
 */
import { afterAll, beforeAll, beforeEach, describe, expect, setDefaultTimeout, test } from "bun:test";
import { mkdirSync, readdirSync, watch } from "node:fs";
import { join } from "node:path";
import { startAgent } from "../../faces/agent.ts";
import { nextMark } from "../../faces/marks.ts";
import { start } from "../../support/binary.ts";
import { brokersOf } from "../../support/brokers.ts";
import { cleanup } from "../../support/cleanup.ts";
import { signal } from "../../support/processes.ts";
import { waitFor } from "../../support/wait.ts";
import { crash } from "../place.ts";
import { isCached, isLive, worksOn } from "./after.ts";
import { type Login, loginNames, startLogin } from "./logins.ts";

afterAll(cleanup);
setDefaultTimeout(60_000);

describe.each([...loginNames])("with a session by %s, a broker killed", (name) => {
  let login: Login;
  let home: string;
  beforeAll(async () => {
    login = await startLogin(name);
    home = login.home.path;
  });
  beforeEach(async () => {
    await login.run(["close", "--all"]);
  });

  test("during the handshake, leaves nothing of it", async () => {
    // One that runs already: what is tested is the end of a broker, not its beginning.
    await login.run(["ls"]);
    login.proxy.setDelay(100);
    const before = login.proxy.accepted();
    const connecting = login.type(`ssh-mcp connect --name web ${login.at}`);
    if (name === "password") await connecting.waitFor(login.prompt);
    else await waitFor(() => login.proxy.accepted() > before, { what: "the handshake to begin" });
    await crash(home);
    expect(await connecting.exit()).toBe(1);
    expect(connecting.text()).toMatch(/\[(BROKER_UNAVAILABLE|OUTCOME_UNKNOWN)\]\n( {2}try: .*\n)?$/);
    login.proxy.setDelay(0);
    expect(await login.sessions()).toEqual([]);
    await worksOn(login, login.at);
  });

  test("during the write of a record, leaves a whole one or none", async () => {
    const folder = join(home, ".ssh-mcp/sessions");
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    for (let round = 1; round <= 4; round++) {
      await login.run(["ls"]);
      const [broker = 0] = brokersOf(home);
      // The first sign of a write: the temporary file. It has to be synced to the disk yet.
      const watcher = watch(folder, () => signal(broker, "SIGKILL"));
      const connecting = login.type(`ssh-mcp connect --name web${round} ${login.at}`);
      if (name === "password") {
        await connecting.waitFor(login.prompt);
        connecting.type(`${login.password}\r`);
      }
      const status = await connecting.exit();
      await waitFor(() => !brokersOf(home).includes(broker), { what: "the broker to be gone" });
      watcher.close();
      const names = (await login.sessions()).map((row) => row.name);
      // What was said to be open is there after the crash.
      expect(names).toEqual(status === 0 || names.length > 0 ? [`web${round}`] : []);
      await worksOn(login, names[0] ?? login.at);
      await login.run(["close", "--all"]);
      expect(readdirSync(folder).filter((file) => file.includes("corrupt"))).toEqual([]);
    }
  });

  test("while commands run, tells both faces that their outcome is unknown, and goes on", async () => {
    await login.connect();
    const command = `echo begun; exec sleep ${nextMark()}`;
    const { env } = login;
    const running = start(["exec", "web", command], { home, env });
    await running.waitForStdout("begun");
    const agent = await startAgent(home, env);
    const call = agent.call("ssh_exec", { target: "web", command });
    await waitFor(async () => (await login.sessions())[0]?.running === 2, { what: "both to run" });
    await crash(home);
    const { status, stderr } = await running.exit();
    expect(status).toBe(255);
    expect(stderr).toContain("[OUTCOME_UNKNOWN]");
    expect((await call).text).toStartWith("OUTCOME_UNKNOWN: ");
    await isCached(login);

    // The model's program is still the one that saw the crash.
    const again = () => agent.call("ssh_exec", { target: "web", command: "echo in" });
    const { error, result } = await again();
    if (name === "password") {
      expect(error?.code).toBe("AUTH_REQUIRED");
      const { hint = null } = error ?? {};
      expect(hint).toBe(`SSH_MCP_DIR=${home}/.ssh-mcp ssh-mcp connect --name web ${login.at}`);
      await login.typed(hint ?? "");
      expect((await again()).result).toMatchObject({ target: "web", stdout: "in\n" });
    } else {
      expect(result).toMatchObject({ target: "web", stdout: "in\n" });
      await worksOn(login, "web");
    }
    await isLive(login);
    await agent.close();
  });

  test("while a session is closed, leaves it cached or closed", async () => {
    await login.connect();
    const stubborn = `trap 'echo told' INT; trap '' TERM; echo begun; while :; do sleep 0.1; done`;
    const running = start(["exec", "web", stubborn], { home });
    await running.waitForStdout("begun");
    const closing = start(["close", "web"], { home });
    // It takes two more seconds until the command is killed.
    await running.waitForStdout("told");
    await crash(home);
    expect((await running.exit()).status).toBe(255);
    expect((await closing.exit()).status).toBe(1);
    const names = (await login.sessions()).map((row) => row.name);
    expect(["", "web"]).toContain(names.join());
    await worksOn(login, names[0] ?? login.at);
    expect((await login.run(["close", "--all"])).status).toBe(0);
    expect(await login.sessions()).toEqual([]);
  });
});
