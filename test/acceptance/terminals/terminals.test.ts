/** Commands that have a terminal on the server, as RequestTTY asks for it: typed at a real one, and without any. */
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { startAgent } from "../../faces/agent.ts";
import { cleanup } from "../../support/cleanup.ts";
import { startInTerminal } from "../../support/terminal.ts";
import { type Place, startPlace } from "../place.ts";

afterAll(cleanup);
setDefaultTimeout(30_000);

let place: Place;
beforeAll(async () => {
  place = await startPlace();
  place.home.configure("RequestTTY yes\n");
});

/** Runs `exec` at a terminal; then shows the terminal's settings before and after. */
const script =
  'before=$(stty -g); "$@"; status=$?; test "$before" = "$(stty -g)" && echo "same settings, status $status"';

const typed = (command: string, flags: readonly string[] = []) =>
  startInTerminal(["exec", ...flags, place.at, command], { home: place.home.path, script, columns: 90, rows: 20 });

describe.each([
  ["at once", []],
  ["over the whole command line", ["--timeout", "60s"]],
])("a command typed at a terminal (%s)", (_, flags) => {
  test("has one on the server, of the same kind and size, and the keys are the command's", async () => {
    const terminal = typed(
      `echo "$TERM $(stty size)"; trap 'echo interrupted; exit 7' INT; while :; do sleep 0.05; done`,
      flags,
    );
    await terminal.waitFor("xterm-256color 20 90");
    terminal.type("\x03");
    await terminal.waitFor("interrupted");
    await terminal.waitFor("same settings, status 7");
    expect(await terminal.exit()).toBe(0);
  });

  test("hears of another size", async () => {
    const terminal = typed(`trap 'stty size; exit' WINCH; echo ready; while :; do sleep 0.05; done`, flags);
    await terminal.waitFor("ready");
    terminal.resize(100, 33);
    await terminal.waitFor("33 100");
    await terminal.waitFor("same settings, status 0");
    await terminal.exit();
  });

  test("leaves the terminal as it was when it is ended from elsewhere", async () => {
    const terminal = typed("echo ready; sleep 1000", flags);
    await terminal.waitFor("ready");
    await place.run(["close", "--all"]);
    await terminal.waitFor("same settings, status 255");
    await terminal.exit();
  });
});

test("without a terminal there is none, unless it is forced", async () => {
  const look = 'test -t 0 && echo "a terminal: $TERM" || echo none';
  expect(await place.run(["exec", place.at, look])).toMatchObject({ status: 0, stdout: "none\n" });
  const forced = await place.run(["exec", "-o", "RequestTTY=force", place.at, look], { env: { TERM: "vt220" } });
  expect(forced).toMatchObject({ status: 0, stdout: "a terminal: vt220\r\n" });
});

test("a model's command has none unless it is forced", async () => {
  const agent = await startAgent(place.home.path);
  const result = await agent.call("ssh_exec", { target: place.at, command: "test -t 0 || echo none" });
  expect(result.result).toMatchObject({ stdout: "none\n" });
});
