/** Which keys are offered, and in which order: where ssh(1) gets in we do, and where it does not neither do we. */
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { copyFileSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { choiceOptions } from "../../../../src/core/login-choice.ts";
import { cleanup } from "../../../support/cleanup.ts";
import { mustRun } from "../../../support/command.ts";
import { type KeyPair, makeKey } from "../../../support/keys.ts";
import { startSshAgent } from "../../../support/ssh-agent.ts";
import { type Sshd, startSshd } from "../../../support/sshd.ts";
import { tempDir } from "../../../support/temp.ts";
import { dial, type Login, ours, sshGetsIn } from "../dialling.ts";

afterAll(cleanup);
setDefaultTimeout(30_000);

let right: KeyPair;
let agent: string;
const servers = new Map<number, Sshd>();
beforeAll(async () => {
  const keys = await Promise.all(Array.from({ length: 7 }, () => makeKey()));
  right = keys[6] as KeyPair;
  const started = await startSshAgent();
  for (const key of keys) await started.add(key.path);
  agent = started.socket;
  for (const tries of [3, 6, 10]) {
    servers.set(tries, await startSshd({ authorizedKeys: [right.line], options: [`MaxAuthTries ${tries}`] }));
  }
});

const at = (tries: number, login: Omit<Login, "server" | "user">): Login => {
  const server = servers.get(tries);
  if (server === undefined) throw new Error(`no server with MaxAuthTries ${tries}`);
  return { server, user: server.user, agent, ...login };
};

describe("seven keys in the agent, the right one last", () => {
  test.each([3, 6, 10])("MaxAuthTries %d: as ssh", async (tries) => {
    const ways: [string, Omit<Login, "server" | "user">][] = [
      ["nothing named", {}],
      ["its file named", { keys: [right.path] }],
      ["its public file named", { keys: [`${right.path}.pub`] }],
      ["its file alone", { keys: [right.path], options: ["IdentitiesOnly=yes"] }],
      ["its file alone, without the agent", { keys: [right.path], options: ["IdentityAgent=none"] }],
      ["the agent by IdentityAgent", { options: [`IdentityAgent=${agent}`], agent: "/nowhere" }],
    ];
    const got = await Promise.all(ways.map(async ([name, way]) => [name, await ours(at(tries, way))]));
    const oracle = await Promise.all(ways.map(async ([name, way]) => [name, await sshGetsIn(at(tries, way))]));
    expect(got.map(([name, outcome]) => [name, outcome === "in"])).toEqual(oracle);
    expect(Object.fromEntries(got)).toEqual({
      "nothing named": tries === 10 ? "in" : "AUTH_FAILED",
      "its file named": "in",
      "its public file named": "in",
      "its file alone": "in",
      "its file alone, without the agent": "in",
      "the agent by IdentityAgent": tries === 10 ? "in" : "AUTH_FAILED",
    });
  });

  test("all of them are offered on one connection", async () => {
    const login = at(10, {});
    const sshd = servers.get(10) as Sshd;
    const before = sshd.log().match(/Connection from/g)?.length ?? 0;
    await dial(login);
    expect((sshd.log().match(/Connection from/g)?.length ?? 0) - before).toBe(1);
  });

  test("cut off by the server: the error says so, and how to name the key", async () => {
    await expect(dial(at(3, {}))).rejects.toMatchObject({
      code: "AUTH_FAILED",
      message: expect.stringMatching(/Too many authentication failures; 3 keys were offered.*IdentitiesOnly/),
      hint: expect.stringMatching(/^ssh-mcp connect -i KEY -o IdentitiesOnly=yes .*127\.0\.0\.1/),
    });
  });
});

describe("--auth", () => {
  const agentAlone = { options: choiceOptions("agent") };
  test("agent: a key that is in a file alone is not used", async () => {
    const key = await makeKey();
    const server = await startSshd({ authorizedKeys: [key.line] });
    const login = { server, user: server.user, keys: [key.path] };
    expect(await ours(login)).toBe("in");
    expect(await ours({ ...login, ...agentAlone, agent })).toBe("AUTH_FAILED");
    const other = await startSshAgent();
    await other.add(key.path);
    expect(await ours({ ...login, ...agentAlone, agent: other.socket })).toBe("in");
  });

  test("key: the agent is not asked", async () => {
    const options = choiceOptions("key");
    expect(await ours(at(10, { options }))).toBe("AUTH_FAILED");
    expect(await ours(at(10, { options, keys: [right.path] }))).toBe("in");
  });

  test("password: no key is offered", async () => {
    const options = choiceOptions("password");
    const refused = dial(at(10, { options, keys: [right.path] }));
    await expect(refused).rejects.toMatchObject({
      code: "AUTH_FAILED",
      message: expect.stringContaining("(publickey)"),
    });
  });
});

test("a key whose private part is in the agent alone is named by its file all the same", async () => {
  const key = await makeKey();
  const server = await startSshd({ authorizedKeys: [key.line] });
  const started = await startSshAgent();
  await started.add(key.path);
  rmSync(key.path);
  const login = { server, user: server.user, keys: [key.path], options: ["IdentitiesOnly=yes"] };
  expect(await ours({ ...login, agent: started.socket })).toBe("in");
  expect(await sshGetsIn({ ...login, agent: started.socket })).toBe(true);
  await expect(dial(login)).rejects.toMatchObject({
    code: "KEY_INVALID",
    message: expect.stringMatching(/no such file/),
  });
});

describe("PubkeyAcceptedAlgorithms and RequiredRSASize", () => {
  let server: Sshd;
  let rsa: KeyPair;
  let ed25519: KeyPair;
  beforeAll(async () => {
    [rsa, ed25519] = await Promise.all([makeKey({ type: "rsa", bits: 2048 }), makeKey()]);
    server = await startSshd({
      authorizedKeys: [rsa.line, ed25519.line],
      options: ["PubkeyAcceptedAlgorithms +ssh-rsa"],
    });
  });

  test.each([
    "PubkeyAcceptedAlgorithms=ssh-ed25519",
    "PubkeyAcceptedAlgorithms=-ssh-ed25519*",
    "PubkeyAcceptedAlgorithms=rsa-sha2-256",
    "PubkeyAcceptedAlgorithms=^ssh-rsa",
    "PubkeyAcceptedAlgorithms=+ssh-dss",
    "PubkeyAcceptedAlgorithms=-rsa-sha2-*,ssh-ed25519",
    "PubkeyAuthentication=no",
    "RequiredRSASize=3072",
    "PreferredAuthentications=password",
  ])("%s: as ssh, key by key", async (option) => {
    for (const key of [rsa, ed25519]) {
      const login = { server, user: server.user, keys: [key.path], options: [option, "IdentitiesOnly=yes"] };
      expect([option, key.algorithm, (await ours(login)) === "in"]).toEqual([
        option,
        key.algorithm,
        await sshGetsIn(login),
      ]);
    }
  });

  test("a signature with SHA-256 where that is all that is accepted", async () => {
    const options = ["PubkeyAcceptedAlgorithms=rsa-sha2-256"];
    await dial({ server, user: server.user, keys: [rsa.path], options });
    expect(server.log()).toContain(rsa.fingerprint);
  });

  test("a small key that was named says what is wrong before anything is dialled", async () => {
    const options = ["RequiredRSASize=3072"];
    const refused = dial({ server: { ...server, port: 1 }, user: "nobody", keys: [rsa.path], options });
    await expect(refused).rejects.toMatchObject({ code: "KEY_INVALID", message: expect.stringContaining("2048 bits") });
  });
});

describe("what lies beside a private key, and files that hold none", () => {
  let server: Sshd;
  beforeAll(async () => {
    server = await startSshd();
  });
  const asBoth = async (login: Omit<Login, "server" | "user">): Promise<string> => {
    const whole = { server, user: server.user, ...login };
    const outcome = await ours(whole);
    expect(outcome === "in").toBe(await sshGetsIn(whole));
    return outcome;
  };

  test.each(["OpenSSH", "PEM"] as const)(
    "a `.pub` of another key is what is offered, as by ssh (%s)",
    async (format) => {
      const [key, other] = await Promise.all([makeKey({ type: "ecdsa", format }), makeKey()]);
      copyFileSync(`${other.path}.pub`, `${key.path}.pub`);
      const login = { server, user: server.user, keys: [key.path] };
      server.authorize(key.line);
      expect(await asBoth(login)).toBe("AUTH_FAILED");
      await expect(dial(login)).rejects.toMatchObject({
        message: expect.stringContaining(`${key.path}.pub beside it is another key's`),
      });
      server.authorize(other.line);
      expect(await asBoth(login)).toBe("KEY_INVALID");
      await expect(dial(login)).rejects.toMatchObject({
        message: expect.stringMatching(/does not belong to the public key beside it/),
        hint: `ssh-keygen -y -f ${key.path}`,
      });
      // Whose private part is in the agent.
      const started = await startSshAgent();
      await started.add(other.path);
      expect(await asBoth({ ...login, agent: started.socket })).toBe("in");
    },
  );

  test("a public key alone whose private part is nowhere is refused by name, before anything is dialled", async () => {
    const key = await makeKey();
    server.authorize(key.line);
    const nowhere = { server: { ...server, port: 1 }, user: "nobody", keys: [`${key.path}.pub`] };
    const refusal = { code: "KEY_INVALID", message: expect.stringContaining("public key alone") };
    expect(await sshGetsIn({ ...nowhere, server, user: server.user })).toBe(false);
    await expect(dial(nowhere)).rejects.toMatchObject({ ...refusal, hint: `ssh-add ${key.path}` });
    rmSync(key.path);
    await expect(dial(nowhere)).rejects.toMatchObject({ ...refusal, hint: "ssh-add -l" });
  });

  test("a public key beside whose private part is another file's, named or of ssh_config: as ssh", async () => {
    const key = await makeKey();
    server.authorize(key.line);
    expect(await asBoth({ keys: [`${key.path}.pub`, key.path] })).toBe("in");
    expect(await asBoth({ keys: [`${key.path}.pub`], options: [`IdentityFile=${key.path}`] })).toBe("in");
  });
});

describe("a hint can work", () => {
  let server: Sshd;
  let key: KeyPair;
  beforeAll(async () => {
    [server, key] = await Promise.all([startSshd(), makeKey()]);
  });
  const hintOf = async (keys: readonly string[], options: readonly string[] = []): Promise<string | null> => {
    const refused = dial({ server, user: server.user, keys, options, answers: () => "wrong" });
    return await refused.then(
      () => null,
      (error: { hint: string | null }) => error.hint,
    );
  };

  test("what narrowed a refused login is left out", async () => {
    const at = `${server.user}@127.0.0.1:${server.port}`;
    expect(await hintOf([key.path], ["BatchMode=yes"])).toMatch(/ connect .*-o 'BatchMode=no' /);
    expect(await hintOf([key.path], ["BatchMode=yes"])).not.toContain("BatchMode=yes");
    for (const choice of ["agent", "key"] as const) {
      const hint = await hintOf([], choiceOptions(choice));
      expect(hint).toEndWith(` ${at}`);
      expect(hint).not.toMatch(/PreferredAuthentications|Identity(Agent|File)/);
    }
  });

  test("an encrypted key in BatchMode goes into the agent", async () => {
    const encrypted = await makeKey({ passphrase: "secret", rounds: 2 });
    server.authorize(encrypted.line);
    expect(await hintOf([encrypted.path], ["BatchMode=yes"])).toBe(`ssh-add ${encrypted.path}`);
  });

  test("PuTTY's files are puttygen's; a short RSA key is made anew", async () => {
    const path = join(tempDir("key"), "id.ppk");
    const passphrase = join(tempDir("passphrase"), "new");
    writeFileSync(passphrase, "secret");
    const to = ["-O", "private", "--ppk-param", "version=2", "--new-passphrase", passphrase];
    await mustRun(["puttygen", key.path, ...to, "-o", path]);
    server.authorize(key.line);
    const opener = `puttygen ${path} -O private-openssh -o NEW`;
    expect(await hintOf([path])).toBe(opener);
    writeFileSync(path, readFileSync(path, "latin1").replace("File-2", "File-1"));
    expect(await hintOf([path])).toBe(opener);
    const rsa = await makeKey({ type: "rsa", bits: 2048 });
    expect(await hintOf([rsa.path], ["RequiredRSASize=3072"])).toBe("ssh-keygen -t ed25519");
  });
});
