/** `-F <(command)` and `-i <(command)`: descriptors of the command that was typed, which no other process can read. */
import { afterAll, beforeAll, beforeEach, describe, expect, setDefaultTimeout, test } from "bun:test";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Agent, startAgent } from "../../faces/agent.ts";
import { buildOnce } from "../../support/binary.ts";
import { brokersOf } from "../../support/brokers.ts";
import { cleanup, onCleanup } from "../../support/cleanup.ts";
import { type CommandOptions, cleanEnv, runCommand } from "../../support/command.ts";
import { makeFifo } from "../../support/fifo.ts";
import { descendantsOf, endProcesses, signal } from "../../support/processes.ts";
import { waitFor } from "../../support/wait.ts";
import { type Outcome, type Place, startPlace } from "../place.ts";

afterAll(cleanup);
setDefaultTimeout(60_000);

let place: Place;
let agent: Agent;
let config: string;
let keyless: string;
beforeAll(async () => {
  place = await startPlace();
  agent = await startAgent(place.home.path);
  const { sshd } = place;
  const server = `Host vm\n  HostName 127.0.0.1\n  Port ${sshd.port}\n  User ${sshd.user}\n`;
  config = `${server}  IdentityFile ${place.home.key.path}\n`;
  keyless = `${server}  IdentityFile none\n`;
});
beforeEach(async () => {
  await place.run(["close", "--all"]);
});

/** For a line of bash: `$SSH_MCP` is the binary, `$CONFIG` and `$KEYLESS` hold configurations, `$KEY` is the path of the key. */
const environment = (): Record<string, string> => {
  const { path, key } = place.home;
  return { ...cleanEnv, HOME: path, SSH_MCP: buildOnce(), CONFIG: config, KEYLESS: keyless, KEY: key.path };
};

const type = async (line: string, options: CommandOptions = {}): Promise<Outcome> => {
  const typed = { cwd: place.home.path, ...options, env: environment() };
  const { status, stdout, stderr } = await runCommand(["bash", "-c", line], typed);
  return { status, stdout, stderr };
};
const fine = (stdout: string): Outcome => ({ status: 0, stdout, stderr: "" });

describe.each([
  ["through the broker", ""],
  ["in a process of its own", "--no-broker"],
])("a command that runs %s", (_where, flag) => {
  test("takes a configuration from a pipe", async () => {
    expect(await type(`"$SSH_MCP" exec ${flag} -F <(printf %s "$CONFIG") vm echo in`)).toEqual(fine("in\n"));
  });

  test("waits for a slow pipe", async () => {
    const slowly = `head -1 <<<"$CONFIG"; sleep 0.3; tail -n +2 <<<"$CONFIG"`;
    expect(await type(`"$SSH_MCP" exec ${flag} -F <(${slowly}) vm echo in`)).toEqual(fine("in\n"));
  });

  test("takes a key from a pipe, beside a configuration and standard input", async () => {
    const line = `"$SSH_MCP" exec ${flag} -F <(printf %s "$KEYLESS") -i <(cat "$KEY") vm cat`;
    expect(await type(line, { stdin: "for the command" })).toEqual(fine("for the command"));
  });

  test("takes either from standard input", async () => {
    // The command gets what is left, as with ssh: all of a file, nothing of a pipe.
    expect(await type(`"$SSH_MCP" exec ${flag} -F /dev/stdin vm cat <<<"$CONFIG"`)).toMatchObject({ status: 0 });
    const piped = `cat "$KEY" | "$SSH_MCP" exec ${flag} -F <(printf %s "$KEYLESS") -i /proc/self/fd/0 vm cat`;
    expect(await type(piped)).toEqual(fine(""));
  });

  test("is told of a descriptor that is not open", async () => {
    const { status, stderr } = await type(`"$SSH_MCP" exec ${flag} -F /dev/fd/77 vm true`);
    expect(status).toBe(255);
    expect(stderr).toContain("the configuration cannot be read: there is no file /dev/fd/77 [CONFIG_INVALID]");
    expect(stderr).toContain("  try: ssh-mcp connect -F CONFIG vm\n");
  });
});

describe("a session that was opened so", () => {
  test("serves every process by its name, until it has to be opened again", async () => {
    const opened = await type(`"$SSH_MCP" connect --name box -F <(printf %s "$CONFIG") vm`);
    expect(opened).toMatchObject({ status: 0, stderr: "" });
    const connection = (await place.run(["exec", "box", "echo $PPID"])).stdout;
    expect(connection).toMatch(/^\d+\n$/);
    const byModel = await agent.call("ssh_exec", { target: "box", command: "echo $PPID" });
    expect(byModel.result?.["stdout"]).toBe(connection);
    // The same content is the same session, whatever the number of the descriptor.
    const again = await type(`"$SSH_MCP" exec -F /dev/fd/9 vm 'echo $PPID' 9< <(printf %s "$CONFIG")`);
    expect(again).toEqual(fine(connection));

    expect((await place.run(["broker", "restart"])).status).toBe(0);
    expect(await place.sessions()).toMatchObject([{ name: "box", state: "cached", needsPerson: true }]);
    const message =
      "the session box cannot be opened again by itself: its configuration came from a pipe of the command that opened it";
    const hint = "ssh-mcp connect --name box -F CONFIG vm";
    expect(await place.run(["exec", "box", "true"])).toEqual({
      ...{ status: 255, stdout: "" },
      stderr: `ssh-mcp: ${message} [CONFIG_INVALID]\n  try: ${hint}\n`,
    });
    const { error } = await agent.call("ssh_exec", { target: "box", command: "true" });
    expect(error).toMatchObject({ code: "CONFIG_INVALID", hint: expect.stringContaining(hint) });

    // The hint works as it stands, with a file in place of the word; then the session is like any other.
    const path = join(place.home.path, "vm-config");
    writeFileSync(path, config, { mode: 0o600 });
    const words = hint.replace("CONFIG", path).split(" ");
    expect((await place.run(words.slice(1))).status).toBe(0);
    expect(await place.run(["exec", "box", "echo back"])).toEqual(fine("back\n"));
    expect((await place.run(["broker", "restart"])).status).toBe(0);
    expect(await place.run(["exec", "box", "echo by itself"])).toEqual(fine("by itself\n"));
  });

  test("leaves nothing of the key on disk", async () => {
    const opened = await type(`"$SSH_MCP" connect --name box -F <(printf %s "$KEYLESS") -i <(cat "$KEY") vm`);
    expect(opened.status).toBe(0);
    const line = readFileSync(place.home.key.path, "utf8").split("\n")[2] ?? "";
    expect(line.length).toBeGreaterThan(30);
    const found = await runCommand(["grep", "-rlF", "-e", line, join(place.home.path, ".ssh-mcp")]);
    expect(found).toMatchObject({ status: 1, stdout: "" });
  });
});

test("a model cannot name the descriptors of a process", async () => {
  const { error } = await agent.call("ssh_connect", { destination: place.at, identityFile: ["/dev/fd/0"] });
  expect(error).toMatchObject({
    code: "INVALID_INPUT",
    message: expect.stringContaining("/dev/fd/0 is no key file"),
  });
});

test("Ctrl-C ends a command that waits for a pipe, and the broker serves on", async () => {
  // Open for writing as well, by the command itself: its end never comes.
  const shell = Bun.spawn(["bash", "-c", `"$SSH_MCP" exec -F /dev/fd/9 vm true 9<>"$FIFO"; echo "status $?"`], {
    env: { ...environment(), FIFO: await makeFifo() },
    ...{ stdin: "ignore", stdout: "pipe", stderr: "pipe" },
  });
  onCleanup(() => endProcesses([shell.pid]));
  const calls = async () => (await place.document(["broker", "status", "--json"]))["calls"];
  await waitFor(async () => (await calls()) === 1, { what: "the call to be running" });
  const [command] = descendantsOf(shell.pid);
  signal(command ?? 0, "SIGINT");
  expect(await shell.stdout.text()).toBe("status 130\n");
  expect(brokersOf(place.home.path)).toHaveLength(1);
  expect(await place.run(["exec", place.at, "echo on"])).toEqual(fine("on\n"));
});
