/** Several hosts on a real terminal: lines with names, questions one after the other. */
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { chmodSync, writeFileSync } from "node:fs";
import { cleanup } from "../../support/cleanup.ts";
import { tempDir } from "../../support/temp.ts";
import { startInTerminal } from "../../support/terminal.ts";
import { waitFor } from "../../support/wait.ts";
import { type Hosts, makeHosts } from "./hosts.ts";

afterAll(cleanup);
setDefaultTimeout(60_000);

let hosts: Hosts;
beforeAll(async () => {
  hosts = await makeHosts();
});

const inTerminal = (words: readonly string[], env: Record<string, string> = {}) =>
  startInTerminal(words, { home: hosts.home.path, env });

test("whole lines with the host's name, in colour where it is wanted, and nothing that moves the cursor", async () => {
  const line = "printf 'one\\ntwo\\033[2Jpart'; printf 'bad\\n' >&2; exit 2";
  const shown = inTerminal(["exec", "web1,web2", line]);
  expect(await shown.exit()).toBe(5);
  const lines = shown.text().trimEnd().split("\n");
  for (const name of ["web1", "web2"]) {
    for (const part of ["one", "two\\x1b[2Jpart", "bad"]) expect(lines).toContain(`${name}: ${part}`);
  }
  expect(lines.slice(-2)).toEqual(["ssh-mcp: 2 of 2 hosts failed", "  exit status 2: web1 web2"]);
  expect(shown.raw()).toContain("\x1b[36mweb1:\x1b[39m one");
  const plain = inTerminal(["exec", "web1,", "echo one"], { NO_COLOR: "1" });
  expect(await plain.exit()).toBe(0);
  expect(plain.raw()).toBe("web1: one\r\n");
});

test("what needs a person is asked one after the other, each with the name of its host", async () => {
  const shown = inTerminal(["exec", "locked,strange,web1", "echo", "here"]);
  for (let asked = 0; asked < 2; asked++) {
    const [question] = await shown.waitFor(/locked: [^\n]*assword: $|strange: [\s\S]*\)\? $/);
    shown.type(question.startsWith("locked") ? `${hosts.locked.password}\r` : "yes\r");
  }
  expect(await shown.exit()).toBe(0);
  for (const name of ["locked", "strange", "web1"]) expect(shown.text()).toContain(`${name}: here\n`);
});

test("what a host prints while a person is asked for another one keeps nothing waiting", async () => {
  await hosts.type(["close", "locked"]);
  const folder = tempDir("asked");
  chmodSync(folder, 0o711);
  const line = `while ! test -e ${folder}/go; do sleep 0.1; done; seq 200000`;
  const shown = inTerminal(["exec", "--timeout", "15", "locked,web2", line]);
  await shown.waitFor(/locked: [^\n]*assword: $/);
  writeFileSync(`${folder}/go`, "");
  // Its command has ended, although nobody has typed: nothing of it waits to be taken.
  await waitFor(
    async () => {
      const { sessions } = JSON.parse((await hosts.type(["ls", "--json"])).stdout) as {
        sessions: { name: string; running: number }[];
      };
      return sessions.find(({ name }) => name === "web2")?.running === 0 ? true : null;
    },
    { what: "the end of the command on web2", timeout: 40_000 },
  );
  expect(shown.text()).not.toContain("web2: ");
  shown.type(`${hosts.locked.password}\r`);
  expect(await shown.exit(40_000)).toBe(0);
  for (const name of ["locked", "web2"]) expect(shown.text()).toContain(`${name}: 200000\n`);
});

test("the keyboard is nobody's input, and Ctrl-C stops all", async () => {
  const quiet = inTerminal(["exec", "web1,web2", "cat; echo done"]);
  expect(await quiet.exit()).toBe(0);
  expect(quiet.text()).toContain("web2: done\n");
  const running = inTerminal(["exec", "web1,web2", "echo up; sleep 60"]);
  await running.waitFor("web1: up");
  running.type("\x03");
  expect(await running.exit()).toBe(130);
  expect(running.text()).toContain("  stopped: web1 web2\n");
});
