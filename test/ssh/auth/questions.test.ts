/** What a person is asked in, in ssh(1)'s words: programs that answer for them look for these. */
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { chmodSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { AuthContext } from "ssh2";
import type { LoginQuestion } from "../../../src/core/question.ts";
import { cleanup } from "../../support/cleanup.ts";
import { runCommand } from "../../support/command.ts";
import { makeKey } from "../../support/keys.ts";
import { startScriptedServer } from "../../support/scripted-server.ts";
import { sshArguments } from "../../support/ssh.ts";
import { type Sshd, startSshd } from "../../support/sshd.ts";
import { tempDir } from "../../support/temp.ts";
import { makeUser, type TemporaryUser } from "../../support/users.ts";
import { dial, type Login, ours } from "./dialling.ts";

afterAll(cleanup);
setDefaultTimeout(30_000);

let user: TemporaryUser;
let sshd: Sshd;
beforeAll(async () => {
  user = await makeUser({ shell: "/bin/sh" });
  sshd = await startSshd({ options: ["PasswordAuthentication yes", "UsePAM yes", "KbdInteractiveAuthentication yes"] });
});

/** The texts of all questions, each answered with the user's password. */
const askedBy = async (login: Login): Promise<string[]> => {
  const asked: string[] = [];
  const answers = ({ text }: LoginQuestion): string => {
    asked.push(text);
    return user.password;
  };
  await dial({ ...login, answers });
  return asked;
};

/** The same of ssh: what it gives the program that asks. */
const askedBySsh = async ({ server, user: name, options = [] }: Login): Promise<string[]> => {
  const folder = tempDir("askpass");
  const program = join(folder, "ask");
  writeFileSync(program, `#!/bin/sh\nprintf '%s\\n' "$1" >> ${folder}/asked\necho '${user.password}'\n`);
  chmodSync(program, 0o755);
  const argv = sshArguments({ ...server, user: name }, null, ["BatchMode=no", ...options]);
  const env = { SSH_ASKPASS: program, SSH_ASKPASS_REQUIRE: "force", SSH_AUTH_SOCK: "" };
  expect((await runCommand([...argv, "true"], { env })).status).toBe(0);
  return readFileSync(join(folder, "asked"), "utf8").trimEnd().split("\n");
};

test.each([
  ["password", ["HostName=127.0.0.1"]],
  ["keyboard-interactive", ["HostName=127.0.0.1"]],
  ["password", ["HostName=127.0.0.1", "HostKeyAlias=web"]],
  ["keyboard-interactive", ["HostName=127.0.0.1", "HostKeyAlias=web"]],
])("%s with %p names the host as ssh does", async (method, options) => {
  const known = (): string => `${sshd.knownHosts()}\n${sshd.knownHosts().replaceAll(/^\S+/gm, "web")}`;
  const server = { host: "Somewhere", port: sshd.port, knownHosts: known };
  const login = { server, user: user.name, options: [...options, `PreferredAuthentications=${method}`] };
  const asked = await askedBy(login);
  expect(asked.map((text) => text.trimEnd())).toEqual((await askedBySsh(login)).map((text) => text.trimEnd()));
  expect(asked).toHaveLength(1);
});

const asking = (prompt: string, instructions = "", banner?: string) =>
  startScriptedServer({
    ...(banner === undefined ? {} : { banner }),
    authenticate: (context: AuthContext) => {
      if (context.method !== "keyboard-interactive") return context.reject(["keyboard-interactive"]);
      context.prompt([{ prompt, echo: false }], "", instructions, ([answer]) =>
        answer === "right" ? context.accept() : context.reject(["keyboard-interactive"]),
      );
    },
  });

test("a prompt of several lines has user and host before its first, and behind what is said of it", async () => {
  const server = await asking("1. phone\n2. text message\nChoice: ", "Two factors");
  const texts: string[] = [];
  const answers = ({ text }: LoginQuestion): string => ["right"][texts.push(text) - 1] ?? "";
  await dial({ server, user: "tester", answers });
  expect(texts).toEqual(["Two factors\n(tester@127.0.0.1) 1. phone\n2. text message\nChoice: "]);
});

test("the login banner is read before the first question, and once; the connection has it too", async () => {
  const server = await asking("Password: ", "", "Staff only.\r\nAll is logged.\r\n");
  const texts: string[] = [];
  const answers = ({ text }: LoginQuestion): string => ["wrong", "right"][texts.push(text) - 1] ?? "";
  const connection = await dial({ server, user: "tester", answers });
  expect(texts).toEqual([
    "Staff only.\r\nAll is logged.\n(tester@127.0.0.1) Password: ",
    "(tester@127.0.0.1) Password: ",
  ]);
  expect(connection.login.banner).toBe("Staff only.\r\nAll is logged.\r\n");
});

test("a refused login has shown the banner, before a passphrase as well", async () => {
  const key = await makeKey({ passphrase: "secret", rounds: 2 });
  const banner = join(tempDir("banner"), "text");
  writeFileSync(banner, "Staff only.\n");
  const server = await startSshd({ authorizedKeys: [key.line], options: [`Banner ${banner}`] });
  const texts: string[] = [];
  const login = { server, user: server.user, keys: [key.path], options: ["NumberOfPasswordPrompts=1"] };
  const answers = ({ text }: LoginQuestion): string => ["wrong"][texts.push(text) - 1] ?? "";
  expect(await ours({ ...login, answers })).toBe("KEY_INVALID");
  expect(texts).toEqual([`Staff only.\nEnter passphrase for key '${key.path}': `]);
});
