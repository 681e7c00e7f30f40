import { afterAll, describe, expect, test } from "bun:test";
import { absoluteRequest } from "../../../src/config/ssh-config/absolute-request.ts";
import { type HostEnvironment, type HostRequest, resolveHost } from "../../../src/config/ssh-config/resolve.ts";
import { cleanup } from "../../support/cleanup.ts";
import { environment, request } from "./requests.ts";

afterAll(cleanup);

const here = (more: Partial<HostEnvironment> = {}): HostEnvironment => ({ ...environment(null), ...more });

const from = (given: HostRequest, env: HostEnvironment): HostRequest => absoluteRequest(given, env);

describe("a request made absolute", () => {
  test.each<[string, Partial<HostRequest>]>([
    ["key files", { identityFiles: ["id", "/abs/id", "~/id", "keys/%h", "100%%", `\${KEYS}/id`] }],
    ["a key file twice", { identityFiles: ["id", "./id", "id"] }],
    ["no key file", { identityFiles: ["none"] }],
    ["a key file of an option", { options: ["IdentityFile=id", 'IdentityFile = "my id"', "identityfile ~/id"] }],
    [
      "files of known hosts",
      { options: ['UserKnownHostsFile known "other known" /abs ~/known', "GlobalKnownHostsFile=known ~/x"] },
    ],
    ["no file of known hosts", { options: ["UserKnownHostsFile=none"] }],
    ["quotes and backslashes", { options: ['IdentityFile="a \\"b\\" \\\\c"'] }],
    ["other options", { options: ["Port=22", "StrictHostKeyChecking no"] }],
  ])("%s: means the same from another folder", (_name, more) => {
    const env = here({ cwd: "/desk/100%/%h" });
    const given = request("web", { configFile: "none", ...more });
    const moved = from(given, env);
    expect(resolveHost(moved, { ...env, cwd: "/elsewhere" })).toEqual(resolveHost(given, env));
    // Made absolute again, it is the same text: it identifies a session.
    expect(from(moved, { ...env, cwd: "/elsewhere" })).toEqual(moved);
  });

  test("names the configuration file by its whole path", () => {
    const env = environment("Host web\n  Port 2222\n");
    const given = request("web", { configFile: ".ssh/config" });
    expect(from(given, { ...env, cwd: env.home }).configFile).toBe(`${env.home}/.ssh/config`);
    expect(from(request("web", { configFile: "NONE" }), env).configFile).toBe("none");
    expect(from(request("web"), env).configFile).toBeNull();
  });
});
