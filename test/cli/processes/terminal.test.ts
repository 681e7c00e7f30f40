import { afterAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { cleanup } from "../../support/cleanup.ts";
import { tempDir } from "../../support/temp.ts";
import { waitFor } from "../../support/wait.ts";
import { openPty, type Pty } from "../pty.ts";

afterAll(cleanup);
setDefaultTimeout(30_000);

const ctrl = { c: "\u0003", d: "\u0004", z: "\u001a" };

/** Leaves the terminal's settings and the exit status on the screen; Ctrl-C is for the program alone. */
const watched = (command: string) =>
  `trap : INT; ${command}; echo status=$?; stty -a | tr ' ;' '\\n\\n' | grep -x -- '-*echo'`;

const secretWanted = async (pty: Pty, prompt: string): Promise<void> => {
  await pty.shows(prompt);
  expect(pty.echoes()).toBe(false);
};

const ended = async (pty: Pty, status: number): Promise<void> => {
  await pty.shows(`status=${status}\r\necho\r\n`);
  await pty.exited;
};

describe("a secret", () => {
  test("is asked for with the prompt escaped, and not shown", async () => {
    const pty = openPty(watched("$S exec h password"));
    await secretWanted(pty, "\\x1b]0;evil\\x07user@host's password: ");
    pty.type("s3cret pass\r");
    await ended(pty, 0);
    expect(pty.screen()).toBe('\\x1b]0;evil\\x07user@host\'s password: \r\ngot "s3cret pass"\r\nstatus=0\r\necho\r\n');
  });

  test("is asked for at the terminal, whatever stdin and stdout are", async () => {
    const pty = openPty(watched("echo piped | $S exec h login 2>&1 >out | cat; cat out"));
    await secretWanted(pty, "Password: ");
    pty.type("one\r");
    await secretWanted(pty, "Code: ");
    pty.type("two\r");
    await ended(pty, 0);
    expect(pty.screen()).toContain("got one two\r\npiped\r\n");
  });

  test("is edited as lines are everywhere", async () => {
    const pty = openPty(watched("$S exec h password"));
    await secretWanted(pty, "password: ");
    pty.type("wrong\u0015right\u007f\r");
    await pty.shows('got "righ"');
    await ended(pty, 0);
  });

  test("may be empty, and may be none", async () => {
    const empty = openPty(watched("$S exec h password"));
    await secretWanted(empty, "password: ");
    empty.type("\r");
    await empty.shows('got ""');
    await ended(empty, 0);

    const none = openPty(watched("$S exec h password"));
    await secretWanted(none, "password: ");
    none.type(ctrl.d);
    await none.shows("[AUTH_REQUIRED]");
    await ended(none, 255);
  });

  test("keeps what is not ASCII", async () => {
    const pty = openPty(watched("$S exec h password"));
    await secretWanted(pty, "password: ");
    pty.type("pä€ß🔑\r");
    await pty.shows('got "pä€ß🔑"');
    await ended(pty, 0);
  });

  test("is not asked for when it would be shown", async () => {
    const pty = openPty(
      'mkdir bin; cd bin; ln -s "$(command -v sh)" sh; PATH=$PWD; $S exec h password; echo status=$?',
    );
    await pty.shows("the terminal would show what is typed: stty cannot turn its echo off [LOCAL_IO]");
    await pty.shows("status=255");
  });

  test("typed before the question is no answer to it", async () => {
    const pty = openPty(watched("read -r ready; $S exec -n h password"));
    pty.type("go\rtoo early\r");
    await secretWanted(pty, "password: ");
    pty.type("in time\r");
    await pty.shows('got "in time"');
    await ended(pty, 0);
  });
});

describe("a question with echo", () => {
  test("shows its lines and the answer", async () => {
    const pty = openPty(watched("$S exec h confirm"));
    await pty.shows("The key is new.\r\nGo on (yes/no)? ");
    expect(pty.echoes()).toBe(true);
    pty.type("yes\r");
    await ended(pty, 0);
    expect(pty.screen()).toStartWith('The key is new.\r\nGo on (yes/no)? yes\r\ngot "yes"\r\n');
  });
});

describe("standard input is the same terminal", () => {
  test("answers do not reach the command, and lines after them do", async () => {
    const pty = openPty(watched("$S exec h login"));
    await secretWanted(pty, "Password: ");
    pty.type("one\r");
    await secretWanted(pty, "Code: ");
    pty.type("two\r");
    await pty.shows("got one two");
    pty.type("for the command\r");
    // The terminal's echo, and what cat sends back.
    await pty.shows("for the command\r\nfor the command\r\n");
    pty.type(ctrl.d);
    await ended(pty, 0);
    expect(pty.screen()).not.toMatch(/\none\r|\ntwo\r/);
  });
});

describe("Ctrl-C", () => {
  test("at a question gives the terminal back: status 130", async () => {
    const pty = openPty(watched("$S exec h password"));
    await secretWanted(pty, "password: ");
    pty.type(`half${ctrl.c}`);
    await ended(pty, 130);
    expect(pty.screen()).toContain("password: ^C\r\nssh-mcp: ".replace("^C", ""));
    expect(pty.screen()).toContain("[CANCELED]");
  });

  test("at a running command stops it", async () => {
    const pty = openPty(watched("$S exec h forever"));
    await pty.shows("ready");
    pty.type(ctrl.c);
    await pty.shows("ssh-mcp: the command was canceled; stopped: confirmed [CANCELED]");
    await ended(pty, 130);
  });
});

test("SIGTERM at a question gives the terminal back: status 143", async () => {
  const pty = openPty(watched("bash -c 'echo pid=$$; exec $0 $@' $S exec h password"));
  await secretWanted(pty, "password: ");
  process.kill(Number(/pid=(\d+)/.exec(pty.screen())?.[1]), "SIGTERM");
  await ended(pty, 143);
});

test("a terminal that goes away at a question ends the program", async () => {
  const pty = openPty("echo pid=$$; exec $S exec h password");
  await secretWanted(pty, "password: ");
  pty.hangUp();
  expect(await pty.exited).toBe(129);
});

test("Ctrl-Z gives the terminal to the shell as it was, and the question comes again", async () => {
  const pty = openPty(`set -m; $S exec h password; stty -a | grep -o ' echo '; echo back; fg; echo status=$?`);
  await secretWanted(pty, "password: ");
  pty.type(ctrl.z);
  await pty.shows("back");
  expect(pty.screen()).toContain(" echo ");
  await waitFor(() => pty.screen().split("password: ").length === 3, { what: "the question again" });
  await waitFor(() => !pty.echoes(), { what: "the echo to be off again" });
  pty.type("s3cret\r");
  await pty.shows('got "s3cret"');
  await pty.shows("status=0");
  expect(pty.screen()).not.toContain("s3cret\r\ngot");
});

test("a question that is answered elsewhere gives the terminal back, without what was typed, and the command goes on", async () => {
  const answered = join(tempDir("elsewhere"), "answered");
  const pty = openPty(`${watched(`$S exec -n h elsewhere ${answered}`)}; read -r line; echo "left=$line"`);
  await secretWanted(pty, "password: ");
  pty.type("half a secr");
  writeFileSync(answered, "");
  await pty.shows("password: \r\n(no answer is needed here any more: it came from elsewhere)\r\ngot it elsewhere");
  await pty.shows("status=0\r\necho\r\n");
  pty.type("next\r");
  await pty.shows("left=next\r\n");
  expect(pty.screen()).not.toContain("half");
});

describe("nobody is asked", () => {
  const refused = async (pty: Pty, code: string): Promise<void> => {
    await pty.shows(`[${code}]`);
    await ended(pty, 255);
  };

  test("with --batch", async () => refused(openPty(watched("$S exec --batch h password")), "AUTH_REQUIRED"));
  test("with --batch, about a host key", async () =>
    refused(openPty(watched("$S --batch exec h confirm")), "HOST_KEY_UNKNOWN"));
  test("with CI=true", async () => refused(openPty(watched("$S exec h password"), { CI: "true" }), "AUTH_REQUIRED"));
  test("in the background, where the question would stop the job", async () =>
    refused(openPty(watched("set -m; $S exec h password & wait $!")), "AUTH_REQUIRED"));
  test("without a terminal", async () => refused(openPty(watched("setsid -w $S exec h password")), "AUTH_REQUIRED"));
});
