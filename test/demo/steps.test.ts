/** A step that does not turn out as it should, with a program in the place of ours that does something else. */
import { afterAll, expect, test } from "bun:test";
import { existsSync, readdirSync } from "node:fs";
import { makePlace } from "../../src/demo/place.ts";
import { Program } from "../../src/demo/program.ts";
import { Stage } from "../../src/demo/stage.ts";
import { playDemo } from "../../src/demo/steps.ts";
import { cleanup, onCleanup } from "../support/cleanup.ts";

afterAll(cleanup);

/** Plays the demo with a shell script as the program. @returns what was shown, and why it ended */
const play = async (script: string, logins = 1) => {
  const place = await makePlace();
  onCleanup(() => place.remove());
  let shown = "";
  const stage = new Stage(
    {
      write: async (chunk) => {
        shown += Buffer.from(chunk).toString();
      },
    },
    false,
  );
  const program = new Program(place, new AbortController().signal, ["/bin/sh", "-c", script, "ssh-mcp"]);
  const server = { seen: { logins, commands: 0 }, connected: 0 };
  const error = await playDemo({ stage, program, server }).then(
    () => null,
    (thrown: unknown) => thrown,
  );
  return { shown, error };
};

/** Plays along up to the step after `connect`. */
const connects = 'case $1 in connect) echo "opened demo: like the real one";; ';

test.each<[string, string, object]>([
  [
    "an error of the program's own, with its code",
    'echo "ssh-mcp: nothing goes [BROKER_UNAVAILABLE]" >&2; exit 1',
    { code: "BROKER_UNAVAILABLE", message: "the demo failed at `ssh-mcp connect demo`: nothing goes" },
  ],
  [
    "a status without a word",
    "exit 9",
    { code: "INTERNAL", message: "the demo failed at `ssh-mcp connect demo`: it ended with status 9" },
  ],
  [
    "success that prints something else",
    "echo hello",
    { code: "INTERNAL", message: "the demo failed at `ssh-mcp connect demo`: it did not print what it should" },
  ],
  [
    "a wrong status of a command",
    `${connects} exec) echo to stdout; echo to stderr >&2;; esac`,
    { code: "INTERNAL", message: expect.stringMatching(/ssh-mcp exec demo 'echo to stdout.*: it ended with status 0/) },
  ],
  [
    "errors among the output",
    `${connects} exec) echo to stdout; echo to stderr; exit 3;; esac`,
    { code: "INTERNAL", message: expect.stringContaining("it did not print what it should") },
  ],
  [
    "no session in the list",
    `${connects} exec) echo to stdout; echo to stderr >&2; exit 3;; ls) echo NAME;; esac`,
    { code: "INTERNAL", message: expect.stringContaining("`ssh-mcp ls`: it did not print") },
  ],
  [
    "an MCP server that ends",
    `${connects} exec) echo to stdout; echo to stderr >&2; exit 3;; ls) echo "demo demo live 1s";; serve) read -r line; exit 5;; esac`,
    { code: "PROTOCOL_ERROR", message: expect.stringContaining("`ssh-mcp serve` ended with status 5") },
  ],
  [
    "an MCP server that speaks something else",
    `${connects} exec) echo to stdout; echo to stderr >&2; exit 3;; ls) echo "demo demo live 1s";; serve) echo hello; cat >/dev/null;; esac`,
    { code: "PROTOCOL_ERROR", message: expect.stringContaining("answered hello") },
  ],
])("ends the demo: %s", async (_what, script, expected) => {
  const { error } = await play(script);
  expect(error).toMatchObject(expected);
});

test("a login too many ends it as well: the session was not the same", async () => {
  const { error } = await play(`${connects} esac`, 2);
  expect(error).toMatchObject({ message: expect.stringContaining("the server has seen 2 logins instead of 1") });
});

test("what is printed is shown, the errors too", async () => {
  const { shown } = await play('echo "out \\033[31m"; echo err >&2; exit 1');
  // Of somebody else's output, nothing acts on the terminal.
  expect(shown).toEndWith("$ ssh-mcp connect demo\nout \\x1b[31m\nerr\n");
});

test("colour is for a terminal, and takes nothing away", async () => {
  let shown = "";
  const write = async (chunk: Uint8Array) => {
    shown += Buffer.from(chunk).toString();
  };
  for (const colour of [true, false]) {
    const stage = new Stage({ write }, colour);
    await stage.command("ssh-mcp", "exec", "demo", "a b");
    await stage.note("seen");
  }
  const plain = "$ ssh-mcp exec demo 'a b'\n  (seen)\n";
  expect(Bun.stripANSI(shown)).toBe(plain + plain);
  expect(shown).toStartWith("\x1b[36m$ ssh-mcp");
  expect(shown).toEndWith(plain);
});

test("a place is the user's alone, and leaves nothing", async () => {
  const place = await makePlace();
  expect(place.environment).toMatchObject({ HOME: place.home });
  expect(place.environment["SSH_AUTH_SOCK"]).toBeUndefined();
  await place.describeServer({ port: 1, hostKey: "ssh-ed25519 AAAA", user: "tester" });
  expect(readdirSync(place.home)).toEqual([".ssh"]);
  await place.remove();
  expect(existsSync(place.home)).toBe(false);
});
