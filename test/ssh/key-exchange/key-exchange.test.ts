import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { type AlgorithmChoice, algorithmsFor } from "../../../src/ssh/key-exchange/algorithms.ts";
import { cleanup } from "../../support/cleanup.ts";
import { startDropbear } from "../../support/dropbear.ts";
import { type KeyPair, makeKey } from "../../support/keys.ts";
import { startScriptedServer } from "../../support/scripted-server.ts";
import { type Sshd, startSshd } from "../../support/sshd.ts";
import { waitFor } from "../../support/wait.ts";
import { open, run } from "../open.ts";
import { plainChoice } from "../plain-choice.ts";

let login: KeyPair;
let sshd: Sshd;

beforeAll(async () => {
  login = await makeKey();
  sshd = await startSshd({
    authorizedKeys: [login.line],
    hostKeys: ["ed25519", "rsa"],
    options: [
      "KexAlgorithms +diffie-hellman-group1-sha1,diffie-hellman-group14-sha1,diffie-hellman-group-exchange-sha1",
      "Ciphers +aes128-cbc,aes192-cbc,aes256-cbc,3des-cbc",
      "MACs +hmac-md5,hmac-md5-96,hmac-sha1-96",
      "HostKeyAlgorithms +ssh-rsa",
      "LogLevel DEBUG",
    ],
  });
});
afterAll(cleanup);

const connectTo = (server: { port: number; user: string }, choice: Partial<AlgorithmChoice>) =>
  open({
    ...{ port: server.port, user: server.user, keys: [login.path] },
    algorithms: algorithmsFor({ ...plainChoice, ...choice }),
  });

const classic = [
  "diffie-hellman-group14-sha256",
  "diffie-hellman-group16-sha512",
  "diffie-hellman-group18-sha512",
  "diffie-hellman-group-exchange-sha256",
  "diffie-hellman-group-exchange-sha1",
  "diffie-hellman-group14-sha1",
  "diffie-hellman-group1-sha1",
];

describe("each algorithm that is neither new nor gone, with OpenSSH", () => {
  const cases: [string, Partial<AlgorithmChoice>, string][] = [
    ...classic.map((name): [string, Partial<AlgorithmChoice>, string] => [
      ...([name, { kexAlgorithms: name }] as const),
      `kex: algorithm: ${name} `,
    ]),
    ...["aes128-cbc", "aes192-cbc", "aes256-cbc", "3des-cbc", "aes192-ctr"].map(
      (name): [string, Partial<AlgorithmChoice>, string] => [name, { ciphers: name }, `cipher: ${name} `],
    ),
    ...["hmac-sha1", "hmac-sha1-etm@openssh.com", "hmac-sha1-96", "hmac-md5", "hmac-md5-96", "hmac-sha2-512"].map(
      (name): [string, Partial<AlgorithmChoice>, string] => [
        ...([name, { ciphers: "aes128-ctr", macs: name }] as const),
        `MAC: ${name} `,
      ],
    ),
    ["ssh-rsa", { hostKeyAlgorithms: "ssh-rsa" }, "host key algorithm: ssh-rsa"],
    ["zlib", { compression: true }, "compression: zlib@openssh.com"],
  ];
  test.each(cases)("%s", async (_name, choice, logged) => {
    const connection = await connectTo(sshd, choice);
    expect(await run(connection, "echo hello; head -c 100000 /dev/zero | wc -c")).toMatchObject({
      stdout: "hello\n100000\n",
      exitCode: 0,
    });
    expect(`${sshd.log()} `.replaceAll("\n", " \n")).toContain(logged);
  });
});

test.each(classic.filter((name) => name.includes("group14")))("%s, with Dropbear", async (kexAlgorithms) => {
  const dropbear = await startDropbear({ authorizedKeys: [login.line] });
  const connected = connectTo(dropbear, { kexAlgorithms });
  expect(await run(await connected, "echo hello")).toMatchObject({ stdout: "hello\n", exitCode: 0 });
});

test("compression that begins before the login", async () => {
  const server = await startScriptedServer({
    algorithms: { compress: ["zlib"] },
    exec: async (command) => command.finish(0, await command.stdin()),
  });
  const connection = await connectTo({ ...server, user: "tester" }, {});
  const text = "the same again ".repeat(10_000);
  expect(await run(connection, "anything", { stdin: [Buffer.from(text)] })).toMatchObject({
    stdout: text,
    exitCode: 0,
  });
});

test("a keepalive of 0 never asks", async () => {
  const server = await startSshd({ authorizedKeys: [login.line], options: ["LogLevel DEBUG"] });
  const asking = (intervalMs: number) =>
    open({
      ...{ port: server.port, user: server.user, keys: [login.path] },
      keepalive: { intervalMs, countMax: 3 },
    });
  expect(await run(await asking(0), "sleep 0.2; echo hello")).toMatchObject({ stdout: "hello\n", exitCode: 0 });
  expect(server.log()).not.toContain("keepalive@openssh.com");
  await asking(50);
  await waitFor(() => server.log().includes("keepalive@openssh.com"), { what: "a keepalive" });
});
