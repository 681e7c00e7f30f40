// biome-ignore-all lint/suspicious/noTemplateCurlyInString: ssh_config writes its variables so
/** What other readers of ssh_config got wrong, and the corners of readconf.c, each asked of `ssh -G`. */
import { afterAll, describe, expect, test } from "bun:test";
import { chmodSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { cleanup } from "../../../support/cleanup.ts";
import { tempDir } from "../../../support/temp.ts";
import { compare } from "./compare.ts";
import type { Question } from "./ssh-oracle.ts";

afterAll(cleanup);

/** Writes the files; `@` in a text stands for their folder. */
const write = (files: Readonly<Record<string, string>>): string => {
  const folder = tempDir("ssh-config");
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), text.replaceAll("@/", `${folder}/`));
  }
  return folder;
};

const ask = async (
  text: string,
  more: Partial<Question> & { files?: Record<string, string> } = {},
): Promise<boolean> => {
  const { files = {}, ...question } = more;
  return await compare({ file: join(write({ main: text, ...files }), "main"), host: "web1", ...question });
};

interface Case {
  text: string;
  host?: string;
  options?: readonly string[];
  refused?: true;
}

const check =
  ({ text, refused, ...question }: Case) =>
  async (): Promise<void> => {
    expect(await ask(text, question)).toBe(refused !== true);
  };

const cases = (title: string, all: readonly Case[]): void => {
  describe(title, () => {
    for (const one of all) {
      const { text, host, options } = one;
      const name = JSON.stringify([text.length > 120 ? `${text.slice(0, 120)}…` : text, host, options].filter(Boolean));
      test(name, check(one));
    }
  });
};

cases("comments", [
  { text: "Host web1 # Name of host\n HostName one # Private\n" },
  { text: "Host web1\n HostName one   # Bob's server\n User 'a # b' # c\n" },
  { text: "Match all # CLOUDFLARE\n HostName one # x\n" },
  { text: "Match host web1 # x\n HostName one#two\n" },
  { text: "# 'unclosed\nPort 3\n" },
  { text: 'Ciphers "aes256-ctr,aes128-ctr # not a cipher"\n', refused: true },
  { text: "SetEnv A=#x B=b#y #C=z\nSendEnv A #B\n" },
  { text: "ProxyCommand sh -c 'echo # no comment' # none\n" },
  { text: "RemoteCommand echo # not a comment\n" },
  { text: "ProxyJump one,two # comment\n" },
]);

cases("quotes and backslashes", [
  { text: 'Host abc "foo bar" web1\n Port 3\n' },
  { text: 'Host "web1"\n Port 3\n' },
  { text: 'Host "web1 web2"\n Port 3\n' },
  { text: "Host 'web1'\n Port 3\n" },
  { text: '"Host" web1\nPort 3\n' },
  { text: "User a\\ b\n" },
  { text: "User a\\b\n" },
  { text: 'User "a\\"b"\n' },
  { text: "User 'a\\'\n", refused: true },
  { text: 'User a"b c"d\n' },
  { text: 'User "a""b"\n' },
  { text: 'IdentityAgent "\\\\\\\\.\\\\pipe\\\\openssh-ssh-agent"\n' },
  { text: 'IdentityAgent "\\\\.\\pipe\\openssh-ssh-agent"\n' },
  { text: 'SetEnv "A=b c" \'D="e"\' F=\\"g\\"\n' },
  { text: "IdentityFile \"~/a b\"\nIdentityFile '~/a b'\nIdentityFile ~/a\\ b\n" },
  { text: 'ProxyCommand "C:\\Program Files\\nc" -W %h:%p\n' },
  { text: 'User ""\n', refused: true },
  { text: "User ''\n", refused: true },
]);

cases("equals signs", [
  { text: "ProxyCommand socat - PROXY:server1:server2:22,proxyport=1234\n" },
  { text: "ProxyCommand=nc %h %p\n" },
  { text: "ProxyCommand = nc %h %p\n" },
  { text: "ProxyCommand == nc\n" },
  { text: "Host=web1\nPort=3\n" },
  { text: "Host = web1 web2\nPort = 3\n" },
  { text: "Port==3\n", refused: true },
  { text: "User =\n", refused: true },
  { text: "User a=b\n" },
  { text: "Match host=web1 user=root\n Port 3\n" },
  { text: "Match host = web1\n Port 3\n" },
  { text: "SetEnv=A=b\n" },
  { text: "SetEnv A=b=c\n" },
]);

cases("patterns", [
  { text: "Host web* !web*.*\n HostName %h.domain\n" },
  { text: "Host web* !web*.*\n HostName %h.domain\n", host: "web01.domain" },
  { text: "Host !foo\n Port 3\n" },
  { text: "Host !foo !bar\n Port 3\n" },
  { text: "Host !web1 *\n Port 3\n" },
  { text: "Host * !web1\n Port 3\n" },
  { text: "Host !foo *\n Port 3\n" },
  { text: "Host example.com | example.org\n Port 3\n" },
  { text: "Host [w]eb1\n Port 3\n" },
  { text: "Host w{eb1}\n Port 3\n" },
  { text: "Host ????\n Port 3\nHost ?????\n Port 4\n" },
  { text: "Host web1,web2\n Port 3\n" },
  { text: "Host ! web1\n Port 3\n" },
  { text: "Host !\n Port 3\n" },
  { text: "Host !!web1\n Port 3\n" },
  { text: "Host WEB1\n Port 3\n" },
  { text: "Host web1\n Port 3\n", host: "WEB1" },
  { text: "Match host WEB1\n Port 3\n" },
  { text: "Match originalhost WEB1\n Port 3\n" },
  { text: "Match host web1,\n Port 3\n" },
  { text: "Match host !web2\n Port 3\n" },
  { text: "Match host !web2,*\n Port 3\n" },
  { text: "Match !host web2\n Port 3\n" },
  { text: "Match !host !web2,*\n Port 3\n" },
  { text: `Host ${"x".repeat(5000)} web1\n Port 3\n` },
  { text: `Match host ${"x".repeat(1022)},web1\n Port 3\n` },
  { text: `Match host ${"x".repeat(1023)},web1\n Port 3\n` },
  { text: `Host ${"*a".repeat(300)}\n Port 3\n` },
  { text: "Host\n Port 3\n", refused: true },
  { text: "Host #\n Port 3\n" },
]);

cases("characters", [
  { text: "" },
  { text: "Port 3" },
  { text: "Host web1\r\n\tPort 3\r\n\tUser ann\r\n" },
  { text: "Host web1\rPort 3\r" },
  { text: "Port 3\f\nUser ann \f\t\n" },
  { text: "\fPort 3\n", refused: true },
  { text: "\vPort 3\n", refused: true },
  { text: "User a\fb\n" },
  { text: "User a\vb\n" },
  { text: "User\u00a0ann\n", refused: true },
  { text: "User ann\u00a0bob\n" },
  { text: "User J\u00fcrgen\nHostName b\u00fccher.example\n" },
  { text: "Host w\u00e9b\n Port 3\nHost w??b\n Port 4\nHost w?b\n Port 5\n", host: "w\u00e9b" },
  { text: "HostName B\u00dcCHER.Example\n" },
  { text: "\ufeffPort 3\n", refused: true },
  { text: "Port 3\0 4\nUser ann\n" },
  { text: "User ann\0bob\n" },
  { text: "\0Port 3\nPort 4\n" },
  { text: `# ${"x".repeat(200_000)}\nPort 3\n` },
  { text: `User ${"x".repeat(3000)}\n` },
  { text: `SetEnv A=${"x".repeat(20_000)}\n` },
  { text: `${"\n".repeat(3000)}Port x\n`, refused: true },
  { text: `SendEnv ${Array.from({ length: 2000 }, (_, index) => `V${index}`).join(" ")}\n` },
  { text: "   \t  Port\t \t3  \t \n" },
  { text: "port 3\nPORT 4\nPoRt 5\n" },
]);

cases("the first value wins", [
  { text: "Port 3\nHost web1\n Port 4\n" },
  { text: "Host *\n Port 3\nHost web1\n Port 4\n User ann\n" },
  { text: "Match host web1\n HostName one\nMatch host web1\n HostName two\nMatch host one\n Port 5\n" },
  { text: "HostName one\nMatch originalhost web1 host one\n Port 3\n" },
  { text: "User ann\nMatch user root\n Port 3\nMatch user ann\n Port 4\n" },
  { text: "IdentityFile /a\nHost web1\n IdentityFile /b\n IdentityFile /a\nHost *\n IdentityFile none\n" },
  { text: "IdentityFile none\n" },
  { text: "CertificateFile /a\nCertificateFile /b\nCertificateFile /a\n" },
  { text: "SendEnv A B\nHost web1\n SendEnv -A C\nHost *\n SendEnv A\n" },
  { text: "SetEnv A=1 B=2 A=3\nSetEnv C=4\n" },
  { text: "SetEnv #\nSetEnv C=4\n" },
  { text: "ConnectTimeout none\nConnectTimeout 5\n" },
  { text: "ServerAliveInterval none\nServerAliveInterval 5\nBatchMode yes\n" },
  { text: "BatchMode yes\n" },
  { text: "RekeyLimit 1G\nRekeyLimit default 1h\n" },
  { text: "RekeyLimit default none\nRekeyLimit 5G 30\n" },
  { text: "ForwardAgent no\nForwardAgent /run/agent\n" },
  { text: "ForwardAgent /run/a\nForwardAgent /run/b\n" },
  { text: "Host nobody\n SyslogFacility AUTH\n StreamLocalBindMask 077\nStreamLocalBindMask 0111\n" },
  { text: "LocalForward 1 a:1\nLocalForward 1 a:1\nDynamicForward 2\nLocalForward 3 a:1\nRemoteForward 1\n" },
  { text: "DynamicForward 1\nLocalForward 2 /s/a\nDynamicForward 3\nLocalForward /s/%h /s/r\nLocalForward 4 a:1\n" },
  { text: "LocalForward 1 a:1\nTunnel yes\nClearAllForwardings yes\n" },
  { text: "UserKnownHostsFile ~/.ssh/known_hosts\n" },
  { text: "UserKnownHostsFile /a\n" },
  { text: "VerifyHostKeyDNS ask\n" },
  { text: "UpdateHostKeys ask\nRequestTTY no\n" },
  { text: "UpdateHostKeys ask\nRemoteCommand x\n" },
  { text: "LogVerbose a b\nLogVerbose c\n" },
  { text: "CanonicalDomains A.b c.D\nCanonicalDomains e.f\n" },
  { text: "GlobalKnownHostsFile #\nGlobalKnownHostsFile /b\n" },
]);

describe("ProxyJump and ProxyCommand exclude each other", () => {
  const lines = ["ProxyJump none", "ProxyJump j:9", "ProxyCommand none", "ProxyCommand nc %h", "ProxyJump NONE"];
  for (const first of lines) {
    for (const second of lines) {
      test(`${first}, ${second}`, check({ text: `${first}\n${second}\n` }));
      test(`-o ${first}, ${second}`, check({ text: `${second}\n`, options: [first] }));
    }
  }
});

cases("jumps", [
  { text: "ProxyJump web1\n", refused: true },
  { text: "ProxyJump web1:22\n", refused: true },
  { text: "ProxyJump web1:2222\n" },
  { text: "ProxyJump ann@web1\n" },
  { text: "User ann\nProxyJump ann@web1\n", refused: true },
  { text: "HostName one\nProxyJump web1\n" },
  { text: "HostName one\nProxyJump one\n", refused: true },
  { text: "ProxyJump a,web1\n", refused: true },
  { text: "ProxyJump web1,a\n" },
  { text: "ProxyJump %h-jump\n" },
  { text: "", options: ["ProxyJump=$(id)"], refused: true },
  { text: "", options: ["ProxyJump=-x"], refused: true },
  { text: "", options: ["ProxyJump=a;b@c"], refused: true },
]);

cases("tokens and variables", [
  { text: "HostName %h.example.com\nHost *.example.com\n Port 3\nMatch host *.example.com\n Port 4\n" },
  { text: "HostName %h%%%h\n" },
  { text: "HostName %n\n", refused: true },
  { text: "HostName %%%\n", refused: true },
  { text: "HostName ${SSH_MCP_TEST}\n" },
  { text: "HostName one\nUser ann\nPort 5\nControlPath /%h-%n-%p-%r-%u-%C-%L-%l-%i-%d-%k-%%\n" },
  { text: "HostKeyAlias Other\nControlPath /%k\nUserKnownHostsFile /%k\n" },
  { text: "ControlPath /%T\n", refused: true },
  { text: "RemoteCommand ${SSH_MCP_TEST} %h\n" },
  { text: "LocalCommand %z %h\n" },
  { text: "UserKnownHostsFile ~root/a ~/b /$HOME/c ${SSH_MCP_TEST}\n" },
  { text: "UserKnownHostsFile ~nobody-here/a\n", refused: true },
  { text: "UserKnownHostsFile /${NOT_SET}\n", refused: true },
  { text: "UserKnownHostsFile /${\n", refused: true },
  { text: "GlobalKnownHostsFile ~/a /%h /${NOT_SET}\n" },
  { text: "RevokedHostKeys ~/%h\n" },
  { text: "User %r\n" },
  { text: "LocalForward ${NOT_SET}/a /b\n", refused: true },
  { text: "LocalForward ${ /b\n", refused: true },
  { text: "Host nobody\n LocalForward ${NOT_SET}/x /y\n", refused: true },
  { text: "Host nobody\n LocalForward 80 ${NOT_SET}:1\n", refused: true },
  { text: "Host nobody\n RemoteForward ${NOT_SET}/x\n", refused: true },
  { text: "Host nobody\n DynamicForward ${\n", refused: true },
  { text: "Host nobody\n LocalForward a:${SSH_MCP_TEST} b:1\n", refused: true },
  { text: "Host nobody\n LocalForward ${SSH_MCP_TEST}/x ${SSH_MCP_TEST}/y\n DynamicForward /${SSH_MCP_TEST}\n" },
  { text: "LocalForward /a/%h-%p /b/%r\nRemoteForward ${SSH_MCP_TEST}/x /y/%%\n" },
]);

cases("Match", [
  { text: "Match\n", refused: true },
  { text: "Match all\n Port 3\n" },
  { text: "Match !all\n Port 3\n" },
  { text: "Match host web1 all\n Port 3\n" },
  { text: "Match host web2 all\n Port 3\n" },
  { text: "Match all host web1\n", refused: true },
  { text: "Match host web1 user root all\n", refused: true },
  { text: "Match exec true\n Port 3\n" },
  { text: 'Match exec "test %h = web1 && test %p = 22"\n Port 3\n' },
  { text: 'HostName one\nPort 5\nMatch exec "test %h%p%n%r = one5web1root"\n User yes\n' },
  { text: 'HostKeyAlias al\nMatch exec "test %k = al"\n Port 3\n' },
  { text: 'Match exec "test %k = web1"\n Port 3\n' },
  { text: "Match exec /nonexistent/program\n Port 3\n" },
  { text: "Match !exec false\n Port 3\n" },
  { text: "Match exec cat\n Port 3\n" },
  { text: 'Match exec "kill -9 $$"\n Port 3\n', refused: true },
  { text: 'Match host web2 exec "kill -9 $$"\n Port 3\n' },
  { text: 'Match host web2 exec "%z"\n Port 3\n', refused: true },
  { text: "Match exec 'true'\n Port 3\n" },
  { text: "Match localuser root user root\n Port 3\n" },
  { text: "Match user ro*,!root\n Port 3\n" },
  { text: "Match final\n Port 3\n" },
  { text: "Match !final\n Port 3\nMatch final\n Port 4\n User ann\n" },
  { text: "Port 3\nMatch final host web1\n Port 4\n" },
  { text: "Match final all\n Port 3\n" },
  { text: "Match canonical\n Port 3\n" },
  { text: "Match !canonical\n Port 3\n" },
  { text: "HostName one\nMatch final host one\n Port 3\nHost one\n User ann\n" },
  {
    text: "SendEnv A\nSetEnv A=1\nIdentityFile /a\nLocalForward 1 a:1\nMatch final\n SendEnv B\n SetEnv B=2\n IdentityFile /b\n",
  },
  { text: "Host nobody\n Port 9\nMatch final\n Port 3\n" },
  { text: "Match host nobody final\n Port 3\nMatch final exec true\n User ann\n" },
  { text: "Match exec true final\n Port 3\n" },
  { text: "Match host\n", refused: true },
  { text: "Match host #\n", refused: true },
  { text: "Match nothing web1\n", refused: true },
  { text: 'Match host "web1" "user" root\n Port 3\n' },
  { text: 'Match host web1"user" root\n Port 3\n', refused: true },
  { text: "Match host 'web1'\n Port 3\n" },
]);

cases("canonical names", [
  { text: "CanonicalizeHostname no\nCanonicalDomains a.invalid\nMatch canonical\n Port 3\n" },
  { text: "CanonicalizeHostname yes\nMatch canonical\n Port 3\nMatch final\n User ann\n" },
  { text: "CanonicalizeHostname yes\nCanonicalDomains a.invalid\nHost web1\n SendEnv A\n" },
  { text: "CanonicalizeHostname yes\nCanonicalDomains a.invalid\nCanonicalizeFallbackLocal no\n", refused: true },
  { text: "CanonicalizeHostname yes\nCanonicalDomains a.invalid\nCanonicalizeMaxDots 0\n", host: "a.b" },
  { text: "CanonicalizeHostname yes\nCanonicalizeFallbackLocal no\nProxyCommand nc\n" },
  { text: "CanonicalizeHostname always\nCanonicalizeFallbackLocal no\nProxyCommand nc\n", refused: true },
  { text: "CanonicalizeHostname yes\nMatch canonical host 127.0.0.1\n Port 3\n", host: "127.1" },
  { text: "CanonicalizeHostname yes\nMatch canonical\n HostName two\n Port 4\n" },
  { text: "CanonicalizeHostname yes\nMatch canonical host localhost\n Port 4\n", host: "localhost." },
  { text: "AddressFamily inet6\n", host: "127.1" },
  { text: "AddressFamily inet\n", host: "0:0::1" },
  { text: "HostName 0x7f.1\n" },
  { text: "HostName FE80::1\n" },
  { text: "HostName ONE.Example.COM\n" },
]);

cases("keywords ssh does not know", [
  { text: "Bogus yes\n", refused: true },
  { text: "IgnoreUnknown Bog*\nBogus yes 'x'\n" },
  { text: "IgnoreUnknown bogus,other\nBOGUS yes\nOther\n", refused: true },
  { text: "Bogus yes\nIgnoreUnknown Bogus\n", refused: true },
  { text: "Host nobody\n IgnoreUnknown Bogus\nHost *\n Bogus yes\n", refused: true },
  { text: "Host nobody\n Bogus yes\n", refused: true },
  { text: "IgnoreUnknown *\nIgnoreUnknown Bogus\nOther x\nPort 3\n" },
  { text: "IgnoreUnknown *\nBogus 'x\n", refused: true },
  { text: "IgnoreUnknown *\nPort x\n", refused: true },
  { text: "", options: ["IgnoreUnknown=Bogus", "Bogus=1"] },
  { text: "Bogus 1\n", options: ["IgnoreUnknown=Bogus"] },
  { text: "KnownHostsCommand none\n" },
  { text: "RSAAuthentication yes\nCipher x\nUseRoaming no\n" },
]);

cases("limits", [
  { text: Array.from({ length: 100 }, (_, index) => `IdentityFile /k${index}\n`).join("") },
  { text: Array.from({ length: 101 }, (_, index) => `IdentityFile /k${index}\n`).join(""), refused: true },
  { text: `${"IdentityFile /k\n".repeat(150)}` },
  { text: Array.from({ length: 101 }, (_, index) => `CertificateFile /k${index}\n`).join(""), refused: true },
  { text: `UserKnownHostsFile ${Array.from({ length: 32 }, (_, index) => `/k${index}`).join(" ")}\n` },
  { text: `UserKnownHostsFile ${Array.from({ length: 33 }, (_, index) => `/k${index}`).join(" ")}\n`, refused: true },
  { text: `CanonicalDomains ${Array.from({ length: 33 }, (_, index) => `d${index}`).join(" ")}\n`, refused: true },
]);

cases("the command line", [
  { text: "Port 9\nUser ann\nIdentityFile /f\n", options: ["Port=5", "User cli", "IdentityFile=/o"] },
  { text: "", options: ["Port 5", "Port 6"] },
  { text: "", options: ["Host=web1"], refused: true },
  { text: "", options: ["Match=all"], refused: true },
  { text: "", options: ["Include=/x"], refused: true },
  { text: "", options: ["Port"], refused: true },
  { text: "", options: ["Port=x"], refused: true },
  { text: "Match user cli\n Port 3\n", options: ["User=cli"] },
  { text: "Port x\n", options: ["Port=5"], refused: true },
]);

test("arguments of their own", async () => {
  const text = "Port 9\nUser ann\nIdentityFile /etc/hosts\nIdentityFile /f\nMatch user cli\n SendEnv A\n";
  expect(await ask(text, { user: "cli", port: 7, identityFiles: ["~/.", "/etc/hosts"] })).toBe(true);
  expect(await ask(text, { user: "cli", options: ["User=o", "Port=8"], port: 7 })).toBe(true);
  expect(await ask("HostName one\n", { host: "WEB1" })).toBe(true);
  expect(await ask("User a;b\n", {})).toBe(true);
  expect(await ask("", { user: "a;b" })).toBe(false);
  expect(await ask("", { user: "-x" })).toBe(false);
  expect(await ask("", { host: "a;b" })).toBe(false);
  expect(await ask("", { host: "$(id)" })).toBe(false);
  expect(await ask("", { host: "a\nb" })).toBe(false);
  expect(await ask("HostName $(id)\n")).toBe(true);
});

describe("Include", () => {
  test.each<{ main: string; files: Record<string, string>; host?: string }>([
    { main: "Host web1\n Port 3\n\nInclude @/a\n", files: { a: "User ann\nHost *\n SendEnv A\n" } },
    { main: "Host db\n Port 3\nInclude @/a\n", files: { a: "User ann\nHost web1\n SendEnv A\n" } },
    { main: "Host db\nMatch all\nInclude @/d/*.conf\n", files: { "d/b.conf": "Port 3\n", "d/a.conf": "Port 4\n" } },
    { main: "Include @/a\nPort 5\n", files: { a: "Port 3\n" } },
    { main: "Port 5\nInclude @/a\n", files: { a: "Port 3\nUser ann\n" } },
    { main: "Include @/a\nPort 5\n", files: { a: "Host db\n" } },
    { main: "Host web1\n Include @/a\n Port 5\n", files: { a: "Host db\n User no\nMatch user nobody\n" } },
    { main: "Host db\n Include @/a\n Port 5\n", files: { a: "Match all\n User no\nHost *\n Port 7\n" } },
    { main: "Include @/missing\nInclude @/no/*/such\nPort 5\n", files: {} },
    { main: "Include @/missing @/a @/b\n", files: { a: "Port 3\n", b: "Port 4\nUser ann\n" } },
    { main: "Include @/a @/a\n", files: { a: "SendEnv A\nIdentityFile /x\n" } },
    { main: 'Include "@/a b" @/c\\ d\n', files: { "a b": "Port 3\n", "c d": "User ann\n" } },
    { main: "Include=@/a\n", files: { a: "Port 3\n" } },
    { main: "Include @/a # comment\n", files: { a: "Port 3\n" } },
    { main: "Include @/d\nPort 5\n", files: { "d/a": "Port 3\n" } },
    { main: "Include @/d/*\n", files: { "d/.hidden": "Port 3\n", "d/B": "Port 4\n", "d/a": "Port 5\n" } },
    { main: "Include @/d/[!a]*\n", files: { "d/a": "Port 3\n", "d/b": "Port 4\n" } },
    { main: "Include @/d/[^a]*\n", files: { "d/a": "Port 3\n", "d/b": "Port 4\n" } },
    { main: "Include @/d/[[:digit:]]\n", files: { "d/1": "Port 3\n" } },
    { main: "Include @/{a,b}\n", files: { a: "Port 3\n", "{a,b}": "Port 4\n" } },
    { main: "Include @/d/**/x\n", files: { "d/e/f/x": "Port 3\n", "d/e/x": "Port 4\n" } },
    { main: "Include @/d/\\*\n", files: { "d/*": "Port 3\n", "d/a": "Port 4\n" } },
    { main: "Include ${SSH_MCP_TEST}\nInclude /%h\nPort 3\n", files: {} },
    { main: "Match final\n Include @/a\n", files: { a: "Port 3\nHost web1\n User ann\n" } },
    { main: "Include @/a\nMatch final\n Port 3\n", files: { a: "Match final\n Port 4\n" } },
    { main: "IgnoreUnknown Bogus\nInclude @/a\n", files: { a: "Bogus 1\nPort 3\n" } },
    { main: "Include @/a\nOther 1\n", files: { a: "IgnoreUnknown Other\n" } },
    {
      main: "Host web1\n Include @/a\n Include @/b\n",
      files: { a: "Host web1\n Port 1\nHost db\n Port 2\n", b: "Port 3\n" },
    },
  ])("%j is read", async ({ main, files, host = "web1" }) => {
    expect(await ask(main, { files, host })).toBe(true);
  });

  test.each<{ main: string; files: Record<string, string> }>([
    { main: "Host db\n Include @/a\n", files: { a: "Port 3\nPort x\n" } },
    { main: "Port x\nInclude @/a\n", files: { a: "\nUser a b\n" } },
    { main: "Include @/a\nPort x\n", files: { a: "\n\nUser a b\n" } },
    { main: "Include @/a\nUser 'x\n", files: { a: "\n\nPort x\n" } },
    { main: "Include @/a\nMatch\n", files: { a: "\n\nPort x\n" } },
    { main: "Host web1\nBogus\nInclude @/a\n", files: { a: "Bogus x\n" } },
    { main: "Include @/main\n", files: {} },
    { main: "Host db\nInclude @/a\n", files: { a: "Include @/main\n" } },
    { main: 'Include ""\n', files: {} },
    { main: "Include\n", files: {} },
    { main: "Match exec false\n Include @/a\n", files: { a: "Include @/b\n", b: "Port x\n" } },
    { main: "Include @/a\n", files: { a: "IgnoreUnknown Bogus\nBogus 1\nBogusTwo 1\n" } },
  ])("%j is refused at the same line", async ({ main, files }) => {
    expect(await ask(main, { files })).toBe(false);
  });

  test("files include each other sixteen deep, and no deeper", async () => {
    const chain = (length: number): Record<string, string> =>
      Object.fromEntries(
        Array.from({ length }, (_, index) => [
          `f${index + 1}`,
          index + 1 === length ? "Port 3\n" : `Include @/f${index + 2}\n`,
        ]),
      );
    expect(await ask("Include @/f1\n", { files: chain(16) })).toBe(true);
    expect(await ask("Include @/f1\n", { files: chain(17) })).toBe(false);
  });

  test("one that others can write is refused, wherever it stands", async () => {
    for (const block of ["", "Host db\n"]) {
      const folder = write({ main: `${block}Include @/a\n`, a: "Port 3\n" });
      chmodSync(join(folder, "a"), 0o666);
      expect(await compare({ file: join(folder, "main"), host: "web1" })).toBe(false);
    }
  });

  test("one that cannot be read is refused; one that a broken link names is not there", async () => {
    const folder = write({ main: "Include @/loop\nPort 3\n", other: "Include @/broken\nPort 3\n" });
    symlinkSync("loop", join(folder, "loop"));
    symlinkSync("nothing", join(folder, "broken"));
    expect(await compare({ file: join(folder, "main"), host: "web1" })).toBe(false);
    expect(await compare({ file: join(folder, "other"), host: "web1" })).toBe(true);
  });
});
