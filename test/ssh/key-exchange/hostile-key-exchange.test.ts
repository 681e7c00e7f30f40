import { afterAll, describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import ssh2 from "ssh2";
import { algorithmsFor } from "../../../src/ssh/key-exchange/algorithms.ts";
import { namedGroup } from "../../../src/ssh/key-exchange/diffie-hellman.ts";
import { cleanup } from "../../support/cleanup.ts";
import { mustRun } from "../../support/command.ts";
import { type KeyPair, makeKey, readPublicKey } from "../../support/keys.ts";
import { startScriptedServer } from "../../support/scripted-server.ts";
import { sendMessage, showCertificate } from "../../support/ssh-packet.ts";
import { startSshd } from "../../support/sshd.ts";
import { waitFor, within } from "../../support/wait.ts";
import { open, run, type TestConnectionOptions } from "../open.ts";
import { plainChoice } from "../plain-choice.ts";
import { startKexServer, wireString } from "./kex-server.ts";

afterAll(cleanup);

const connect = (server: { port: number }, options: Partial<TestConnectionOptions> = {}) =>
  within(open({ port: server.port, user: "tester", timeoutMs: 5000, ...options }), { what: "an end" });

/** Message numbers: RFC 4253, section 12; RFC 4419, section 5. */
const message = { ignore: 2, init: 30, reply: 31, group: 31, groupInit: 32, groupReply: 33, groupRequest: 34 };

const { prime } = namedGroup("modp14");
const mpint = (number: bigint): Buffer => {
  const digits = number.toString(16);
  const bytes = Buffer.from(digits.length % 2 === 0 ? digits : `0${digits}`, "hex");
  return wireString((bytes[0] ?? 0) >= 0x80 ? Buffer.concat([Buffer.of(0), bytes]) : bytes);
};

describe("classic Diffie-Hellman", () => {
  test.each<[string, bigint, bigint, RegExp]>([
    ["1024 bits", namedGroup("modp2").prime, 2n, /group of 1024 bits, not of 2048 to 8192/],
    ["16,384 bits", (1n << 16_383n) + 1n, 2n, /group of 16384 bits/],
    ["no prime", prime + 1n, 2n, /group that is none/],
    ["a generator of 1", prime, 1n, /group that is none/],
  ])("a group with %s is refused, and gets no key of ours", async (_what, p, g, words) => {
    const server = await startKexServer({
      kex: "diffie-hellman-group-exchange-sha256",
      answer: (type) =>
        type === message.groupRequest ? Buffer.concat([Buffer.of(message.group), mpint(p), mpint(g)]) : null,
    });
    await expect(connect(server)).rejects.toMatchObject({
      code: "PROTOCOL_ERROR",
      message: expect.stringMatching(words),
    });
    expect(server.heard).not.toContain(message.groupInit);
  });

  test.each<[string, Buffer]>([
    ["1", mpint(1n)],
    ["p - 1", mpint(prime - 1n)],
    ["more than p", mpint(prime << 8n)],
    ["a negative number", wireString(Buffer.alloc(256, 0xff))],
    ["nothing", wireString("")],
  ])("a server's key that is %s is refused before its host key is judged", async (_what, key) => {
    const host = await makeKey();
    const judged: Buffer[] = [];
    const server = await startKexServer({
      kex: "diffie-hellman-group14-sha256",
      answer: (type) =>
        type === message.init
          ? Buffer.concat([Buffer.of(message.reply), wireString(host.blob), key, wireString("signature")])
          : null,
    });
    const verifyHostKey = async (shown: Buffer): Promise<boolean> => {
      judged.push(shown);
      return true;
    };
    await expect(connect(server, { verifyHostKey })).rejects.toMatchObject({ code: "PROTOCOL_ERROR" });
    expect(judged).toEqual([]);
  });

  test("a server that goes away, and a cancel, while a thread computes", async () => {
    const gone = await startKexServer({
      kex: "diffie-hellman-group18-sha512",
      answer: () => {
        for (const socket of gone.sockets) socket.destroy();
        return null;
      },
    });
    await expect(connect(gone)).rejects.toMatchObject({ code: "CONNECTION_LOST" });
    const silent = await startKexServer({ kex: "diffie-hellman-group18-sha512" });
    const cancel = new AbortController();
    const opening = open({ port: silent.port, user: "tester" }, cancel.signal);
    await waitFor(() => silent.accepted() === 1, { what: "the connection" });
    cancel.abort();
    await expect(within(opening, { what: "the cancel" })).rejects.toMatchObject({ code: "CANCELED" });
  });

  test("a flood behind the reply is not kept without limit", async () => {
    const host = await makeKey();
    const before = process.memoryUsage.rss();
    const server = await startKexServer({
      kex: "diffie-hellman-group18-sha512",
      answer: (type) => {
        if (type !== message.init) return null;
        const flood = Buffer.alloc(1024 * 1024);
        setImmediate(() => {
          for (const socket of server.sockets) for (let count = 0; count < 200; count++) socket.write(flood);
        });
        return Buffer.concat([
          ...[Buffer.of(message.reply), wireString(host.blob), mpint(5n << 2048n), wireString("signature")],
        ]);
      },
    });
    await expect(connect(server)).rejects.toMatchObject({
      code: expect.stringMatching(/PROTOCOL_ERROR|CONNECTION_LOST/),
    });
    expect(process.memoryUsage.rss() - before).toBeLessThan(500 * 1024 * 1024);
  });
});

describe("a host certificate", () => {
  const certified = async (key: KeyPair): Promise<Buffer> => {
    const authority = await makeKey();
    await mustRun(["ssh-keygen", "-q", "-s", authority.path, "-h", "-I", "test", `${key.path}.pub`]);
    return Buffer.from(readPublicKey(`${key.path}-cert.pub`).blob);
  };
  const privateKey = (key: KeyPair): ssh2.ParsedKey => {
    const parsed = ssh2.utils.parseKey(readFileSync(key.path));
    if (parsed instanceof Error) throw parsed;
    return parsed;
  };
  const algorithm = "ssh-ed25519-cert-v01@openssh.com";
  /** Where the certified key begins: behind the type and a nonce of 32 bytes. */
  const keyAt = 4 + algorithm.length + 4 + 32;
  const reach = async (blob: Buffer, signer: KeyPair) => {
    const server = await startScriptedServer({
      connected: (connection) => showCertificate(connection, algorithm, blob, privateKey(signer)),
    });
    const algorithms = algorithmsFor({ ...plainChoice, hostKeyAlgorithms: algorithm });
    const opening = connect(server, { algorithms });
    return { opening, server };
  };

  test("whose key signs is taken", async () => {
    const key = await makeKey();
    const certificate = await certified(key);
    const { opening } = await reach(certificate, key);
    expect((await opening).login.hostKey).toEqual(Buffer.from(key.blob));
  });

  test.each<[string, (blob: Buffer) => Buffer, string]>([
    ["that somebody else uses", (blob) => blob, "signature verification failed"],
    ["cut in its key", (blob) => blob.subarray(0, keyAt + 10), "Malformed OpenSSH public key"],
    ["cut in its nonce", (blob) => blob.subarray(0, keyAt - 10), "malformed host certificate"],
    [
      "that is a plain key",
      (blob) => Buffer.concat([wireString("ssh-ed25519"), blob.subarray(keyAt, keyAt + 36)]),
      "Host key does not match negotiated type",
    ],
    [
      "of another type",
      (blob) => Buffer.concat([wireString("ssh-rsa-cert-v01@openssh.com"), blob.subarray(4 + algorithm.length)]),
      "Host key does not match negotiated type",
    ],
  ])("%s is refused, even by a verifier that takes any, and nobody is logged in", async (_what, change, words) => {
    const [key, other] = await Promise.all([makeKey(), makeKey()]);
    const { opening, server } = await reach(change(await certified(key)), other);
    await expect(opening).rejects.toMatchObject({
      code: "PROTOCOL_ERROR",
      message: expect.stringContaining(words),
    });
    expect(server.attempts).toEqual([]);
  });
});

test("a packet that grows to more than any packet may is refused", async () => {
  const server = await startScriptedServer({
    algorithms: { compress: ["zlib@openssh.com"] },
    exec: (command) => {
      command.accept();
      sendMessage(command.connection, message.ignore, new Uint8Array(4 * 1024 * 1024));
    },
  });
  const connection = await connect(server, { algorithms: algorithmsFor({ ...plainChoice, compression: true }) });
  expect(await run(connection, "anything")).toMatchObject({ outcome: "unknown" });
  expect(await connection.ended).toMatchObject({
    code: "PROTOCOL_ERROR",
    message: expect.stringContaining("exceeded maximum"),
  });
});

test("an RSA host key that is shorter than required is not even judged", async () => {
  const sshd = await startSshd({ hostKeys: ["rsa"] });
  const judged: Buffer[] = [];
  const verifyHostKey = async (key: Buffer): Promise<boolean> => {
    judged.push(key);
    return true;
  };
  await expect(connect(sshd, { requiredRsaBits: 4096, verifyHostKey })).rejects.toMatchObject({
    code: "KEY_INVALID",
    message: `the RSA host key of 127.0.0.1 port ${sshd.port} has 3072 bits; at least 4096 are required`,
    hint: 'add "RequiredRSASize 3072" for this host to ssh_config',
  });
  expect(judged).toEqual([]);
});
