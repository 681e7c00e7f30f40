import { afterAll, expect, test } from "bun:test";
import { cleanup } from "./cleanup.ts";
import { isAlive } from "./processes.ts";
import { startProgramInTerminal, type TerminalOptions } from "./terminal.ts";

afterAll(cleanup);

const shell = (script: string, options: TerminalOptions = {}) => startProgramInTerminal(["sh", "-c", script], options);

test("asks on /dev/tty, with and without echo", async () => {
  const terminal = shell(
    "printf 'name? ' >/dev/tty; read -r a </dev/tty; stty -echo; printf 'word? '; read -r b; stty echo; echo; echo \"$a-$b\"",
  );
  await terminal.waitFor("name? ");
  terminal.type("bob\r");
  await terminal.waitFor("word? ");
  terminal.type("secret\r");
  await terminal.waitFor("bob-secret");
  expect(await terminal.exit()).toBe(0);
  expect(terminal.text()).toBe("name? bob\nword? \nbob-secret\n");
});

test("a stream can be redirected while the terminal stays", async () => {
  const terminal = shell("read -r line; printf 'more? ' >/dev/tty; read -r more </dev/tty; echo \"$line $more\"", {
    script: 'echo data | "$@" | tr a-z A-Z',
  });
  await terminal.waitFor("more? ");
  terminal.type("typed\r");
  expect(await terminal.exit()).toBe(0);
  expect(terminal.text()).toEndWith("DATA TYPED\n");
});

test("Ctrl-C is a signal, and the status is given", async () => {
  const terminal = shell("trap 'echo caught; exit 9' INT; echo ready; while :; do sleep 0.05; done");
  await terminal.waitFor("ready");
  terminal.type("\x03");
  expect(await terminal.exit()).toBe(9);
  expect(terminal.text()).toContain("caught");
});

test("has a size and can be resized", async () => {
  const terminal = shell("trap 'stty size' WINCH; stty size; while :; do sleep 0.05; done", { columns: 91, rows: 17 });
  await terminal.waitFor("17 91");
  terminal.resize(120, 40);
  await terminal.waitFor("40 120");
  await terminal.stop();
  expect(isAlive(terminal.pid)).toBe(false);
});

test("shows everything, with escape sequences and without", async () => {
  const terminal = shell(
    "printf '\\033[31mred\\033[0m\\n'; i=0; while [ $i -lt 3000 ]; do echo line $i; i=$((i+1)); done; exit 4",
  );
  expect(await terminal.exit()).toBe(4);
  expect(terminal.raw()).toStartWith("\x1b[31mred\x1b[0m\r\n");
  expect(terminal.text()).toStartWith("red\nline 0\n");
  expect(terminal.text()).toEndWith("line 2999\n");
});

test("what does not appear is reported with what did", async () => {
  const terminal = shell("echo something else; sleep 600");
  await terminal.waitFor("else");
  await expect(terminal.waitFor("never", 50)).rejects.toThrow(/in vain for never; the terminal shows:\nsomething else/);
  await terminal.stop();
});
