/** How a command ends when one of its ends is missing or taken away: in time, with the right status, and with nothing left on the server. */
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { marked, nextMark } from "../../faces/marks.ts";
import { buildOnce } from "../../support/binary.ts";
import { cleanup } from "../../support/cleanup.ts";
import { startProgram } from "../../support/program.ts";
import { startProgramInTerminal } from "../../support/terminal.ts";
import { makeUser } from "../../support/users.ts";
import { waitFor } from "../../support/wait.ts";
import { type Place, placeAt, startPlace } from "../place.ts";

afterAll(cleanup);
setDefaultTimeout(30_000);

const ctrlC = "\x03";

let place: Place;
beforeAll(async () => {
  const root = await startPlace();
  const user = await makeUser({ shell: "/bin/sh" });
  place = placeAt(root.home, root.sshd, `${user.name}@127.0.0.1:${root.sshd.port}`);
});

/** What runs on the server: our own command line has the mark too. */
const left = (mark: string) => marked(mark).filter((line) => !line.includes(buildOnce()));
const runs = (mark: string) => waitFor(() => left(mark).length > 0, { what: "the command to run" });
const isGone = (mark: string) => waitFor(() => left(mark).length === 0, { what: "nothing to be left", timeout: 5000 });

// A plain line takes the fast path, one with an option does not.
describe.each([
  { way: "on the fast path", exec: "exec" },
  { way: "on the way with options", exec: "exec --timeout 600" },
])("$way", ({ exec }) => {
  /** A line of bash with `$S` for `ssh-mcp exec DESTINATION`, run to its end within five seconds. */
  const bash = async (line: string) => {
    const begin = `S="${buildOnce()} ${exec} ${place.at}"; ${line}`;
    const program = startProgram(["bash", "-c", begin], { home: place.home.path });
    const { stdout, stderr, status } = await program.exit(5000);
    return { stdout, stderr, status };
  };
  const terminal = (command: string) => {
    const line = `trap : INT; ${buildOnce()} ${exec} ${place.at} "$1"; echo status=$?`;
    return startProgramInTerminal(["bash", "-c", line, "bash", command], { home: place.home.path });
  };

  test("</dev/null is the end of the command's input", async () => {
    expect(await bash("$S 'cat; exit 3' </dev/null")).toEqual({ stdout: "", stderr: "", status: 3 });
  });

  test("an output that is closed from the start is no error", async () => {
    expect(await bash("$S 'echo x; echo y >&2; exit 5' >&-")).toEqual({ stdout: "", stderr: "y\n", status: 5 });
    expect(await bash("$S 'echo x; echo y >&2; exit 5' 2>&-")).toEqual({ stdout: "x\n", stderr: "", status: 5 });
    expect(await bash("$S 'echo x; exit 5' <&- >&- 2>&-")).toEqual({ stdout: "", stderr: "", status: 5 });
  });

  test("| head -1 ends a command that writes, and one that is silent from then on", async () => {
    for (const rest of ["while :; do echo more; done", "sleep MARK & sleep MARK"]) {
      const mark = nextMark();
      const command = `: ${mark}; echo first; sleep 0.2; echo second; ${rest.replaceAll("MARK", mark)}`;
      const line = `$S '${command}' | head -1; echo \${PIPESTATUS[0]}`;
      expect(await bash(line)).toEqual({ stdout: "first\n141\n", stderr: "", status: 0 });
      await isGone(mark);
    }
  });

  test("Ctrl-C stops the command and all that it started", async () => {
    const mark = nextMark();
    const shown = terminal(`echo begun; sleep ${mark} & sleep ${mark}`);
    await shown.waitFor("begun");
    await runs(mark);
    shown.type(ctrlC);
    await shown.waitFor("status=130", 5000);
    expect(left(mark)).toEqual([]);
    expect(shown.text()).toContain("the command was canceled; stopped: confirmed [CANCELED]\n");
    expect(await shown.exit()).toBe(0);
  });

  test("a second Ctrl-C lets go at once, and the stop goes on without us", async () => {
    const mark = nextMark();
    const shown = terminal(`trap '' INT TERM; echo begun; while :; do sleep 0.1; : ${mark}; done`);
    await shown.waitFor("begun");
    shown.type(ctrlC);
    await shown.waitFor("Ctrl-C again leaves at once");
    const began = performance.now();
    shown.type(ctrlC);
    await shown.waitFor("status=130", 5000);
    expect(performance.now() - began).toBeLessThan(1000);
    expect(await shown.exit()).toBe(0);
    await isGone(mark);
    expect((await place.run(["exec", place.at, "echo on"])).stdout).toBe("on\n");
  });
});

test("a client that is killed leaves nothing on the server", async () => {
  const mark = nextMark();
  const running = startProgram([buildOnce(), "exec", place.at, `sleep ${mark} & sleep ${mark}`], {
    home: place.home.path,
  });
  await runs(mark);
  running.signal("SIGKILL");
  expect((await running.exit()).signal).toBe("SIGKILL");
  await isGone(mark);
});
