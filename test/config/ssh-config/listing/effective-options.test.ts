/** Where values come from, and what is acted on; that names, values and order are ssh's own is shown in oracle/. */
import { afterAll, describe, expect, test } from "bun:test";
import { join } from "node:path";
import { type AlgorithmSets, effectiveOptions } from "../../../../src/config/ssh-config/listing/effective-options.ts";
import { describeOrigin } from "../../../../src/config/ssh-config/origin.ts";
import { type HostEnvironment, type HostRequest, resolve } from "../../../../src/config/ssh-config/resolve.ts";
import { cleanup } from "../../../support/cleanup.ts";
import { environment, request } from "../requests.ts";
import { thrownBy } from "../thrown.ts";

afterAll(cleanup);

const some = { defaults: ["aes128-ctr"], supported: ["aes128-ctr", "aes256-ctr"] };
const sets: AlgorithmSets = {
  ciphers: some,
  macs: some,
  kexalgorithms: some,
  hostkeyalgorithms: some,
  pubkeyacceptedalgorithms: some,
  casignaturealgorithms: some,
  hostbasedacceptedalgorithms: some,
};

const options = (env: HostEnvironment, more: Partial<HostRequest> = {}) =>
  effectiveOptions(resolve(request("web1", more), env), sets);

/** `NAME VALUE < PLACE` of what does not come from a default. */
const written = (env: HostEnvironment, more: Partial<HostRequest> = {}): string[] =>
  options(env, more).flatMap(({ name, value, origin }) =>
    origin === null ? [] : [`${name} ${value} < ${describeOrigin(origin).replace(env.home, "")}`],
  );

describe("a value comes from", () => {
  test("the file and line of the first that applies, the user's before the system's", () => {
    const env = environment("Host db\n Port 1\nHost web*\n Port 2\n User ann\n", "Port 3\nCompression yes\n");
    expect(written(env)).toEqual([
      "host web1 < the request",
      "user ann < /.ssh/config:5",
      "port 2 < /.ssh/config:4",
      "compression yes < /system_config:2",
    ]);
  });

  test("the command line before all files", () => {
    const given = { user: "bob", port: 7, options: ["Compression=yes"], identityFiles: ["/k"] };
    expect(written(environment("User ann\nPort 1\nIdentityFile ~/f\n"), given)).toEqual([
      "host web1 < the request",
      "user bob < the request",
      "port 7 < the request",
      "compression yes < -o",
      "identityfile /k < the request",
      "identityfile ~/f < /.ssh/config:3",
    ]);
  });

  test("a line of its own for each of those that add up", () => {
    const env = environment("SendEnv A B\nHost web1\nSendEnv C -A\nSetEnv X=1 Y=2\nSetEnv Z=3\nProxyJump a,b:9 # c\n");
    expect(written(env).slice(1)).toEqual([
      "sendenv B < /.ssh/config:1",
      "sendenv C < /.ssh/config:3",
      "setenv X=1 < /.ssh/config:4",
      "setenv Y=2 < /.ssh/config:4",
      "proxyjump a,b:9 < /.ssh/config:6",
    ]);
  });

  test("nowhere, when it is a default", () => {
    expect(options(environment(null)).filter(({ origin }) => origin !== null)).toHaveLength(1);
  });
});

test("lists of algorithms are what we offer, not what ssh would", () => {
  const offered = (lines: string): string | undefined =>
    options(environment(lines)).find(({ name }) => name === "ciphers")?.value;
  expect(offered("")).toBe("aes128-ctr");
  expect(offered("Ciphers +3des-cbc,aes256-ctr\n")).toBe("aes128-ctr,aes256-ctr");
  expect(offered("Ciphers ^aes256-ctr\n")).toBe("aes256-ctr,aes128-ctr");
  expect(offered("Ciphers aes256-ctr,chacha20-poly1305@openssh.com\n")).toBe("aes256-ctr");
});

test("what is acted on says so, and nothing else does", () => {
  // Everything at once, so that no line is left out.
  const all = environment(
    "ProxyJump j\nHostKeyAlias a\nRevokedHostKeys /r\nBindAddress ::1\nPreferredAuthentications password\nSetEnv A=1\n" +
      "SendEnv B\nRemoteCommand x\nCertificateFile /c\nIdentityAgent none\nControlPath /s\nLocalForward 1 a:1\n",
  );
  const command = environment("ProxyCommand nc\n");
  const acted = new Set([...options(all), ...options(command)].filter((one) => one.acted).map(({ name }) => name));
  const promised =
    "hostname port user identityfile identitiesonly identityagent certificatefile addkeystoagent proxyjump proxycommand userknownhostsfile " +
    "globalknownhostsfile stricthostkeychecking hostkeyalias hashknownhosts revokedhostkeys updatehostkeys kexalgorithms ciphers macs " +
    "hostkeyalgorithms pubkeyacceptedalgorithms preferredauthentications passwordauthentication kbdinteractiveauthentication " +
    "pubkeyauthentication batchmode numberofpasswordprompts connecttimeout serveraliveinterval serveralivecountmax tcpkeepalive " +
    "addressfamily bindaddress compression setenv sendenv remotecommand requesttty forwardagent rekeylimit canonicalizehostname canonicaldomains";
  expect(promised.split(" ").filter((name) => !acted.has(name))).toEqual([]);
  const not = [
    "controlpath",
    "controlmaster",
    "localforward",
    "forwardx11",
    "gssapiauthentication",
    "loglevel",
    "tunnel",
  ];
  expect(not.filter((name) => acted.has(name))).toEqual([]);
});

test("a variable that is not set is an error by file and line, in an option that is shown alone, too", () => {
  const env = environment("\nControlPath /a/$" + "{NOT_SET}\n");
  const { code, message } = thrownBy(() => options(env));
  expect(code).toBe("CONFIG_INVALID");
  expect(message).toStartWith(join(env.home, ".ssh/config:2: "));
});

test("a value that holds variables of the environment says so", () => {
  const env = environment("ControlPath $" + "{KEYS}/%C\nIdentityAgent /a\nRemoteForward $" + "{KEYS}/a /b\n");
  const holding = options(env).filter(({ holdsVariables }) => holdsVariables);
  expect(holding.map(({ name, value }) => `${name} ${value.slice(0, 6)}`)).toEqual([
    "controlpath /keys/",
    "remoteforward /keys/",
  ]);
});
