import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { chmodSync, mkdirSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Question } from "../../../src/core/question.ts";
import { Authentication } from "../../../src/ssh/auth/authentication.ts";
import type { UserauthPort } from "../../../src/ssh/auth/ssh2-userauth.ts";
import { cleanup } from "../../support/cleanup.ts";
import { startDropbear } from "../../support/dropbear.ts";
import { type KeyPair, type KeyType, makeKey } from "../../support/keys.ts";
import { startSshAgent } from "../../support/ssh-agent.ts";
import { type Sshd, startSshd } from "../../support/sshd.ts";
import { tempDir } from "../../support/temp.ts";
import { makeUser, type TemporaryUser } from "../../support/users.ts";
import { open, run } from "../open.ts";

afterAll(cleanup);

let user: TemporaryUser;
beforeAll(async () => {
  user = await makeUser({ shell: "/bin/sh" });
});

/** Answers in order, and keeps what was asked. */
const person = (...answers: string[]) => {
  const asked: Question[] = [];
  return {
    asked,
    answers: (question: Question): string => {
      asked.push(question);
      const answer = answers[asked.length - 1];
      if (answer === undefined) throw new Error(`one question too many: ${question.text}`);
      return answer;
    },
  };
};

const replaceByFolder = (path: string): void => {
  rmSync(path);
  mkdirSync(path);
};

const replaceByPipe = (path: string): void => {
  rmSync(path);
  Bun.spawnSync(["mkfifo", "-m", "600", path]);
};

describe("publickey", () => {
  let sshd: Sshd;
  beforeAll(async () => {
    sshd = await startSshd();
  });
  const authorized = async (options: Parameters<typeof makeKey>[0]): Promise<KeyPair> => {
    const key = await makeKey(options);
    sshd.authorize(key.line);
    return key;
  };

  test.each<[KeyType, "OpenSSH" | "PEM" | "PKCS8"]>([
    ["ed25519", "OpenSSH"],
    ["ecdsa", "OpenSSH"],
    ["ecdsa", "PEM"],
    ["rsa", "OpenSSH"],
    ["rsa", "PEM"],
  ])("%s in %s format", async (type, format) => {
    const key = await authorized({ type, format });
    const connection = await open({ port: sshd.port, user: user.name, keys: [key.path] });
    expect(connection.login).toMatchObject({ authMethod: "publickey", askedForSecret: false });
    expect(await run(connection, "id -un")).toMatchObject({ stdout: `${user.name}\n` });
  });

  test("an encrypted key asks for its passphrase, again when it is wrong", async () => {
    const key = await authorized({ passphrase: "correct horse", rounds: 4 });
    const { asked, answers } = person("wrong", "correct horse");
    const connection = await open({ port: sshd.port, user: user.name, keys: [key.path], answers });
    expect(connection.login).toMatchObject({ authMethod: "publickey", askedForSecret: true });
    expect(asked.map(({ kind, echo }) => ({ kind, echo }))).toEqual([
      { kind: "passphrase", echo: false },
      { kind: "passphrase", echo: false },
    ]);
    expect(asked[0]?.text).toContain(key.path);
  });

  test("an encrypted key that the server does not want asks nothing", async () => {
    const unwanted = await makeKey({ passphrase: "never asked", rounds: 4 });
    const wanted = await authorized({});
    const { asked, answers } = person();
    const keys = [unwanted.path, wanted.path];
    const connection = await open({ port: sshd.port, user: user.name, keys, answers });
    expect(connection.login.authMethod).toBe("publickey");
    expect(asked).toEqual([]);
  });

  test("an encrypted PEM key without its .pub asks before it is offered", async () => {
    const key = await authorized({ type: "rsa", format: "PEM", passphrase: "secret" });
    rmSync(`${key.path}.pub`);
    const { asked, answers } = person("secret");
    await open({ port: sshd.port, user: user.name, keys: [key.path], answers });
    expect(asked).toHaveLength(1);
  });

  test("keys of the agent, the one that a file names first", async () => {
    const [first, second] = await Promise.all([authorized({ comment: "first" }), authorized({ comment: "second" })]);
    const agent = await startSshAgent();
    await agent.add(first.path);
    await agent.add(second.path);
    const connection = await open({ port: sshd.port, user: user.name, agentSocket: agent.socket });
    expect(connection.login.authMethod).toBe("publickey");
    const chosen = await open({
      port: sshd.port,
      user: user.name,
      agentSocket: agent.socket,
      keys: [`${second.path}.pub`],
    });
    expect(chosen.login.authMethod).toBe("publickey");
    expect(sshd.log()).toContain(second.fingerprint);
  });

  test("an agent that is not there is no agent", async () => {
    const key = await authorized({});
    const agentSocket = join(tempDir("agent"), "nobody");
    const connection = await open({ port: sshd.port, user: user.name, keys: [key.path], agentSocket });
    expect(connection.login.authMethod).toBe("publickey");
  });

  test("no key that is accepted: AUTH_FAILED, with what the server would take", async () => {
    const key = await makeKey();
    const refused = open({ port: sshd.port, user: user.name, keys: [key.path] });
    await expect(refused).rejects.toMatchObject({
      code: "AUTH_FAILED",
      message: expect.stringContaining("(publickey)"),
    });
  });

  test.each<[string, (path: string) => void, RegExp]>([
    ["is missing", (path) => rmSync(path), /no such file/],
    ["is truncated", (path) => truncateSync(path, 100), /damaged|format|parse/i],
    ["is no key", (path) => writeFileSync(path, "hello\n"), /no private key/],
    ["is open to others", (path) => chmodSync(path, 0o644), /0644 are too open/],
    ["is a directory", replaceByFolder, /not a regular file/],
    ["is a pipe that nobody writes to", replaceByPipe, /not a regular file/],
  ])("a key file that %s: KEY_INVALID", async (_what, harm, message) => {
    const key = await authorized({});
    harm(key.path);
    const refused = open({ port: sshd.port, user: user.name, keys: [key.path] });
    await expect(refused).rejects.toMatchObject({ code: "KEY_INVALID", message: expect.stringMatching(message) });
  });
});

describe("password", () => {
  test("asks as ssh does, again after a wrong one", async () => {
    const sshd = await startSshd({ options: ["PasswordAuthentication yes"] });
    const { asked, answers } = person("wrong", user.password);
    const connection = await open({ port: sshd.port, user: user.name, answers });
    expect(connection.login).toMatchObject({ authMethod: "password", askedForSecret: true });
    expect(asked[0]).toMatchObject({ kind: "password", echo: false, text: `${user.name}@127.0.0.1's password: ` });
    expect(asked[1]?.text).toContain("Permission denied, please try again.");
  });

  test("three wrong ones: AUTH_FAILED", async () => {
    const sshd = await startSshd({ options: ["PasswordAuthentication yes"] });
    const { asked, answers } = person("a", "b", "c");
    await expect(open({ port: sshd.port, user: user.name, answers })).rejects.toMatchObject({ code: "AUTH_FAILED" });
    expect(asked).toHaveLength(3);
  });

  test("on dropbear", async () => {
    const dropbear = await startDropbear({ user, passwords: true });
    const { answers } = person(user.password);
    const connection = await open({ port: dropbear.port, user: user.name, answers });
    expect(connection.login.authMethod).toBe("password");
    expect(await run(connection, "echo in")).toMatchObject({ stdout: "in\n", exitCode: 0 });
  });
});

test("keyboard-interactive through PAM", async () => {
  const sshd = await startSshd({ options: ["UsePAM yes", "KbdInteractiveAuthentication yes"] });
  const { asked, answers } = person("wrong", user.password);
  const connection = await open({ port: sshd.port, user: user.name, answers });
  expect(connection.login.authMethod).toBe("keyboard-interactive");
  expect(asked[0]).toMatchObject({ kind: "keyboard-interactive", echo: false });
});

test("publickey and then password, on one connection", async () => {
  const key = await makeKey();
  const sshd = await startSshd({
    authorizedKeys: [key.line],
    options: ["PasswordAuthentication yes", "AuthenticationMethods publickey,password"],
  });
  const { asked, answers } = person(user.password);
  const connection = await open({ port: sshd.port, user: user.name, keys: [key.path], answers });
  expect(connection.login.authMethod).toBe("password");
  expect(asked).toHaveLength(1);
  expect(await run(connection, "echo both")).toMatchObject({ stdout: "both\n" });
});

test("the banner is kept", async () => {
  const key = await makeKey();
  const banner = join(tempDir("banner"), "banner");
  writeFileSync(banner, "Authorised use only.\n");
  const sshd = await startSshd({ authorizedKeys: [key.line], options: [`Banner ${banner}`] });
  const connection = await open({ port: sshd.port, user: user.name, keys: [key.path] });
  expect(connection.login.banner).toBe("Authorised use only.\n");
});

test("a mistake of our own is no refusal of the server's", async () => {
  const port: UserauthPort = {
    ...{ sessionId: Buffer.alloc(32), serverSignatures: null },
    request: async () => ({ kind: "failure", allowed: ["publickey"], partial: false }),
    answer: async () => ({ kind: "failure", allowed: ["publickey"], partial: false }),
  };
  const login = new Authentication({
    ...{ user: "ann", host: "web", destination: "ann@web", connectCommand: "ssh-mcp connect ann@web" },
    ...{ promptHost: "web", widerCommand: "ssh-mcp connect ann@web" },
    methods: { preferred: ["publickey"], prompts: 3 },
    algorithms: { accepted: [], isDefault: true },
    identities: () => Promise.reject(new TypeError("it is not a function")),
    ask: () => Promise.reject(new Error("nobody is asked")),
  });
  expect(await login.run(port)).toBe(false);
  expect(login.failure).toMatchObject({ code: "INTERNAL", message: "it is not a function" });
});
