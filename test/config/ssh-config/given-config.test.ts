/** A configuration that was read beforehand, by the one process that could. */
import { afterAll, describe, expect, test } from "bun:test";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { isHostAlias, resolveHost } from "../../../src/config/ssh-config/resolve.ts";
import { cleanup } from "../../support/cleanup.ts";
import { tempDir } from "../../support/temp.ts";
import { environment, request } from "./requests.ts";
import { thrownBy } from "./thrown.ts";

afterAll(cleanup);

const pipe = "/dev/fd/63";
const given = (text: string | Uint8Array) => ({
  ...environment("Host web\n  Port 1\n"),
  given: new Map([[pipe, Buffer.from(text)]]),
});
const web = request("web", { configFile: pipe });

describe("a configuration that was given", () => {
  test.each([
    ["nothing", ""],
    ["no line feed at its end", "Host web\n  Port 2222"],
    ["carriage returns", "Host web\r\n  Port 2222\r\n  IdentityFile ~/id\r\n"],
    ["includes below ~/.ssh", "Include more\nHost web\n  Port 2222\n"],
    ["Match and negation", "Match host web\n  User ann\nHost * !web\n  Port 9\n"],
  ])("says what a file with the same text says: %s", (_what, text) => {
    const env = given(text);
    mkdirSync(join(env.home, ".ssh"), { recursive: true });
    writeFileSync(join(env.home, ".ssh/more"), "Host web\n  User bob\n", { mode: 0o600 });
    const path = join(tempDir("config"), "config");
    writeFileSync(path, text);
    const fromFile = { ...web, configFile: path };
    expect(resolveHost(web, env)).toEqual(resolveHost(fromFile, env));
    expect(isHostAlias("web", pipe, env)).toBe(isHostAlias("web", path, env));
  });

  test("that begins with a byte order mark is refused like such a file", () => {
    const text = "\ufeffHost web\n";
    const path = join(tempDir("config"), "config");
    writeFileSync(path, text);
    const fromFile = thrownBy(() => resolveHost({ ...web, configFile: path }, given("")));
    const error = thrownBy(() => resolveHost(web, given(text)));
    expect(error.message).toBe(fromFile.message.replace(path, pipe));
  });

  test("is told by its line, and is nothing to edit", () => {
    expect(thrownBy(() => resolveHost(web, given("Host web\n  Port nonsense\n")))).toMatchObject({
      code: "CONFIG_INVALID",
      message: expect.stringContaining(`${pipe}:2: `),
      hint: "man ssh_config",
    });
  });
});

describe("what means another file in every process", () => {
  test("is not read where it was not given", () => {
    const { given: _given, ...env } = given("");
    const error = thrownBy(() => resolveHost(web, env));
    expect(error).toMatchObject({
      code: "CONFIG_INVALID",
      message: expect.stringContaining(`${pipe} is another file`),
    });
  });

  test("is not included", () => {
    for (const pattern of [pipe, "/dev/stdin", "/proc/self/fd/*", "/proc/self/status"]) {
      const error = thrownBy(() => resolveHost(web, given(`\nInclude ${pattern}\n`)));
      expect(error).toMatchObject({ code: "CONFIG_INVALID", message: expect.stringContaining(`${pipe}:2: /`) });
    }
  });
});
