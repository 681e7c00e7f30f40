/** How a client comes by a broker when none is there: with real processes. */
import { afterAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { mkdirSync, readdirSync, readFileSync, readlinkSync, rmSync, unlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { RemoteBroker } from "../../../src/broker/client/remote.ts";
import { connectOrSpawn } from "../../../src/broker/client/spawn.ts";
import { listenOnSocket } from "../../../src/broker/wire/socket-transport.ts";
import { type BrokerPlace, brokerPlace, makeBrokerPlace } from "../../../src/files/broker-place.ts";
import { tryLock } from "../../../src/files/lock.ts";
import { buildOnce } from "../../support/binary.ts";
import { brokerOf, brokersOf, endBrokersAtCleanup } from "../../support/brokers.ts";
import { cleanup, onCleanup } from "../../support/cleanup.ts";
import { runCommand } from "../../support/command.ts";
import { isAlive } from "../../support/processes.ts";
import { tempDir } from "../../support/temp.ts";
import { waitFor } from "../../support/wait.ts";

afterAll(cleanup);
setDefaultTimeout(30_000);

const newBase = (): { env: Record<string, string>; base: string; place: BrokerPlace } => {
  const base = join(tempDir("b"), "base");
  endBrokersAtCleanup(base);
  const env = { SSH_MCP_DIR: base };
  return { env, base, place: brokerPlace(env) };
};

const listen = (path: string): void => {
  const listening = listenOnSocket(path, () => undefined);
  onCleanup(() => listening.stop());
};

const connects = async (place: BrokerPlace, env: Record<string, string>): Promise<void> =>
  (await connectOrSpawn(place, env)).abort();

describe("the broker that a command starts", () => {
  test("holds nothing of its starter: neither its output, nor its folder, nor its terminal, nor its group", async () => {
    const { env, base } = newBase();
    const folder = tempDir("cwd");
    // The pipe's end is seen as soon as nobody holds it: the shell would wait for a broker that did.
    const line = `cd ${folder}; umask 000; ${buildOnce()} ls 3>${folder}/held 2>&1 | cat; echo done`;
    expect(await runCommand(["bash", "-c", line], { env: { ...env, SECRET: "s", LC_TOKEN: "t" } })).toMatchObject({
      status: 0,
      stdout: "no sessions\ndone\n",
    });
    const pid = brokerOf(base);
    expect(readlinkSync(`/proc/${pid}/cwd`)).toBe("/");
    const files = readdirSync(`/proc/${pid}/fd`).map((name) => readlinkSync(`/proc/${pid}/fd/${name}`));
    expect(files.filter((file) => file.startsWith(folder) || file.startsWith("pipe:"))).toEqual([]);
    expect([0, 1, 2].map((name) => readlinkSync(`/proc/${pid}/fd/${name}`))).toEqual([
      "/dev/null",
      "/dev/null",
      "/dev/null",
    ]);
    // Process group, session and terminal: proc(5).
    const [, , group, session, terminal] = statOf(pid);
    expect([Number(group), Number(session), Number(terminal)]).toEqual([pid, pid, 0]);
    const environment = readFileSync(`/proc/${pid}/environ`, "utf8");
    expect(environment).toContain(`SSH_MCP_DIR=${base}\0`);
    expect(environment).not.toMatch(/SECRET|LC_TOKEN/);
    expect(readFileSync(`/proc/${pid}/status`, "utf8")).toMatch(/^Umask:\s+0077$/m);
  });

  test("is one, however many find none, and outlives them all", async () => {
    const { env, base } = newBase();
    const outcomes = await Promise.all(
      Array.from({ length: 12 }, () => runCommand([buildOnce(), "ls"], { env: { ...env, HOME: base } })),
    );
    expect(outcomes.map(({ status, stdout, stderr }) => ({ status, stdout, stderr }))).toEqual(
      outcomes.map(() => ({ status: 0, stdout: "no sessions\n", stderr: "" })),
    );
    expect(isAlive(brokerOf(base))).toBe(true);
  });

  test("comes in place of one that was killed", async () => {
    const { env, base, place } = newBase();
    await connects(place, env);
    const first = brokerOf(base);
    process.kill(first, "SIGKILL");
    // Its threads end one after another, and the last one closes the socket: until then the kernel takes connections for it.
    const isFree = (): boolean => {
      const lock = tryLock(place.brokerLock);
      lock?.release();
      return lock !== null;
    };
    await waitFor(() => !isAlive(first) && isFree(), { what: "its end" });
    await connects(place, env);
    expect(brokerOf(base)).not.toBe(first);
  });

  test("is the one that `start` finds, and that is gone after `stop`", async () => {
    const { env, base } = newBase();
    const remote = new RemoteBroker({ environment: env });
    const { pid, socket } = await remote.start();
    expect({ pid, socket }).toEqual({ pid: brokerOf(base), socket: remote.socket });
    expect(await remote.start()).toMatchObject({ pid });
    expect(await remote.status()).toMatchObject({ pid, calls: 0 });
    expect(await remote.stop()).toBe(true);
    expect(await remote.status()).toBeNull();
    expect(brokersOf(base)).toEqual([]);
    await remote.close();
  });
});

describe("nobody is started", () => {
  test("while somebody else starts one", async () => {
    const { env, base, place } = newBase();
    makeBrokerPlace(place);
    const lock = tryLock(place.spawnLock);
    const connecting = connects(place, env);
    await Bun.sleep(300);
    expect(brokersOf(base)).toEqual([]);
    listen(place.socket);
    await connecting;
    lock?.release();
  });

  test("while a broker has the place, though it is not to be reached yet", async () => {
    const { env, base, place } = newBase();
    makeBrokerPlace(place);
    const lock = tryLock(place.brokerLock);
    const connecting = connects(place, env);
    await Bun.sleep(300);
    expect(brokersOf(base)).toEqual([]);
    listen(place.socket);
    await connecting;
    lock?.release();
  });

  test("and one that has the place and is never to be reached is not waited for without end", async () => {
    const { env, base, place } = newBase();
    makeBrokerPlace(place);
    const lock = tryLock(place.brokerLock);
    expect(await connects(place, env).catch((thrown: unknown) => thrown)).toMatchObject({
      code: "BROKER_UNAVAILABLE",
      message: "the broker is running and does not answer",
    });
    expect(brokersOf(base)).toEqual([]);
    lock?.release();
  });
});

describe("where there can be none", () => {
  test("its own reason is the error", async () => {
    const { env, place } = newBase();
    makeBrokerPlace(place);
    writeFileSync(join(place.base, "config.toml"), "[limits\n");
    expect(await connects(place, env).catch((thrown: unknown) => thrown)).toMatchObject({ code: "CONFIG_INVALID" });
    unlinkSync(join(place.base, "config.toml"));
    await connects(place, env);
  });

  test("a place that cannot be written is told apart: a command can do without", async () => {
    const { env, place } = newBase();
    mkdirSync(join(place.base, ".."), { recursive: true });
    makeBrokerPlace(place);
    mkdirSync(place.spawnLock);
    expect(await connects(place, env).catch((thrown: unknown) => thrown)).toMatchObject({ code: "LOCAL_IO" });
    const outcome = await runCommand([buildOnce(), "ls"], { env });
    expect(outcome).toMatchObject({ status: 0, stdout: "no sessions\n" });
    expect(outcome.stderr).toStartWith("ssh-mcp: no broker can run here: ");
    rmSync(place.spawnLock, { recursive: true });
    await connects(place, env);
  });
});

/** The fields of proc(5)'s stat after the name, which may hold anything: state, parent, group, session, terminal. */
const statOf = (pid: number): string[] =>
  readFileSync(`/proc/${pid}/stat`, "latin1").split(") ").at(-1)?.split(" ") ?? [];
