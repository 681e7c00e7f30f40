/** `ssh-mcp broker …` with a broker that is played: what is asked of it, what is printed, and the exit status. */
import { afterAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { release } from "../../src/core/version.ts";
import { cleanup } from "../support/cleanup.ts";
import { run, runLogged } from "./driver.ts";

afterAll(cleanup);
setDefaultTimeout(30_000);

const running = { env: { FAKE_BROKER: release } };
const counts = { uptimeMs: 61_000, sessions: 2, connections: 1, clients: 1, calls: 0 };
const document = {
  ...{ running: true, pid: 7, version: release, protocol: 1, socket: "/run/broker.sock" },
  ...counts,
};

/** What reached the broker. */
const asked = async (verb: string, options: Parameters<typeof runLogged>[1] = {}) => {
  const { log, ...outcome } = await runLogged(["broker", verb], options);
  return { ...outcome, asked: log.flatMap((entry) => Object.keys(entry)).filter((key) => key !== "maxRssMiB") };
};

describe("status", () => {
  test("of one that runs", async () => {
    expect(await asked("status", running)).toMatchObject({ status: 0, stderr: "", asked: [] });
    expect((await run(["broker", "status"], running)).stdout).toBe(
      `a broker is running: process 7, version ${release}, protocol 1, for 1m\n` +
        "socket /run/broker.sock\n2 sessions, 1 connection, 1 client, 0 calls\n",
    );
    const { status, stdout } = await run(["broker", "status", "--json"], running);
    expect(status).toBe(0);
    expect(JSON.parse(stdout)).toEqual(document);
    expect(Object.keys(JSON.parse(stdout) as object)).toEqual(Object.keys(document));
  });

  test("of none starts none", async () => {
    const none = { status: 1, stdout: "no broker is running\n", stderr: "", asked: [] };
    expect(await asked("status")).toMatchObject(none);
    const { status, stdout } = await run(["broker", "--json", "status"]);
    expect(status).toBe(1);
    expect(JSON.parse(stdout)).toEqual({
      ...Object.fromEntries(Object.keys(document).map((key) => [key, null])),
      ...{ running: false, socket: "/run/broker.sock" },
    });
  });

  test("of another version says how they come together", async () => {
    const { status, stderr } = await run(["broker", "status"], { env: { FAKE_BROKER: "0.0.1" } });
    expect(status).toBe(0);
    expect(stderr).toContain(`the broker is of version 0.0.1 and this command of ${release}`);
    expect(stderr).toContain("ssh-mcp broker restart");
  });
});

describe("stop", () => {
  test("ends the one that runs, and says what becomes of its sessions", async () => {
    const outcome = await asked("stop", running);
    expect(outcome).toMatchObject({ status: 0, stderr: "", asked: ["stop"] });
    expect(outcome.stdout).toMatch(/^stopped the broker; its sessions stay in the list.*ssh-mcp connect.*\n$/);
    expect((await run(["broker", "stop", "--json"], running)).stdout).toBe('{"stopped":true}\n');
  });

  test("of none is no failure", async () => {
    expect(await asked("stop")).toMatchObject({ status: 0, stdout: "no broker is running\n", stderr: "" });
    expect(await run(["broker", "stop", "--json"])).toMatchObject({ status: 0, stdout: '{"stopped":false}\n' });
  });
});

describe("restart", () => {
  test("stops the one that runs and starts another", async () => {
    const outcome = await asked("restart", running);
    expect(outcome).toMatchObject({ status: 0, asked: ["stop", "start"] });
    expect(outcome.stdout).toStartWith("a broker is running: process 7");
    expect(outcome.stderr).toContain("its sessions stay in the list");
    expect(JSON.parse((await run(["broker", "restart", "--json"], running)).stdout)).toEqual(document);
  });

  test("starts one where there was none, and replaces one of another version", async () => {
    expect(await asked("restart")).toMatchObject({ status: 0, stderr: "", asked: ["stop", "start"] });
    const { stdout, stderr } = await run(["broker", "restart"], { env: { FAKE_BROKER: "0.0.1" } });
    expect(stdout).toContain(`version ${release}`);
    expect(stderr).not.toContain("0.0.1");
  });
});

test("what is not understood reaches nobody", async () => {
  const outcome = await asked("restrt", running);
  expect(outcome).toMatchObject({ status: 2, stdout: "", asked: [] });
  expect(outcome.stderr).toBe(
    'ssh-mcp: there is no command "broker restrt"; did you mean restart? [USAGE]\n  try: ssh-mcp broker restart\n',
  );
});
