/** Logins as a person has them: the compiled binary in a real terminal, servers at the other end, and what the screen holds. */
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type BehaviourName, behaviours } from "../../support/behaviours.ts";
import { cleanup } from "../../support/cleanup.ts";
import { makeKey } from "../../support/keys.ts";
import { withEnvironment } from "../../support/processes.ts";
import { startScriptedServer } from "../../support/scripted-server.ts";
import { type Sshd, startSshd } from "../../support/sshd.ts";
import { tempDir } from "../../support/temp.ts";
import { startInTerminal, type TerminalSession } from "../../support/terminal.ts";
import { makeUser, type TemporaryUser } from "../../support/users.ts";

afterAll(cleanup);
setDefaultTimeout(30_000);

const ctrl = { c: "\x03", d: "\x04" };

/** Leaves the exit status and whether the terminal shows what is typed at the end of the screen. */
const watched = `trap : INT; "$@"; echo status=$?; stty -a | tr ' ;' '\\n\\n' | grep -x -- '-*echo'`;

interface Server {
  knownHosts(): string;
}

/** A home that knows these servers. */
const homeKnowing = (...servers: Server[]): string => {
  const home = tempDir("home");
  mkdirSync(join(home, ".ssh"), { mode: 0o700 });
  if (servers.length > 0) writeFileSync(knownHosts(home), servers.map((server) => server.knownHosts()).join(""));
  return home;
};

const knownHosts = (home: string): string => join(home, ".ssh/known_hosts");

const type = (terminal: TerminalSession, answer: string): void => terminal.type(`${answer}\r`);

const ended = async (terminal: TerminalSession, status: number): Promise<void> => {
  await terminal.waitFor(`status=${status}\necho\n`);
  await terminal.exit();
};

const startScripted = async (behaviour: BehaviourName) => {
  const server = await startScriptedServer(behaviours[behaviour]);
  return { ...server, destination: `${server.user}@127.0.0.1:${server.port}` };
};

describe("a password", () => {
  let sshd: Sshd;
  let user: TemporaryUser;
  let destination: string;
  let prompt: string;
  beforeAll(async () => {
    user = await makeUser({ password: "correct horse" });
    sshd = await startSshd({ options: ["PasswordAuthentication yes", "PubkeyAuthentication no"] });
    destination = `${user.name}@127.0.0.1:${sshd.port}`;
    prompt = `${user.name}@127.0.0.1's password: `;
  });

  test("is asked for, again when it is wrong, and never shown", async () => {
    const terminal = startInTerminal(["exec", destination, "id -un"], { home: homeKnowing(sshd), script: watched });
    await terminal.waitFor(prompt);
    type(terminal, "wrong horse");
    await terminal.waitFor(`Permission denied, please try again.\n${prompt}`);
    type(terminal, "correct horse");
    await ended(terminal, 0);
    expect(terminal.text()).toBe(
      `${prompt}\nPermission denied, please try again.\n${prompt}\n${user.name}\nstatus=0\necho\n`,
    );
  });

  test("is asked for at the terminal, and standard input goes to the command", async () => {
    const home = homeKnowing(sshd);
    const script = 'echo data | "$@" >out; echo status=$?; stty -a | tr " ;" "\\n\\n" | grep -x -- "-*echo"';
    const terminal = startInTerminal(["exec", destination, "cat"], { home, script });
    await terminal.waitFor(prompt);
    type(terminal, "correct horse");
    await ended(terminal, 0);
    expect(readFileSync(join(home, "out"), "utf8")).toBe("data\n");
  });

  test("that is wrong three times ends the login", async () => {
    const terminal = startInTerminal(["connect", destination], { home: homeKnowing(sshd), script: watched });
    for (const guess of ["one", "two", "three"]) {
      await terminal.waitFor(prompt);
      type(terminal, guess);
    }
    await terminal.waitFor(`ssh-mcp: ${user.name}@127.0.0.1: permission denied (password) [AUTH_FAILED]\n`);
    await ended(terminal, 1);
  });

  test("that is refused with Ctrl-D, or with Ctrl-C", async () => {
    const declined = startInTerminal(["connect", destination], { home: homeKnowing(sshd), script: watched });
    await declined.waitFor(prompt);
    declined.type(ctrl.d);
    await declined.waitFor("[AUTH_REQUIRED]");
    await ended(declined, 4);

    const interrupted = startInTerminal(["exec", destination, "true"], { home: homeKnowing(sshd), script: watched });
    await interrupted.waitFor(prompt);
    interrupted.type(`half${ctrl.c}`);
    await interrupted.waitFor("[CANCELED]");
    await ended(interrupted, 130);
    expect(interrupted.text()).not.toContain("half");
  });

  test("is not asked for with --batch, or in CI", async () => {
    for (const [args, env] of [
      [["connect", "--batch", destination], {}],
      [["connect", destination], { CI: "true" }],
    ] as const) {
      const terminal = startInTerminal(args, { home: homeKnowing(sshd), env, script: watched });
      await ended(terminal, 4);
      expect(terminal.text()).toStartWith(`ssh-mcp: logging in to ${destination} takes a password`);
    }
  });
});

describe("a passphrase", () => {
  test("is asked for by the key's name, again when it is wrong, and never shown", async () => {
    const sshd = await startSshd();
    const home = homeKnowing(sshd);
    const key = await makeKey({ path: join(home, ".ssh/id_ed25519"), passphrase: "correct horse", rounds: 4 });
    sshd.authorize(key.line);
    const prompt = `Enter passphrase for key '${key.path}': `;
    const destination = `${sshd.user}@127.0.0.1:${sshd.port}`;
    const options = { home, columns: 400, script: watched };

    const terminal = startInTerminal(["exec", destination, "echo in"], options);
    await terminal.waitFor(prompt);
    type(terminal, "wrong horse");
    await terminal.waitFor(prompt);
    type(terminal, "correct horse");
    await ended(terminal, 0);
    expect(terminal.text()).toBe(`${prompt}\n${prompt}\nin\nstatus=0\necho\n`);

    // The broker would run it on the session that is there; without one it is asked for again.
    const guessed = startInTerminal(["exec", "--no-broker", destination, "echo in"], options);
    for (const guess of ["one", "two", "three"]) {
      await guessed.waitFor(prompt);
      type(guessed, guess);
    }
    await guessed.waitFor(`the key file ${key.path} cannot be used: no passphrase fits [KEY_INVALID]`);
    await ended(guessed, 255);
  });
});

describe("keyboard-interactive", () => {
  test("shows the server's words, and the answer where the server says so", async () => {
    const server = await startScripted("asks-a-code");
    const options = { home: homeKnowing(server), script: watched };
    const terminal = startInTerminal(["exec", server.destination, "uptime"], options);
    // As ssh does, so that nothing a server asks passes for another's question.
    const prompt = `(${server.user}@127.0.0.1) Code: `;
    await terminal.waitFor(`Two steps\nLook at your phone.\n${prompt}`);
    type(terminal, "654321");
    await terminal.waitFor(`Two steps\nLook at your phone.\n${prompt}`);
    type(terminal, "123456");
    await ended(terminal, 0);
    expect(terminal.text()).toContain(`${prompt}654321\n`);
    expect(terminal.text()).toEndWith(`${prompt}123456\nuptime\nstatus=0\necho\n`);
  });

  test("does nothing to the terminal, and a command's output stays what it is", async () => {
    const server = await startScripted("escape-sequences");
    const home = homeKnowing(server);
    const prompt = `(${server.user}@127.0.0.1) \\x1b[31mName\\x1b]52;c;aGk=\\x07: `;

    const script = `"$@" >out 2>err; echo status=$?; echo echo`;
    const exec = startInTerminal(["exec", server.destination, "x"], { home, script });
    await exec.waitFor(prompt);
    type(exec, "me");
    await ended(exec, 3);
    expect(readFileSync(join(home, "out"), "utf8")).toBe("\x1b[2Jout\n");
    expect(readFileSync(join(home, "err"), "utf8")).toBe("\x1b[2Jerr\n");
    expect(exec.raw()).not.toContain("\x1b");

    const connect = startInTerminal(["connect", "--new", server.destination], {
      ...{ home, script: watched, env: { NO_COLOR: "1" } },
    });
    await connect.waitFor(prompt);
    type(connect, "me");
    await connect.waitFor("banner:\n\\x1b]0;title\\x07\\x1b[2Jbanner\n");
    await ended(connect, 0);
    expect(connect.raw()).not.toContain("\x1b");
  });
});

describe("a host key that is not known", () => {
  const asked = "Are you sure you want to continue connecting (yes/no/[fingerprint])? ";

  test("is shown, and known once it was accepted by a word", async () => {
    const server = await startScripted("echo");
    const home = homeKnowing();
    const options = { home, columns: 400, script: watched };
    const terminal = startInTerminal(["exec", "-F", "none", server.destination, "uptime"], options);
    const fingerprint = server.hostKeys[0]?.fingerprint ?? "";
    const name = `[127.0.0.1]:${server.port}`;
    await terminal.waitFor(`The authenticity of host '${name} (${name})' can't be established.\n`);
    await terminal.waitFor(
      `ED25519 key fingerprint is ${fingerprint}.\nThis key is not known by any other names.\n${asked}`,
    );
    type(terminal, "sure");
    await terminal.waitFor("Please type 'yes', 'no' or the fingerprint: ");
    expect(existsSync(knownHosts(home))).toBe(false);
    type(terminal, "yes");
    await terminal.waitFor("uptime\n");
    await ended(terminal, 0);
    expect(readFileSync(knownHosts(home), "utf8")).toBe(server.knownHosts());

    const again = startInTerminal(["exec", "-F", "none", server.destination, "uptime"], options);
    await ended(again, 0);
    expect(again.text()).toBe("uptime\nstatus=0\necho\n");
  });

  test("is accepted by its fingerprint, and by no other", async () => {
    const server = await startScripted("echo");
    const home = homeKnowing();
    const fingerprint = server.hostKeys[0]?.fingerprint ?? "";
    const terminal = startInTerminal(["connect", "-F", "none", server.destination], { home, script: watched });
    await terminal.waitFor(asked);
    type(terminal, fingerprint.toLowerCase());
    await terminal.waitFor("Please type 'yes', 'no' or the fingerprint: ");
    type(terminal, fingerprint);
    await terminal.waitFor(`opened 127.0.0.1-2: tester@127.0.0.1 port ${server.port}`);
    await ended(terminal, 0);
    expect(readFileSync(knownHosts(home), "utf8")).toBe(server.knownHosts());
  });

  test.each([
    ["no", "no\r", "[HOST_KEY_UNKNOWN]", 4],
    ["an empty line", "\r", "[HOST_KEY_UNKNOWN]", 4],
    ["Ctrl-D", ctrl.d, "[HOST_KEY_UNKNOWN]", 4],
    ["Ctrl-C", ctrl.c, "[CANCELED]", 130],
  ])("is refused by %s, and nothing is written down", async (_name, keys, code, status) => {
    const server = await startScripted("echo");
    const home = homeKnowing();
    const terminal = startInTerminal(["connect", server.destination], { home, script: watched });
    await terminal.waitFor(asked);
    terminal.type(keys);
    await terminal.waitFor(code);
    await ended(terminal, status);
    expect(existsSync(knownHosts(home))).toBe(false);
    expect(server.attempts).toBeEmpty();
  });
});

test("Ctrl-C at a command stops it on the server, with all that it started", async () => {
  const sshd = await startSshd();
  const home = homeKnowing(sshd);
  const key = await makeKey({ path: join(home, ".ssh/id_ed25519") });
  sshd.authorize(key.line);
  const destination = `${sshd.user}@127.0.0.1:${sshd.port}`;
  const running = () =>
    withEnvironment((variable) => variable.startsWith("SSH_CONNECTION=") && variable.endsWith(` ${sshd.port}`));
  const terminal = startInTerminal(["exec", destination, "sleep 600 & echo begun; sleep 600"], {
    home,
    script: watched,
  });
  await terminal.waitFor("begun");
  expect(running().length).toBeGreaterThan(1);
  terminal.type(ctrl.c);
  await terminal.waitFor("the command was canceled; stopped: confirmed [CANCELED]");
  await ended(terminal, 130);
  expect(running()).toEqual([]);
});

test("messages have colour on a terminal that wants it, and no other escape sequence", async () => {
  const shown = async (env: Record<string, string>) => {
    const terminal = startInTerminal(["conect"], { env, script: '"$@"; true' });
    await terminal.exit();
    return terminal.raw();
  };
  const plain =
    'ssh-mcp: there is no command "conect"; did you mean connect? [USAGE]\r\n  try: ssh-mcp connect --help\r\n';
  expect(await shown({})).toBe(plain.replace("ssh-mcp:", "\x1b[31mssh-mcp:\x1b[39m"));
  expect(await shown({ NO_COLOR: "1" })).toBe(plain);
  expect(await shown({ TERM: "dumb" })).toBe(plain);
});
