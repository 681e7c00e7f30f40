import { afterAll, expect, test } from "bun:test";
import { behaviours } from "./behaviours.ts";
import { cleanup } from "./cleanup.ts";
import { runCommand } from "./command.ts";
import { startProgram } from "./program.ts";
import { type RawBehaviour, startRawServer } from "./raw-server.ts";
import { startScriptedServer } from "./scripted-server.ts";
import { sshArguments } from "./ssh.ts";
import { waitFor } from "./wait.ts";

afterAll(cleanup);

test("ssh runs a command, with its environment and input, and gets what the script says", async () => {
  const server = await startScriptedServer({
    exec: async (run) => {
      const input = await run.stdin();
      run.finish(5, `${run.command} ${run.environment.get("LC_TEST")} ${input}`, "err");
    },
  });
  const argv = [...sshArguments(server, null, ["SendEnv=LC_TEST"]), "do something"];
  const outcome = await runCommand(argv, { stdin: "typed", env: { LC_TEST: "tag" } });
  expect(outcome).toEqual({ status: 5, signal: null, stdout: "do something tag typed", stderr: "err" });
  expect(server.runs.map((run) => run.command)).toEqual(["do something"]);
  expect(server.attempts).toEqual([{ user: "tester", method: "none" }]);
  expect(server.channels.asked).toBe(1);
  expect(server.accepted()).toBe(1);
});

/** What ssh makes of each; ours may know better. */
const seen: [keyof typeof behaviours, string, { status: number; stdout?: string; stderr?: RegExp }][] = [
  ["echo", "hello", { status: 0, stdout: "hello\n" }],
  ["exit-as-told", "3", { status: 3 }],
  // ssh passes the low byte to its parent: a failure of 256 would look like success.
  ["exit-as-told", "256", { status: 0 }],
  ["exit-as-told", "0xC0000100", { status: 0 }],
  ["exit-as-told", "TERM", { status: 255 }],
  ["no-status", "x", { status: 255, stdout: "some output\n" }],
  ["dies-in-command", "x", { status: 255, stdout: "some output\n" }],
  ["refuses-commands", "x", { status: 255, stderr: /exec request failed/ }],
  ["refuses-channels", "x", { status: 255, stderr: /open failed/ }],
  ["refuses-everybody", "x", { status: 255, stderr: /Permission denied \(publickey,password,keyboard-interactive\)/ }],
  ["unknown-channel", "x", { status: 255 }],
  ["old-algorithms", "x", { status: 255, stderr: /no matching key exchange method/ }],
];

test.each(seen)("ssh meets %s, asked for %s", async (name, command, expected) => {
  const server = await startScriptedServer(behaviours[name]);
  const outcome = await runCommand([...sshArguments(server, null, ["LogLevel=INFO"]), command]);
  expect(outcome.status).toBe(expected.status);
  if (expected.stdout !== undefined) expect(outcome.stdout).toBe(expected.stdout);
  if (expected.stderr !== undefined) expect(outcome.stderr).toMatch(expected.stderr);
});

test("a forced write breaks the window that ssh granted", async () => {
  const server = await startScriptedServer(behaviours["ignores-window"]);
  // Nobody reads ssh's output, so it grants nothing more.
  const unread = ["sh", "-c", '"$@" | sleep 600', "sh"];
  const client = startProgram([...unread, ...sshArguments(server, null, ["LogLevel=INFO"]), "x"]);
  await client.waitForStderr("rcvd too much data");
  await client.stop();
});

const never = [
  "hangs-in-command",
  "endless-banners",
  "silent-authentication",
  "packet-size-zero",
  "window-zero",
] as const;

test.each(never)("%s keeps ssh waiting", async (name) => {
  const server = await startScriptedServer(behaviours[name]);
  const client = startProgram([...sshArguments(server, null), "x"]);
  await waitFor(() => server.attempts.length > 0, { what: "an attempt" });
  await expect(client.exit(300)).rejects.toThrow(/in vain/);
});

const raw: [RawBehaviour, RegExp | null][] = [
  ["silent", null],
  ["stalled", null],
  ["http", /Connection closed by|Bad|banner|Invalid/],
  ["garbage", /Connection closed|Bad|banner|Invalid/],
  ["close", /Connection closed by|closed by remote/],
  ["reset", /Connection reset/],
  ["endless-lines", /banner|Connection/],
  ["endless-line", /banner|Connection/],
  ["ssh1", /Protocol major versions differ/],
];

test.each(raw)("where no SSH server is: %s", async (behaviour, error) => {
  const server = await startRawServer(behaviour);
  const client = startProgram(sshArguments({ ...server, user: "x", knownHosts: () => "" }, null, ["LogLevel=INFO"]));
  if (error === null) {
    await waitFor(() => server.received().startsWith("SSH-2.0-OpenSSH"), { what: "ssh's identification" });
    await expect(client.exit(200)).rejects.toThrow(/in vain/);
  } else {
    const outcome = await client.exit();
    expect(outcome.status).toBe(255);
    expect(outcome.stderr).toMatch(error);
  }
  expect(server.accepted()).toBe(1);
});
