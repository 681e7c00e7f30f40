/** What ssh_config asks for and we cannot do, and what `-o` takes. */
import { afterAll, describe, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { resolveHost } from "../../../src/config/ssh-config/resolve.ts";
import { cleanup } from "../../support/cleanup.ts";
import { environment, request } from "./requests.ts";
import { thrownBy } from "./thrown.ts";

afterAll(cleanup);

describe("what we cannot do", () => {
  test.each([
    "ProxyJump bastion",
    "ProxyCommand nc %h %p",
    "HostKeyAlias other",
    "CertificateFile ~/cert",
    "IdentityAgent ~/agent.sock",
    "IdentityAgent none",
    "RevokedHostKeys /krl",
    "HostKeyAlgorithms ssh-rsa",
    "KexAlgorithms curve25519-sha256",
    "Ciphers aes128-ctr",
    "MACs hmac-sha2-256",
    "PubkeyAcceptedKeyTypes +ssh-rsa",
    "BindAddress 127.0.0.1",
    "BindInterface lo",
    "AddressFamily inet6",
    "RemoteCommand tmux",
    "PreferredAuthentications publickey",
    "PubkeyAuthentication no",
    "PasswordAuthentication no",
    "ChallengeResponseAuthentication no",
    "BatchMode yes",
    "CanonicalizeHostname always",
    "CheckHostIP yes",
    "KnownHostsCommand /bin/keys",
    "PKCS11Provider /lib/p11.so",
    "RequiredRSASize 2048",
    "SessionType none",
  ])("%s is refused where it applies, by file and line", (line) => {
    const env = environment(`Host web*\n Port 1\n ${line}\nHost db\n Port 2\n`);
    const error = thrownBy(() => resolveHost(request("web1"), env));
    expect(error.code).toBe("UNSUPPORTED");
    expect(error.message).toStartWith(`${env.home}/.ssh/config:3: `);
    expect(error.message).toContain("applies to web1 and is not supported yet");
    expect(error.hint).toBe("ssh-mcp connect -F none USER@HOST:PORT");
    expect(resolveHost(request("db"), env).port).toBe(2);
  });

  test.each([
    "ProxyJump none",
    "ProxyCommand none",
    "AddressFamily any",
    "IdentityAgent SSH_AUTH_SOCK",
    "PubkeyAuthentication yes",
    "PasswordAuthentication yes",
    "BatchMode no",
    "CheckHostIP no",
    "RemoteCommand none",
    "RequiredRSASize 1024",
    "GSSAPIAuthentication yes",
    "ForwardAgent yes",
    "ControlPath ~/.ssh/%C",
    "LocalForward 8080 localhost:80",
    "UseKeychain yes",
    "ServerAliveInterval 15",
  ])("%s is none of that", (line) => {
    expect(resolveHost(request("h"), environment(`${line}\nPort 2\n`)).port).toBe(2);
  });

  test("the first value decides whether it is refused", () => {
    expect(resolveHost(request("h"), environment("ProxyJump none\nHost *\nProxyCommand nc\n")).port).toBe(22);
    expect(() => resolveHost(request("h"), environment("ProxyCommand nc\nProxyJump none\n"))).toThrow("ProxyCommand");
    expect(() => resolveHost(request("h"), environment("CertificateFile none\nCertificateFile c\n"))).toThrow(":2:");
  });

  test("a secret in a command does not reach the message", () => {
    const error = thrownBy(() => resolveHost(request("h"), environment("ProxyCommand proxy --password hunter2\n")));
    expect(JSON.stringify(error.toRecord())).not.toContain("hunter2");
  });

  test.each(["exec true", "localnetwork 10.0.0.0/8", "canonical", "!final", "tagged x", "host web1 exec true"])(
    "Match %s is refused where it decides",
    (criteria) => {
      const env = environment(`Match originalhost web1 ${criteria}\n Port 9\n`);
      const error = thrownBy(() => resolveHost(request("web1"), env));
      expect(error.code).toBe("UNSUPPORTED");
      expect(error.message).toMatch(/config:1: Match \w+ is not supported yet/);
      expect(resolveHost(request("web2"), env).port).toBe(22);
      // Inside a file that a block that does not apply includes, it decides nothing.
      writeFileSync(join(env.home, "inner"), `Match ${criteria}\n Port 9\n`, { mode: 0o600 });
      writeFileSync(join(env.home, ".ssh/config"), "Host db\n Include ~/inner\n");
      expect(resolveHost(request("web1"), env).port).toBe(22);
    },
  );
});

describe("options", () => {
  test.each([
    ["Port=x", "INVALID_INPUT", '-o: Port takes a number from 1 to 65535, not "x"'],
    ["Port", "INVALID_INPUT", "-o: there is no argument after port"],
    ["IdentitiesOnly=maybe", "INVALID_INPUT", '-o: identitiesonly takes yes or no, not "maybe"'],
    ["StrictHostKeyChecking=1", "INVALID_INPUT", '-o: StrictHostKeyChecking takes yes, ask, accept-new or no, not "1"'],
    ["Hostnme=x", "INVALID_INPUT", '-o: there is no keyword "hostnme"'],
    ["", "INVALID_INPUT", "-o: there is no keyword in it"],
    ["ProxyJump=none", "UNSUPPORTED", "-o ProxyJump is not supported yet"],
    ["proxycommand nc", "UNSUPPORTED", "-o ProxyCommand is not supported yet"],
    ["LogLevel=DEBUG", "UNSUPPORTED", "-o LogLevel is not supported yet"],
    ["Host=x", "UNSUPPORTED", "-o Host is not supported yet"],
    ["Include=x", "UNSUPPORTED", "-o Include is not supported yet"],
  ] as const)("%p is %s", (option, code, message) => {
    const error = thrownBy(() => resolveHost(request("h", { options: [option] }), environment(null)));
    expect(error.code).toBe(code);
    expect(error.message).toStartWith(message);
  });

  test("a misspelt one is corrected", () => {
    const refusal = (option: string) =>
      thrownBy(() => resolveHost(request("h", { options: [option] }), environment(null)));
    const { message, hint } = refusal("HostNme=x");
    expect(message).toBe('-o: there is no keyword "hostnme"; did you mean HostName?');
    expect(hint).toBe("ssh-mcp connect -o HostName=VALUE DESTINATION");
    expect(refusal("ProxyJump=x").message).toContain("; -o takes HostName, Port, User, ");
    const env = environment("IdentityFle x\n");
    expect(() => resolveHost(request("h"), env)).toThrow(
      'config:1: there is no keyword "identityfle"; did you mean IdentityFile?',
    );
  });

  test("a port in the request is checked like any other", () => {
    const error = thrownBy(() => resolveHost(request("h", { port: 70000 }), environment(null)));
    expect(error.message).toBe('the request: Port takes a number from 1 to 65535, not "70000"');
  });
});
