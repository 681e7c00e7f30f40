import { afterAll, describe, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import { isHostAlias, resolveHost } from "../../../src/config/ssh-config/resolve.ts";
import { cleanup } from "../../support/cleanup.ts";
import { runCommand } from "../../support/command.ts";
import { listen } from "../../support/listener.ts";
import { tempDir } from "../../support/temp.ts";
import { oracleEnvironment } from "./oracle/ssh-oracle.ts";
import { environment, request } from "./requests.ts";
import { thrownBy } from "./thrown.ts";

afterAll(cleanup);

describe("resolveHost", () => {
  test("without any file gives OpenSSH's defaults", () => {
    const env = environment(null);
    expect(resolveHost(request("Web1"), env)).toMatchObject({
      hostname: "web1",
      port: 22,
      user: "me",
      identityFiles: ["rsa", "ecdsa", "ecdsa_sk", "ed25519", "ed25519_sk", "xmss", "dsa"].map(
        (type) => `${env.home}/.ssh/id_${type}`,
      ),
      identityFilesRequested: 0,
      identitiesOnly: false,
      userKnownHostsFiles: [`${env.home}/.ssh/known_hosts`, `${env.home}/.ssh/known_hosts2`],
      globalKnownHostsFiles: ["/etc/ssh/ssh_known_hosts", "/etc/ssh/ssh_known_hosts2"],
      strictHostKeyChecking: "ask",
      hashKnownHosts: false,
      isAlias: false,
    });
  });

  test("takes options before the request, the request before the user's file, that before the system's", () => {
    const env = environment(
      "Port 3\nUser user\nIdentityFile /user\nHost web1\n HostName user.example.com\n",
      "Port 4\nUser system\nHostName system.example.com\nIdentitiesOnly yes\nIdentityFile /system\nIdentityFile /user\n",
    );
    const resolved = resolveHost(
      request("web1", {
        port: 2,
        user: "request",
        identityFiles: ["~/k", "none", "k", "%d/k"],
        options: ["Port=1", "IdentityFile /o"],
      }),
      env,
    );
    expect(resolved).toMatchObject({
      hostname: "user.example.com",
      port: 1,
      user: "request",
      identitiesOnly: true,
      identityFiles: [`${env.home}/k`, "/desk/k", "/o", "/user", "/system"],
      identityFilesRequested: 2,
      isAlias: true,
    });
    const bare = resolveHost(request("web1"), env);
    expect([bare.port, bare.user, bare.identityFiles]).toEqual([3, "user", ["/user", "/system"]]);
  });

  test("reads -F alone, from where the caller is, and for none nothing", () => {
    const env = environment("Port 3\n", "User system\n");
    writeFileSync(join(env.home, "other"), "IdentitiesOnly yes\n");
    const other = resolveHost(request("h", { configFile: "other" }), { ...env, cwd: env.home });
    expect([other.port, other.user, other.identitiesOnly]).toEqual([22, "me", true]);
    const none = resolveHost(request("h", { configFile: "None" }), env);
    expect([none.port, none.user]).toEqual([22, "me"]);
    const error = thrownBy(() => resolveHost(request("h", { configFile: "missing" }), env));
    expect([error.code, error.message]).toEqual(["CONFIG_INVALID", "there is no configuration file /desk/missing"]);
  });

  test("works with Debian's stock system file", () => {
    const resolved = resolveHost(request("h"), { ...environment(null), systemFile: "/etc/ssh/ssh_config" });
    expect([resolved.hostname, resolved.port, resolved.hashKnownHosts]).toEqual(["h", 22, true]);
  });

  test("sees in Match what earlier lines set, and not later ones", () => {
    const env = environment(
      [
        "Match host real",
        " Port 1",
        "Host a",
        " HostName REAL",
        " User ann",
        "Match host real user ann originalhost a localuser me",
        " Port 2",
        "Match user me",
        " Port 3",
      ].join("\n"),
    );
    expect(resolveHost(request("a"), env).port).toBe(2);
    expect(resolveHost(request("b"), env).port).toBe(3);
    expect(resolveHost(request("real"), env).port).toBe(1);
  });

  test("does not read IdentityFile none as a file, nor look for the defaults then", () => {
    const resolved = resolveHost(request("h"), environment("IdentityFile none\nUserKnownHostsFile none\n"));
    expect(resolved.identityFiles).toEqual([]);
    expect(resolved.userKnownHostsFiles).toEqual([]);
  });

  test("lets IgnoreUnknown silence what it names, from there on", () => {
    expect(resolveHost(request("h"), environment("IgnoreUnknown Foo*\nFooBar 1\nPort 2\n")).port).toBe(2);
    expect(() => resolveHost(request("h"), environment("FooBar 1\nIgnoreUnknown Foo*\n"))).toThrow(
      "FooBar".toLowerCase(),
    );
    expect(() => resolveHost(request("h"), environment("Host x\nIgnoreUnknown Foo*\nHost *\nFooBar 1\n"))).toThrow(
      ":4:",
    );
  });
});

describe("tokens", () => {
  test("expand in paths as ssh expands them", async () => {
    const listener = await listen((socket) => socket.destroy());
    const folder = tempDir("tokens");
    const file = join(folder, "config");
    const lines = [
      "Host Alias",
      " HostName 127.1",
      " User ann",
      ` Port ${listener.port}`,
      " IdentityFile ~/%h/%n/%p/%r/%u/%i/%L/%l/%k/%C/%%",
      ` IdentityFile %d/$SSH_MCP_TEST/\${SSH_MCP_TEST}`,
      " IdentityFile ~root//x",
      " IdentityFile /a/../b//c",
      ` UserKnownHostsFile ~/%h-%n \${SSH_MCP_TEST}%p /x%%`,
    ];
    writeFileSync(file, `${lines.join("\n")}\n`);
    const ssh = await runCommand(["ssh", "-v", "-o", "BatchMode=yes", "-F", file, "Alias", "true"], {
      env: { SSH_MCP_TEST: "/from the environment" },
    });
    const theirs = [...ssh.stderr.matchAll(/^debug1: identity file (.*) type -?\d+\r?$/gm)].map((line) => line[1]);
    const resolved = resolveHost(request("Alias", { configFile: file }), oracleEnvironment);
    expect(resolved.identityFiles.flatMap((path) => [path, `${path}-cert`])).toEqual(theirs as string[]);
    const asked = await runCommand(["ssh", "-G", "-F", file, "Alias"], {
      env: { SSH_MCP_TEST: "/from the environment" },
    });
    const files = /^userknownhostsfile (.*)$/m.exec(asked.stdout)?.[1];
    expect(resolved.userKnownHostsFiles.join(" ").replaceAll(`${oracleEnvironment.cwd}/`, "")).toBe(files as string);
    expect(resolved.identityFiles[0]).toContain(`/127.0.0.1/Alias/${listener.port}/ann/`);
    expect(resolved.identityFiles[0]).toContain(`/${hostname()}/`);
  });

  test.each([
    ["IdentityFile /%z", "there is no token %z here"],
    ["IdentityFile /%", "there is no token % here"],
    [`IdentityFile \${NOPE}/k`, `the environment variable NOPE is not set`],
    [`IdentityFile \${toString}`, `the environment variable toString is not set`],
    [`IdentityFile \${}`, `an environment variable is written \${NAME}`],
    [`IdentityFile \${KEYS`, `an environment variable is written \${NAME}`],
    ["IdentityFile ~nobody-has-this-name/k", "~nobody-has-this-name/k: there is no such user"],
    ["UserKnownHostsFile /a /%z", "there is no token %z here"],
    ["HostName %p", "there is no token %p here"],
  ])("%s is an error", (line, message) => {
    const env = environment(`Host *\n${line}\n`);
    const error = thrownBy(() => resolveHost(request("h"), env));
    expect([error.code, error.message]).toEqual(["CONFIG_INVALID", `${env.home}/.ssh/config:2: ${message}`]);
  });

  test("of the request are the request's fault", () => {
    const error = thrownBy(() => resolveHost(request("h", { identityFiles: ["%z"] }), environment(null)));
    expect([error.code, error.message]).toEqual(["INVALID_INPUT", "the request: there is no token %z here"]);
  });
});

describe("isHostAlias", () => {
  const env = environment(
    [
      "Host plain user@odd:22 negated !negated",
      " Port 1",
      "Host wild* qu?stion",
      "Match originalhost matched exec false",
      " Include ~/matched",
      "Host outer",
      " Include ~/outer",
    ].join("\n"),
  );
  writeFileSync(join(env.home, "matched"), "Host in-match\n", { mode: 0o600 });
  writeFileSync(join(env.home, "outer"), "Host outer inner\n", { mode: 0o600 });

  test.each([
    ["plain", true],
    ["Plain", false],
    ["user@odd:22", true],
    ["negated", false],
    ["wild1", false],
    ["wild*", false],
    ["matched", false],
    ["in-match", true],
    ["outer", true],
    // Included where only `outer` applies: ssh never gets there for another name.
    ["inner", false],
  ])("%s: %p", (name, expected) => {
    expect(isHostAlias(name, null, env)).toBe(expected);
    expect(isHostAlias(name, "none", env)).toBe(false);
  });
});
