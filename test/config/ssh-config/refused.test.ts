/** What ssh_config asks for and we do not do, what is passed over and still listed, and what `-o` takes. */
import { afterAll, describe, expect, test } from "bun:test";
import { resolve, resolveHost } from "../../../src/config/ssh-config/resolve.ts";
import { cleanup } from "../../support/cleanup.ts";
import { environment, request } from "./requests.ts";
import { thrownBy } from "./thrown.ts";

afterAll(cleanup);

describe("what we cannot do", () => {
  test.each([
    ["KnownHostsCommand /bin/keys", "KnownHostsCommand applies to web1 and is not supported"],
    ["ProxyCommand -", "ProxyCommand -, the caller's own input and output, is not supported"],
    ["ProxyUseFdpass yes\n ProxyCommand nc", "ProxyUseFdpass is not supported"],
  ])("%p is refused where it applies, by file and line", (line, message) => {
    const env = environment(`Host web*\n Port 1\n ${line}\nHost db\n Port 2\n`);
    const error = thrownBy(() => resolveHost(request("web1"), env));
    expect(error.code).toBe("UNSUPPORTED");
    expect(error.message).toStartWith(`${env.home}/.ssh/config:3: ${message}`);
    expect(error.hint).toBe("ssh-mcp connect -F none USER@HOST:PORT");
    expect(resolveHost(request("db"), env).port).toBe(2);
  });

  test("RefuseConnection says what it was written for", () => {
    const env = environment('Host old\n RefuseConnection "use new.example.com"\n');
    const error = thrownBy(() => resolveHost(request("old"), env));
    expect([error.code, error.message]).toEqual([
      "PRECONDITION_FAILED",
      `${env.home}/.ssh/config:2: "use new.example.com"`,
    ]);
    expect(resolveHost(request("new"), env).port).toBe(22);
  });

  test("Match version, sessiontype and command of OpenSSH 10, where they decide", () => {
    const env = environment("Match host web1 command x\n Port 9\nMatch originalhost db version *\n Port 8\n");
    expect(thrownBy(() => resolveHost(request("web1"), env)).message).toContain(
      ":1: Match command is not supported yet",
    );
    expect(thrownBy(() => resolveHost(request("db"), env)).message).toContain(":3: Match version is not supported yet");
    expect(resolveHost(request("other"), env).port).toBe(22);
  });

  test("a secret in a command does not reach the message", () => {
    const line = "KnownHostsCommand keys --password hunter2\n";
    const error = thrownBy(() => resolveHost(request("h"), environment(line)));
    expect(JSON.stringify(error.toRecord())).not.toContain("hunter2");
    const setEnv = thrownBy(() => resolveHost(request("h"), environment("SetEnv hunter2\n")));
    expect(JSON.stringify(setEnv.toRecord())).not.toContain("hunter2");
  });
});

test.each([
  "CheckHostIP yes",
  "ControlPath ~/.ssh/%C",
  "GSSAPIAuthentication yes",
  "KnownHostsCommand none",
  "LocalForward 8080 localhost:80",
  "PKCS11Provider /lib/p11.so",
  "ProxyUseFdpass yes",
  "SessionType none",
  "VerifyHostKeyDNS yes",
  "UseKeychain yes",
])("%p is passed over, and listed with its place", (line) => {
  const env = environment(`\n${line}\nPort 2\n`);
  const { host, directives } = resolve(request("h"), env);
  expect(host.port).toBe(2);
  const [keyword = "", ...value] = line.split(" ");
  expect(directives.get(keyword.toLowerCase())).toMatchObject([
    { rest: value.join(" "), origin: { file: `${env.home}/.ssh/config`, line: 2 } },
  ]);
});

describe("options", () => {
  test.each([
    ["Port=x", '-o: Port takes a number from 1 to 65535, not "x"'],
    ["Port", "-o: there is no argument after port"],
    ["IdentitiesOnly=maybe", '-o: IdentitiesOnly takes yes or no, not "maybe"'],
    ["StrictHostKeyChecking=1", '-o: StrictHostKeyChecking takes yes, ask, accept-new or no, not "1"'],
    ["Hostnme=x", '-o: there is no keyword "hostnme"'],
    ["", "-o: there is no keyword in it"],
    ["Host=x", "-o: host is for files: -F names one"],
    ["Match=all", "-o: match is for files: -F names one"],
    ["Include=x", "-o: include is for files: -F names one"],
    ["ProxyJump=a b", '-o: the host name "a b" has characters'],
    ["ProxyJump=$(id)", '-o: the host name "$(id)" has characters'],
    ["ProxyJump=-oX", '-o: the host name "-oX" has characters'],
    ["ProxyJump=a,,b", '-o: ProxyJump takes [USER@]HOST[:PORT],…, not "a,,b"'],
    ["ProxyJump=h", "-o: ProxyJump to h leads through the host itself"],
  ])("%p is refused", (option, message) => {
    const error = thrownBy(() => resolveHost(request("h", { options: [option] }), environment(null)));
    expect([error.code, error.message.slice(0, message.length)]).toEqual(["INVALID_INPUT", message]);
  });

  test("are whatever ssh takes", () => {
    const options = ["ProxyJump=none", "proxycommand nc %h", "LogLevel=DEBUG", "ControlMaster auto", "BatchMode=yes"];
    expect(resolveHost(request("h", { options }), environment(null))).toMatchObject({
      batchMode: true,
      proxy: { kind: "command", command: "nc h" },
    });
  });

  test("a misspelt one is corrected", () => {
    const { message, hint } = thrownBy(() => resolveHost(request("h", { options: ["HostNme=x"] }), environment(null)));
    expect(message).toBe('-o: there is no keyword "hostnme"; did you mean HostName?');
    expect(hint).toBe("ssh-mcp connect -o HostName=VALUE DESTINATION");
    const env = environment("IdentityFle x\n");
    expect(() => resolveHost(request("h"), env)).toThrow(
      'config:1: there is no keyword "identityfle"; did you mean IdentityFile?',
    );
    const ignoring = environment("IgnoreUnknown Identity*\nIdentityFle x\nPort 3\n");
    expect(resolveHost(request("h"), ignoring).port).toBe(3);
  });

  test("a port in the request is checked like any other", () => {
    const error = thrownBy(() => resolveHost(request("h", { port: 70000 }), environment(null)));
    expect(error.message).toBe('the request: Port takes a number from 1 to 65535, not "70000"');
  });
});
