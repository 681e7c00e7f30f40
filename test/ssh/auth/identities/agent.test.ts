/** Agents: a real one, one with keys that a real one does not hold, and those that lie. */
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import type { Socket } from "node:net";
import { join } from "node:path";
import { Agent } from "../../../../src/ssh/auth/agent.ts";
import { readKeyFile } from "../../../../src/ssh/auth/key-file.ts";
import { isSignedBy } from "../../../../src/ssh/signature.ts";
import { cleanup } from "../../../support/cleanup.ts";
import { runCommand } from "../../../support/command.ts";
import { type KeyPair, type KeyType, makeKey } from "../../../support/keys.ts";
import { startSshAgent } from "../../../support/ssh-agent.ts";
import { type Sshd, startSshd } from "../../../support/sshd.ts";
import { tempDir } from "../../../support/temp.ts";
import { type AgentKey, makeSecurityKey, startTestAgent } from "../../../support/test-agent.ts";
import { waitFor } from "../../../support/wait.ts";
import { open } from "../../open.ts";
import { dial, type Login, ours, sshGetsIn } from "../dialling.ts";

afterAll(cleanup);
setDefaultTimeout(30_000);

const patience = new AbortController().signal;
const data = Buffer.from("to be signed");

let sshd: Sshd;
let key: KeyPair;
beforeAll(async () => {
  key = await makeKey();
  sshd = await startSshd({ authorizedKeys: [key.line] });
});

describe("ssh-agent", () => {
  test.each<[KeyType, string]>([
    ["ed25519", "ssh-ed25519"],
    ["ecdsa", "ecdsa-sha2-nistp256"],
    ["rsa", "rsa-sha2-512"],
    ["rsa", "rsa-sha2-256"],
  ])("%s is added, listed, and signs with %s", async (type, algorithm) => {
    const { socket } = await startSshAgent();
    const agent = new Agent(socket);
    const made = await makeKey({ type, ...(type === "rsa" ? { bits: 2048 } : {}) });
    const file = await readKeyFile(made.path);
    if (file.kind !== "private") throw new Error(file.kind);
    expect(await agent.add(file.key, "mine", { lifetime: 300, confirm: false })).toBe(true);
    const [held, ...others] = await agent.identities();
    expect(others).toEqual([]);
    expect(held).toEqual({ type: made.algorithm, blob: Buffer.from(made.blob), comment: "mine" });
    const signature = await agent.sign(file.key, data, algorithm, patience);
    expect(isSignedBy(made.blob, data, signature ?? Buffer.alloc(0))).toBe(true);
    expect(await agent.sign({ ...file.key, blob: Buffer.from("other") }, data, algorithm, patience)).toBeNull();
  });

  test.each([
    ["yes", []],
    ["300", []],
    ["confirm", []],
    ["ask", ["yes"]],
  ])("AddKeysToAgent %s puts a key there once it signs, as ssh does", async (mode, answers) => {
    const encrypted = await makeKey({ passphrase: "secret", rounds: 2 });
    sshd.authorize(encrypted.line);
    const { socket } = await startSshAgent();
    const said = ["secret", ...answers];
    const login = {
      ...{ server: sshd, user: sshd.user, keys: [encrypted.path], agent: socket },
      options: [`AddKeysToAgent=${mode}`],
      answers: () => said.shift() ?? "one question too many",
    };
    await dial(login);
    expect(said).toEqual([]);
    const listed = await runCommand(["ssh-add", "-L"], { env: { SSH_AUTH_SOCK: socket } });
    expect(listed.stdout).toContain(encrypted.line);
    // Now nobody is asked: the agent signs. With `confirm` it would ask a person first.
    if (mode !== "confirm") expect(await ours({ ...login, keys: [] })).toBe("in");
  });

  test.each([
    ["OpenSSH", "work laptop"],
    ["OpenSSH", ""],
    ["PEM", "lost in this format"],
  ] as const)("AddKeysToAgent keeps the comment of a key (%s, %p) as ssh does", async (format, comment) => {
    const added = await makeKey({ type: "ecdsa", format, comment });
    sshd.authorize(added.line);
    const comments = await Promise.all(
      [ours, sshGetsIn].map(async (getIn) => {
        const { socket } = await startSshAgent();
        const login = { server: sshd, user: sshd.user, keys: [added.path], agent: socket };
        await getIn({ ...login, options: ["AddKeysToAgent=yes"] });
        return (await new Agent(socket).identities()).map((each) => each.comment);
      }),
    );
    expect(comments[0]).toEqual(comments[1] ?? []);
    expect(comments[0]).toHaveLength(1);
  });

  test.each(["no", "ask"])("AddKeysToAgent %s: not without a yes", async (mode) => {
    const encrypted = await makeKey({ passphrase: "secret", rounds: 2 });
    sshd.authorize(encrypted.line);
    const { socket } = await startSshAgent();
    const said = ["secret", "no"];
    await dial({
      ...{ server: sshd, user: sshd.user, keys: [encrypted.path], agent: socket, options: [`AddKeysToAgent=${mode}`] },
      answers: () => said.shift() ?? "one question too many",
    });
    expect(await new Agent(socket).identities()).toEqual([]);
  });
});

describe("keys that a real agent does not hold", () => {
  test.each(["ed25519", "ecdsa"] as const)(
    "a security key, %s: its signature goes on unchanged, as with ssh",
    async (kind) => {
      const made = makeSecurityKey(kind);
      sshd.authorize(made.line);
      const agent = await startTestAgent({ keys: [made] });
      const login = { server: sshd, user: sshd.user, agent: agent.socket };
      expect(await ours(login)).toBe("in");
      expect(agent.signed).toEqual([Buffer.from(made.blob)]);
      expect(await sshGetsIn(login)).toBe(true);
      expect(sshd.log()).toContain(made.fingerprint);
    },
  );

  test("a kind of key that nobody knows is offered as it is, after all others", async () => {
    const offered: string[] = [];
    const strange: AgentKey = {
      blob: Buffer.from("\0\0\0\x0assh-future\0\0\0\x04\xff\x00\x01\x02", "latin1"),
      sign: () => null,
    };
    const real = await startSshAgent();
    await real.add(key.path);
    const held: AgentKey = {
      blob: key.blob,
      sign: () => {
        offered.push("known");
        return null;
      },
    };
    const agent = await startTestAgent({ keys: [strange, held] });
    const own = await startSshd({ authorizedKeys: [key.line], options: ["LogLevel DEBUG2"] });
    expect(await ours({ server: own, user: own.user, agent: agent.socket })).toBe("KEY_INVALID");
    expect(offered).toEqual(["known"]);
    // The server was shown it, and says that it has never heard of it.
    await waitFor(() => own.log().includes("ssh-future"), { what: "the strange key to be offered" });
    expect(own.log().indexOf(key.fingerprint)).toBeLessThan(own.log().indexOf("ssh-future"));
  });
});

describe("a key that has to be touched", () => {
  const request = (extra: Partial<Login> = {}): Login => ({ server: sshd, user: sshd.user, ...extra });

  test("is waited for beyond the login's own time, which goes on afterwards", async () => {
    const made = makeSecurityKey("ed25519");
    sshd.authorize(made.line);
    const hand = Promise.withResolvers<void>();
    const agent = await startTestAgent({ keys: [made], touch: hand.promise });
    const timeoutMs = 2000;
    const dialled = dial({ ...request({ agent: agent.socket }), timeoutMs });
    await waitFor(() => agent.asked.includes(13), { what: "the agent to be asked for a signature" });
    setTimeout(hand.resolve, timeoutMs + 500);
    expect((await dialled).login.authMethod).toBe("publickey");
  });

  test("and never is: another key is tried after a time of its own", async () => {
    const made = makeSecurityKey("ecdsa");
    sshd.authorize(made.line);
    const { socket, open } = await startTestAgent({ keys: [made], touch: new Promise(() => {}) });
    const agent = new Agent(socket, 200);
    const signed = agent.sign({ type: made.algorithm, blob: Buffer.from(made.blob) }, data, made.algorithm, patience);
    await expect(signed).rejects.toThrow("the agent did not answer in time");
    await waitFor(() => open() === 0, { what: "its connections to be closed" });
  });
});

describe("an agent that lies, or breaks", () => {
  const listing = (count: number, ...rest: Buffer[]): Buffer => {
    const number = Buffer.alloc(4);
    number.writeUInt32BE(count);
    return Buffer.concat([Buffer.of(12), number, ...rest]);
  };
  const framed = (message: Buffer, length = message.length): Buffer => {
    const number = Buffer.alloc(4);
    number.writeUInt32BE(length);
    return Buffer.concat([number, message]);
  };

  test.each<[string, Buffer | null]>([
    ["closes at once", null],
    ["sends garbage", Buffer.from("HTTP/1.1 400 Bad Request\r\n\r\n")],
    ["announces four gigabytes", Buffer.of(0xff, 0xff, 0xff, 0xff, 12)],
    ["sends nothing in a message", Buffer.of(0, 0, 0, 0)],
    ["says that it failed", framed(Buffer.of(5))],
    ["claims keys that it does not list", framed(listing(3))],
    ["claims four billion keys", framed(listing(0xffffffff))],
    ["lists a key that is longer than the message", framed(listing(1, Buffer.of(0x7f, 0xff, 0xff, 0xff)))],
    ["lists an empty key", framed(listing(1, Buffer.alloc(8)))],
  ])("one that %s is none: the key in the file does it", async (_what, answer) => {
    const agent = await startTestAgent({
      answer: (_message, socket) => void (answer === null ? socket.destroy() : socket.write(answer)),
    });
    expect(await ours({ server: sshd, user: sshd.user, keys: [key.path], agent: agent.socket })).toBe("in");
    await waitFor(() => agent.open() === 0, { what: "its connections to be closed" });
  });

  test("one that closes in the middle of its answer", async () => {
    const agent = await startTestAgent({ answer: (_message, socket) => void socket.end(framed(listing(1), 999)) });
    expect(await new Agent(agent.socket).identities()).toEqual([]);
  });

  test("one that is not there", async () => {
    const agent = join(tempDir("agent"), "nobody");
    expect(await ours({ server: sshd, user: sshd.user, keys: [key.path], agent })).toBe("in");
  });

  test.each<[string, AgentKey["sign"], RegExp]>([
    ["refuses to sign", () => null, /refused to sign/],
    ["signs with another algorithm", () => Buffer.from("\0\0\0\x07ssh-rsa\0\0\0\x01x", "latin1"), /type ssh-rsa/],
    ["signs with nothing", () => Buffer.alloc(0), /refused to sign/],
    ["signs with garbage", () => Buffer.from("\xff\xff\xff\xffx", "latin1"), /signature of type/],
  ])("one that %s: the next key is tried, and if there is none the error says so", async (_what, sign, message) => {
    const agent = await startTestAgent({ keys: [{ blob: key.blob, comment: "liar", sign }] });
    const other = await makeKey();
    sshd.authorize(other.line);
    const login = { server: sshd, user: sshd.user, agent: agent.socket };
    expect(await ours({ ...login, keys: [other.path] })).toBe("in");
    await expect(dial(login)).rejects.toMatchObject({
      code: "KEY_INVALID",
      message: expect.stringMatching(new RegExp(`agent's key liar.*${message.source}`)),
    });
  });

  test("one that never signs: a login that is canceled leaves nothing open", async () => {
    const list = listing(1, framed(Buffer.from(key.blob)), framed(Buffer.from("slow")));
    const answer = (message: Buffer, socket: Socket): void => {
      if (message[0] === 11) socket.write(framed(list));
    };
    const agent = await startTestAgent({ answer });
    const abort = new AbortController();
    const opening = open({ port: sshd.port, user: sshd.user, agentSocket: agent.socket }, abort.signal);
    const outcome = opening.catch((error: { code: string }) => error.code);
    await waitFor(() => agent.asked.includes(13), { what: "the agent to be asked for a signature" });
    abort.abort();
    expect(await outcome).toBe("CANCELED");
    await waitFor(() => agent.open() === 0, { what: "its connections to be closed" });
  });

  test("one that signs something else: the server refuses it", async () => {
    const real = await startSshAgent();
    await real.add(key.path);
    const sign = (): Buffer =>
      Buffer.concat([Buffer.from("\0\0\0\x0bssh-ed25519\0\0\0\x40", "latin1"), Buffer.alloc(64)]);
    const agent = await startTestAgent({ keys: [{ blob: key.blob, sign }] });
    expect(await ours({ server: sshd, user: sshd.user, agent: agent.socket })).toBe("AUTH_FAILED");
  });
});
