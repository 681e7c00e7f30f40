import { describe, expect, test } from "bun:test";
import { connectCommandOf } from "../../../src/broker/logins/connect-command.ts";
import {
  hiddenFromAgents,
  holdValues,
  lackValues,
  toType,
  withoutValues,
} from "../../../src/broker/logins/option-secrets.ts";
import { SshMcpError } from "../../../src/core/errors.ts";
import { requestFor } from "../sessions/sessions.ts";

describe("values of SetEnv", () => {
  test.each([
    ["SetEnv=TOKEN=hunter2", "SetEnv=TOKEN", "SetEnv=TOKEN=VALUE"],
    ["setenv TOKEN=hunter2 B=x=y", "SetEnv=TOKEN B", "SetEnv=TOKEN=VALUE B=VALUE"],
    [' SetEnv = TOKEN="hunter2 and more"', "SetEnv=TOKEN", "SetEnv=TOKEN=VALUE"],
    ['SetEnv="TOKEN=hunter2"', "SetEnv=TOKEN", "SetEnv=TOKEN=VALUE"],
    ["SetEnv=EMPTY=", "SetEnv=EMPTY", "SetEnv=EMPTY=VALUE"],
    ['SetEnv="a b=hunter2" =x', "SetEnv=a_b NAME", "SetEnv=a_b=VALUE NAME=VALUE"],
  ])("%s is kept as %s, and typed again as %s", (option, kept, typed) => {
    expect([holdValues([option]), lackValues([option])]).toEqual([true, false]);
    expect(withoutValues(["Compression=yes", option])).toEqual(["Compression=yes", kept]);
    expect([holdValues([kept]), lackValues(["Compression=yes", kept])]).toEqual([false, true]);
    expect([toType(option), toType(kept)]).toEqual([option, typed]);
    expect(connectCommandOf(requestFor("db1", { options: [kept] }), null)).toContain(` -o '${typed}' db1`);
  });

  test.each(["SendEnv=A", "ProxyCommand=SetEnv=A", "User=SetEnv", "", "SetEnv", 'SetEnv="A=b'])(
    "%p has none",
    (option) => {
      expect([holdValues([option]), lackValues([option]), toType(option)]).toEqual([false, false, option]);
      expect(withoutValues([option])).toEqual([option]);
    },
  );
});

describe("an agent", () => {
  test.each([
    ["SetEnv=TOKEN=hunter2", "SetEnv=TOKEN=VALUE"],
    ["SetEnv=EMPTY=", "SetEnv=EMPTY=VALUE"],
    ["ProxyCommand=sshpass -p 'hunter2' ssh -W %h:%p gate", "ProxyCommand=COMMAND"],
    ["remotecommand mysql -phunter2", "RemoteCommand=COMMAND"],
    ["LocalCommand=notify hunter2", "LocalCommand=COMMAND"],
    ["KnownHostsCommand=/bin/keys hunter2", "KnownHostsCommand=COMMAND"],
    ["ProxyCommand=none", "ProxyCommand=none"],
    ["Compression=yes", "Compression=yes"],
  ])("reads for %s no more than %s", (option, shown) => {
    const command = connectCommandOf(requestFor("db1", { options: ["Tag=x", option], configFile: null }), null);
    const error = new SshMcpError("AUTH_REQUIRED", "it takes a password", { hint: `X=y ${command} --timeout 60s` });
    const told = hiddenFromAgents(error, [option, option]);
    const wanted = connectCommandOf(requestFor("db1", { options: ["Tag=x", shown], configFile: null }), null);
    expect(told).toMatchObject({ code: "AUTH_REQUIRED", message: error.message, retryable: true });
    expect(told.hint).toBe(`X=y ${wanted} --timeout 60s`);
  });

  test("reads of what was not kept that it has to be given again", () => {
    const hint = connectCommandOf(requestFor("db1", { options: ["SetEnv=A"] }), null);
    expect(hiddenFromAgents(new SshMcpError("AUTH_REQUIRED", "", { hint }), ["SetEnv=A"]).hint).toBe(hint);
  });

  test("reads it in no message either", () => {
    const error = new SshMcpError("CONFIG_INVALID", "-o SetEnv=TOKEN=hunter2: there is no such option");
    expect(hiddenFromAgents(error, ["SetEnv=TOKEN=hunter2"]).message).not.toContain("hunter2");
  });
});
