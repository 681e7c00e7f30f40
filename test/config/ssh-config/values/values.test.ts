// biome-ignore-all lint/suspicious/noTemplateCurlyInString: ssh_config writes its variables so
/** What each keyword comes to, beside what the comparison with `ssh -G` shows. */
import { afterAll, describe, expect, test } from "bun:test";
import { hostname } from "node:os";
import { listAliases, resolve, resolveHost } from "../../../../src/config/ssh-config/resolve.ts";
import type { ResolvedHost } from "../../../../src/config/ssh-config/resolved-host.ts";
import { cleanup } from "../../../support/cleanup.ts";
import { environment, request } from "../requests.ts";
import { thrownBy } from "../thrown.ts";

afterAll(cleanup);

/** Of `web`, whose only configuration these lines are. */
const of = (lines: string): ResolvedHost => {
  const at = environment(null);
  const given = new Map([["/dev/fd/9", new TextEncoder().encode(`${lines}\n`)]]);
  return resolveHost(request("web", { configFile: "/dev/fd/9" }), { ...at, home: "/h", given });
};

describe("values", () => {
  test.each<[string, Partial<ResolvedHost>]>([
    ["", { connectTimeoutMs: null, serverAliveIntervalMs: null, rekeyLimit: { bytes: null, ms: null } }],
    [
      "",
      { updateHostKeys: "yes", identityAgent: { kind: "caller" }, forwardAgent: { kind: "no" }, remoteCommand: null },
    ],
    ["ConnectTimeout 1m30", { connectTimeoutMs: 90_000 }],
    ["ConnectTimeout none\nConnectTimeout 4", { connectTimeoutMs: 4000 }],
    ["ConnectTimeout 0", { connectTimeoutMs: null }],
    ["ServerAliveInterval 1m\nServerAliveCountMax 5", { serverAliveIntervalMs: 60_000, serverAliveCountMax: 5 }],
    ["ServerAliveInterval 0", { serverAliveIntervalMs: 0 }],
    ["RekeyLimit 1G 1h", { rekeyLimit: { bytes: 2 ** 30, ms: 3_600_000 } }],
    ["RekeyLimit 1.5k\nRekeyLimit 2G 30", { rekeyLimit: { bytes: 1536, ms: 30_000 } }],
    ["RekeyLimit 1G", { rekeyLimit: { bytes: 2 ** 30, ms: null } }],
    ["RekeyLimit default none", { rekeyLimit: { bytes: null, ms: 0 } }],
    ["RekeyLimit default 0\nRekeyLimit 1G 1h", { rekeyLimit: { bytes: null, ms: 0 } }],
    ["RekeyLimit default none\nRekeyLimit 1G 1h", { rekeyLimit: { bytes: null, ms: 3_600_000 } }],
    [
      "AddressFamily INET6\nBindAddress ::1\nBindInterface lo",
      { addressFamily: "inet6", bindAddress: "::1", bindInterface: "lo" },
    ],
    ["Port ssh", { port: 22 }],
    ["AddKeysToAgent yes", { addKeysToAgent: { mode: "yes", lifetimeMs: null } }],
    ["AddKeysToAgent confirm 5m", { addKeysToAgent: { mode: "confirm", lifetimeMs: 300_000 } }],
    ["AddKeysToAgent 1h", { addKeysToAgent: { mode: "yes", lifetimeMs: 3_600_000 } }],
    ["IdentityAgent none", { identityAgent: { kind: "none" } }],
    ["IdentityAgent SSH_AUTH_SOCK", { identityAgent: { kind: "caller" } }],
    ["IdentityAgent ${SSH_AUTH_SOCK}", { identityAgent: { kind: "caller" } }],
    ["IdentityAgent $KEYS", { identityAgent: { kind: "socket", path: "/keys" } }],
    ["IdentityAgent $NOT_SET", { identityAgent: { kind: "none" } }],
    ["IdentityAgent ~/%h-${KEYS}", { identityAgent: { kind: "socket", path: "/h/web-/keys" } }],
    ["ForwardAgent yes", { forwardAgent: { kind: "caller" } }],
    ["ForwardAgent /a/%r", { forwardAgent: { kind: "socket", path: "/a/me" } }],
    ["ForwardAgent yes\nForwardAgent ~/s", { forwardAgent: { kind: "socket", path: "/h/s" } }],
    ["ForwardAgent no\nForwardAgent ~/s", { forwardAgent: { kind: "no" } }],
    ["ForwardAgent $NOT_SET", { forwardAgent: { kind: "no" } }],
    [
      "SetEnv A=1 A=2 B=x=y\nSetEnv C=3",
      {
        setEnv: [
          { name: "A", value: "1" },
          { name: "B", value: "x=y" },
        ],
      },
    ],
    ["SendEnv A LC_*\nSendEnv -L* B", { sendEnv: ["A", "B"] }],
    ["CertificateFile ~/c\nCertificateFile none\nCertificateFile /d/%h", { certificateFiles: ["/h/c", "/d/web"] }],
    ["RevokedHostKeys ~/r", { revokedHostKeys: "/h/r" }],
    ["RevokedHostKeys None", { revokedHostKeys: null }],
    ["GlobalKnownHostsFile ~/g g", { globalKnownHostsFiles: ["/h/g", "/desk/g"] }],
    ["HostKeyAlias DB\nUserKnownHostsFile /k/%k", { hostKeyAlias: "db", userKnownHostsFiles: ["/k/db"] }],
    ["UserKnownHostsFile /other", { updateHostKeys: "no" }],
    ["UpdateHostKeys ask", { updateHostKeys: "ask" }],
    ["UpdateHostKeys ask\nControlPersist 5m", { updateHostKeys: "no" }],
    ["StrictHostKeyChecking accept-new", { strictHostKeyChecking: "accept-new" }],
    [
      "Ciphers ^aes128-ctr\nMACs -umac-*\nKexAlgorithms +curve25519-sha256",
      { ciphers: "^aes128-ctr", macs: "-umac-*", kexAlgorithms: "+curve25519-sha256" },
    ],
    [
      "PubkeyAcceptedKeyTypes ssh-*\nHostKeyAlgorithms ssh-ed25519",
      { pubkeyAcceptedAlgorithms: "ssh-*", hostKeyAlgorithms: "ssh-ed25519" },
    ],
    ["RequiredRSASize 10", { requiredRsaBits: 1024 }],
    ["RequiredRSASize 3072\nCompression yes", { requiredRsaBits: 3072, compression: true }],
    ["PreferredAuthentications password,publickey", { preferredAuthentications: ["password", "publickey"] }],
    [
      "PubkeyAuthentication host-bound\nPasswordAuthentication no",
      { pubkeyAuthentication: true, passwordAuthentication: false },
    ],
    ["ChallengeResponseAuthentication no\nBatchMode yes", { kbdInteractiveAuthentication: false, batchMode: true }],
    ["NumberOfPasswordPrompts 0\nConnectionAttempts 3", { numberOfPasswordPrompts: 0, connectionAttempts: 3 }],
    ["RequestTTY true", { requestTty: "yes" }],
    ["RemoteCommand echo %n:%p '%%' ${X} # all", { remoteCommand: "echo web:22 '%' ${X} # all" }],
    ["RemoteCommand none", { remoteCommand: null }],
    ['ProxyCommand = "nc" -x %h %p %r %n %k', { proxy: { kind: "command", command: '"nc" -x web 22 me web web' } }],
    ["ProxyJump a,bob@b:3 # far\nProxyCommand nc", { proxy: { kind: "jump", hops: ["a", "bob@b:3"] } }],
    ["ProxyJump ssh://u@j:9\nHost web", { proxy: { kind: "jump", hops: ["ssh://u@j:9"] } }],
    ["ProxyJump %r@jump-%h", { proxy: { kind: "jump", hops: ["me@jump-web"] } }],
    ["ProxyJump none\nProxyCommand nc %h", { proxy: { kind: "command", command: "nc web" } }],
    ["ProxyJump none\nProxyJump a", { proxy: { kind: "direct" } }],
    ["ProxyCommand none\nProxyJump a", { proxy: { kind: "direct" } }],
    [
      "IdentityFile /i/%i-%u-%L-%l-%d-%C-%j",
      { identityFiles: [expect.stringContaining(`-me-${hostname().split(".")[0]}-${hostname()}-/h-`)] },
    ],
    ["Tag t\nMatch tagged t,u\nPort 5", { port: 5 }],
    ["Match tagged t\nPort 5", { port: 22 }],
    ["Match !tagged t\nPort 5", { port: 5 }],
    ["Match localnetwork 10.99.0.0/16,127.0.0.0/8\nPort 5", { port: 5 }],
    ["Match localnetwork 255.255.255.255\nPort 5", { port: 22 }],
  ])("%p", (lines, values) => {
    expect(of(lines)).toMatchObject(values);
  });
});

test.each([
  ["Port 70000", 'Port takes a number from 1 to 65535, not "70000"'],
  ["ConnectTimeout 1x", 'ConnectTimeout takes a time such as 30 or 5m, not "1x"'],
  ["ServerAliveCountMax -1", 'ServerAliveCountMax takes a whole number, not "-1"'],
  ["RekeyLimit 15", 'RekeyLimit "15" is less than 16 bytes'],
  ["RekeyLimit 1G soon", 'RekeyLimit takes a time such as 1h after the size, not "soon"'],
  ["AddKeysToAgent yes 5m", 'AddKeysToAgent takes yes, no, ask, confirm [TIME] or a time, not "yes 5m"'],
  ["AddressFamily ipv4", 'AddressFamily takes inet, inet6, any, not "ipv4"'],
  ["Ciphers aes128-ctr,rot13", 'Ciphers names an algorithm that ssh does not know: "rot13"'],
  ["HostKeyAlgorithms nothing*", 'HostKeyAlgorithms names an algorithm that ssh does not know: "nothing*"'],
  ["SendEnv A=1", 'SendEnv takes names of variables, not "A=1"'],
  ["SetEnv A", "SetEnv takes NAME=VALUE, and has an argument without ="],
  ["IdentityAgent ${NOT_SET}", "the environment variable NOT_SET is not set"],
  ["IdentityAgent ${", "an environment variable is written ${NAME}"],
  ["CanonicalDomains a..b", 'CanonicalDomains takes domains, not "a..b"'],
  ["CanonicalDomains none a", "CanonicalDomains: none must stand alone"],
  ["CanonicalizePermittedCNAMEs a", 'CanonicalizePermittedCNAMEs takes SOURCES:TARGETS, not "a"'],
  ["LocalForward 80 b", 'LocalForward takes [ADDRESS:]PORT HOST:PORT, not "80:b"'],
  ["LocalForward ${NOT_SET}/x /y", "the environment variable NOT_SET is not set"],
  ["RemoteForward ${NOT_SET}", "the environment variable NOT_SET is not set"],
  ["DynamicForward ${", "an environment variable is written ${NAME}"],
  ["LocalForward ${KEYS} b", 'LocalForward takes [ADDRESS:]PORT HOST:PORT, not "/keys:b"'],
  ["Match localnetwork 10.0.0.1/8", 'Match localnetwork takes networks such as 10.0.0.0/8, not "10.0.0.1/8"'],
])("%p is refused by file, line and reason, wherever it stands", (line, reason) => {
  const at = environment(`Host other\n\n ${line}\n`);
  const error = thrownBy(() => resolveHost(request("web"), at));
  expect([error.code, error.message]).toEqual(["CONFIG_INVALID", `${at.home}/.ssh/config:3: ${reason}`]);
  expect(error.hint).toBe(`vi +3 ${at.home}/.ssh/config`);
});

test.each(["ConnectionAttempts 0", "RemoteCommand %z", "ProxyCommand nc %u", "ProxyJump web", "ProxyJump me@web:22"])(
  "%p is refused where it applies",
  (line) => {
    const at = environment(`Host web\n ${line}\n`);
    expect(thrownBy(() => resolveHost(request("web"), at)).message).toStartWith(`${at.home}/.ssh/config:2: `);
    expect(resolveHost(request("other"), at).port).toBe(22);
  },
);

test("an own file is read after the user's and before the system's, and not with -F", () => {
  const at = environment("Port 1\nIdentityFile /u\n", "Port 3\nUser sys\nIdentityFile /s\n");
  const ownFile = `${at.home}/own`;
  const missing = resolveHost(request("web"), { ...at, ownFile });
  expect([missing.port, missing.user]).toEqual([1, "sys"]);
  Bun.spawnSync([
    "sh",
    "-c",
    `umask 077; printf 'Port 2\\nUser own\\nHost mine web\\n IdentityFile /o\\n' > ${ownFile}`,
  ]);
  const { host, directives } = resolve(request("web"), { ...at, ownFile });
  expect([host.port, host.user, host.identityFiles, host.isAlias]).toEqual([1, "own", ["/u", "/o", "/s"], true]);
  expect(directives.get("user")?.map(({ origin }) => origin)).toEqual([
    { file: ownFile, line: 2 },
    { file: `${at.home}/system_config`, line: 2 },
  ]);
  expect(resolveHost(request("web", { configFile: "none" }), { ...at, ownFile }).user).toBe("me");
  Bun.spawnSync(["chmod", "666", ownFile]);
  expect(() => resolveHost(request("web"), { ...at, ownFile })).toThrow("own may be written by others");
});

test("aliases are the hosts that are named without wildcards, each once, in order", () => {
  const at = environment(
    "Host b a *.x !c\nHost a d?\nMatch host q\n Include inner\nHost *\n Include none-*\n",
    "Host sys b\n",
  );
  Bun.spawnSync(["sh", "-c", `umask 077; printf 'Host z !y\\n' > ${at.home}/.ssh/inner`]);
  const config = `${at.home}/.ssh/config`;
  expect(listAliases(null, at)).toEqual([
    { name: "b", origin: { file: config, line: 1 } },
    { name: "a", origin: { file: config, line: 1 } },
    { name: "z", origin: { file: `${at.home}/.ssh/inner`, line: 1 } },
    { name: "sys", origin: { file: `${at.home}/system_config`, line: 1 } },
  ]);
  expect(listAliases("none", at)).toEqual([]);
});
