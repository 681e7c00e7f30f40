/** The methods of a login: which are tried, what is asked, and where it ends. */

import { heapStats } from "bun:jsc";
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import type { AuthContext, Connection } from "ssh2";
import type { LoginQuestion } from "../../../src/core/question.ts";
import { cleanup } from "../../support/cleanup.ts";
import { startDropbear } from "../../support/dropbear.ts";
import { makeKey } from "../../support/keys.ts";
import { startScriptedServer } from "../../support/scripted-server.ts";
import { startSshAgent } from "../../support/ssh-agent.ts";
import { message, sendMessage } from "../../support/ssh-packet.ts";
import { startSshd } from "../../support/sshd.ts";
import { makeUser, type TemporaryUser } from "../../support/users.ts";
import { waitFor } from "../../support/wait.ts";
import { dial, ours, sshGetsIn } from "./dialling.ts";

afterAll(cleanup);
setDefaultTimeout(30_000);

let user: TemporaryUser;
beforeAll(async () => {
  user = await makeUser({ shell: "/bin/sh" });
});

/** Answers in order, and keeps what was asked. */
const person = (...answers: string[]) => {
  const asked: string[] = [];
  return {
    asked,
    answers: ({ text }: LoginQuestion): string => {
      asked.push(text);
      const answer = answers[asked.length - 1];
      if (answer === undefined) throw new Error(`one question too many: ${text}`);
      return answer;
    },
  };
};

describe("what ssh_config says of the methods", () => {
  const both = ["PasswordAuthentication yes", "UsePAM yes", "KbdInteractiveAuthentication yes"];

  test("PreferredAuthentications has the order; keyboard-interactive is first without it", async () => {
    const server = await startSshd({ options: both });
    const { asked, answers } = person(user.password);
    const login = { server, user: user.name, answers };
    expect((await dial(login)).login.authMethod).toBe("keyboard-interactive");
    asked.length = 0;
    const options = ["PreferredAuthentications=password,keyboard-interactive"];
    expect((await dial({ ...login, options })).login.authMethod).toBe("password");
    expect(asked).toEqual([`${user.name}@127.0.0.1's password: `]);
  });

  test.each([
    ["PasswordAuthentication=no", []],
    ["PreferredAuthentications=publickey", []],
    ["BatchMode=yes", []],
    ["NumberOfPasswordPrompts=1", ["1"]],
    ["NumberOfPasswordPrompts=2", ["1", "2"]],
  ])("%s", async (option, wrong) => {
    const server = await startSshd({ options: ["PasswordAuthentication yes"] });
    const { asked, answers } = person(...wrong);
    expect(await ours({ server, user: user.name, options: [option], answers })).toBe("AUTH_FAILED");
    expect(asked).toHaveLength(wrong.length);
  });

  test("KbdInteractiveAuthentication no leaves password", async () => {
    const server = await startSshd({ options: both });
    const { answers } = person(user.password);
    const options = ["KbdInteractiveAuthentication=no"];
    expect((await dial({ server, user: user.name, options, answers })).login.authMethod).toBe("password");
  });

  test("BatchMode asks for no passphrase, and goes on with the next key", async () => {
    const [sealed, plain] = await Promise.all([makeKey({ passphrase: "secret", rounds: 2 }), makeKey()]);
    const server = await startSshd({ authorizedKeys: [sealed.line, plain.line] });
    const login = { server, user: server.user, options: ["BatchMode=yes"] };
    expect(await ours({ ...login, keys: [sealed.path] })).toBe("KEY_INVALID");
    expect(await ours({ ...login, keys: [sealed.path, plain.path] })).toBe("in");
    expect(await sshGetsIn({ ...login, keys: [sealed.path, plain.path] })).toBe(true);
  });

  test("nobody there to ask: AUTH_REQUIRED at once", async () => {
    const server = await startSshd({ options: ["PasswordAuthentication yes"] });
    expect(await ours({ server, user: user.name })).toBe("AUTH_REQUIRED");
  });
});

describe("a login of several steps", () => {
  test("a key, and then a code by keyboard-interactive", async () => {
    const key = await makeKey();
    const server = await startSshd({
      authorizedKeys: [key.line],
      options: [
        ...["UsePAM yes", "KbdInteractiveAuthentication yes"],
        "AuthenticationMethods publickey,keyboard-interactive",
      ],
    });
    const { asked, answers } = person(user.password);
    const connection = await dial({ server, user: user.name, keys: [key.path], answers });
    expect(connection.login.authMethod).toBe("keyboard-interactive");
    expect(asked).toHaveLength(1);
  });

  test("a password, and then a key", async () => {
    const key = await makeKey();
    const server = await startSshd({
      authorizedKeys: [key.line],
      options: ["PasswordAuthentication yes", "AuthenticationMethods password,publickey"],
    });
    const { answers } = person(user.password);
    const connection = await dial({ server, user: user.name, keys: [key.path], answers });
    expect(connection.login.authMethod).toBe("publickey");
  });

  test("two keys, both in the agent", async () => {
    const [one, other] = await Promise.all([makeKey(), makeKey()]);
    const agent = await startSshAgent();
    for (const key of [one, other]) await agent.add(key.path);
    const server = await startSshd({
      authorizedKeys: [one.line, other.line],
      options: ["AuthenticationMethods publickey,publickey"],
    });
    const login = { server, user: server.user, agent: agent.socket };
    expect(await ours(login)).toBe("in");
    expect(await sshGetsIn(login)).toBe(true);
  });

  test("a server that always wants one more step is left", async () => {
    const server = await startScriptedServer({
      authenticate: (context) => context.reject(["password"], context.method === "password"),
    });
    const answers = (): string => "password";
    const options = ["NumberOfPasswordPrompts=100"];
    expect(await ours({ server, user: "tester", answers, options })).toBe("PROTOCOL_ERROR");
  });
});

describe("keyboard-interactive", () => {
  type Prompts = { prompt: string; echo: boolean }[];
  const asking = (rounds: { prompts: Prompts; title?: string; instructions?: string }[], got: string[][] = []) =>
    startScriptedServer({
      authenticate: (context: AuthContext) => {
        if (context.method !== "keyboard-interactive") return context.reject(["keyboard-interactive"]);
        const next = (index: number): void => {
          const round = rounds[index];
          if (round === undefined) {
            context.accept();
            return;
          }
          context.prompt(round.prompts, round.title ?? "", round.instructions ?? "", (answers) => {
            got.push(answers);
            next(index + 1);
          });
        };
        next(0);
      },
    });

  test("several prompts and rounds, one of them empty, and the echo flag", async () => {
    const got: string[][] = [];
    const server = await asking(
      [
        { title: "Two factors", instructions: "Have your token ready.", prompts: [] },
        {
          prompts: [
            { prompt: "Login: ", echo: true },
            { prompt: "PIN: ", echo: false },
          ],
        },
        { prompts: [{ prompt: "Code: ", echo: true }] },
      ],
      got,
    );
    const asked: { text: string; echo: boolean }[] = [];
    const connection = await dial({
      ...{ server, user: "tester" },
      answers: ({ text, echo }) => {
        asked.push({ text, echo });
        return ["me", "1234", "99"][asked.length - 1] ?? "";
      },
    });
    expect(connection.login.authMethod).toBe("keyboard-interactive");
    expect(asked).toEqual([
      { text: "Two factors\nHave your token ready.\n(tester@127.0.0.1) Login: ", echo: true },
      { text: "(tester@127.0.0.1) PIN: ", echo: false },
      { text: "(tester@127.0.0.1) Code: ", echo: true },
    ]);
    expect(got).toEqual([[], ["me", "1234"], ["99"]]);
  });

  test.each<[string, { prompts: Prompts }[]]>([
    ["rounds", Array.from({ length: 100 }, () => ({ prompts: [] }))],
    ["prompts", [{ prompts: Array.from({ length: 100 }, () => ({ prompt: "?", echo: true })) }]],
  ])("a server with endless %s is left", async (_what, rounds) => {
    const server = await asking(rounds);
    expect(await ours({ server, user: "tester", answers: () => "x" })).toBe("PROTOCOL_ERROR");
  });

  test("a server that fails it without a question is asked once", async () => {
    const server = await startScriptedServer({ authenticate: (context) => context.reject(["keyboard-interactive"]) });
    expect(await ours({ server, user: "tester", answers: () => "x" })).toBe("AUTH_FAILED");
    expect(server.attempts.map(({ method }) => method)).toEqual(["none", "keyboard-interactive"]);
  });
});

describe("a password that must be changed (RFC 4252, section 8)", () => {
  const changing = (changed: string[]) =>
    startScriptedServer({
      authenticate: (context) => {
        if (context.method !== "password") return context.reject(["password"]);
        context.requestChange("Your password has expired.", (next) => {
          changed.push(next);
          if (next === "weak") context.reject(["password"]);
          else context.accept();
        });
      },
    });

  test("asks for the old one and twice for the new one, and sends it", async () => {
    const changed: string[] = [];
    const server = await changing(changed);
    const { asked, answers } = person("old", "old", "new", "other", "new", "new");
    const connection = await dial({ server, user: "tester", answers });
    expect(connection.login).toMatchObject({ authMethod: "password", askedForSecret: true });
    expect(changed).toEqual(["new"]);
    const whose = "tester@127.0.0.1's";
    expect(asked).toEqual([
      `${whose} password: `,
      `Your password has expired.\nEnter ${whose} old password: `,
      `Enter ${whose} new password: `,
      `Retype ${whose} new password: `,
      `Mismatch; try again.\nEnter ${whose} new password: `,
      `Retype ${whose} new password: `,
    ]);
  });

  test("one that the server does not take: the next try", async () => {
    const changed: string[] = [];
    const server = await changing(changed);
    const { answers } = person("old", "old", "weak", "weak", "old", "old", "new", "new");
    expect(await ours({ server, user: "tester", answers })).toBe("in");
    expect(changed).toEqual(["weak", "new"]);
  });
});

describe("a server that says what was not asked", () => {
  const publicKeyAccepted = 60;
  test("it accepts another key than was offered: nothing is signed", async () => {
    const key = await makeKey();
    const server = await startScriptedServer({
      authenticate: (context, _attempt, connection: Connection) => {
        if (context.method !== "publickey") return context.reject(["publickey"]);
        if ("signature" in context && context.signature !== undefined) throw new Error("it signed");
        sendMessage(connection, publicKeyAccepted, "ssh-ed25519", "another key");
      },
    });
    expect(await ours({ server, user: "tester", keys: [key.path] })).toBe("AUTH_FAILED");
    expect(server.errors).toEqual([]);
  });

  test("success before anything was asked changes nothing", async () => {
    const server = await startScriptedServer({
      authenticate: (context, attempt, connection) => {
        if (attempt > 1) return context.reject([]);
        context.reject(["password"]);
        sendMessage(connection, 52);
      },
    });
    expect(await ours({ server, user: "tester", answers: () => "x" })).toBe("AUTH_FAILED");
  });

  test("banners in between are kept", async () => {
    const server = await startScriptedServer({
      authenticate: (context, _attempt, connection) => {
        sendMessage(connection, message.banner, `before ${context.method}\n`, "");
        if (context.method === "password") context.accept();
        else context.reject(["password"]);
      },
    });
    const connection = await dial({ server, user: "tester", answers: () => "x" });
    expect(connection.login.banner).toBe("before none\nbefore password\n");
  });
});

test("no private key lives as long as the connection", async () => {
  const [plain, sealed] = await Promise.all([makeKey(), makeKey({ passphrase: "secret", rounds: 2 })]);
  const server = await startSshd({ authorizedKeys: [plain.line, sealed.line] });
  // With this exchange ssh2 keeps no key object of its own.
  const options = ["KexAlgorithms=ecdh-sha2-nistp256"];
  const login = { server, user: server.user, options, answers: () => "secret" };
  const held = (): number => {
    Bun.gc(true);
    return heapStats().objectTypeCounts["PrivateKeyObject"] ?? 0;
  };
  const dialBoth = () => Promise.all([plain, sealed].map(({ path }) => dial({ ...login, keys: [path] })));
  const open = await dialBoth();
  // The class itself is among them, and what the collector took for a pointer.
  const few = 4;
  for (let more = 0; more < 5; more++) open.push(...(await dialBoth()));
  await waitFor(() => held() <= few, { what: "the keys to be gone" });
  expect(open.map((connection) => connection.login.authMethod)).toEqual(open.map(() => "publickey"));
});

test("on dropbear: each kind of key, from a file and from the agent", async () => {
  const keys = await Promise.all([makeKey(), makeKey({ type: "ecdsa" }), makeKey({ type: "rsa", bits: 2048 })]);
  const dropbear = await startDropbear({ user, authorizedKeys: keys.map((key) => key.line) });
  for (const key of keys) {
    const agent = await startSshAgent();
    await agent.add(key.path);
    expect(await ours({ server: dropbear, user: user.name, keys: [key.path] })).toBe("in");
    expect(await ours({ server: dropbear, user: user.name, agent: agent.socket })).toBe("in");
  }
});
