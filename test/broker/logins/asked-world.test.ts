// biome-ignore-all lint/suspicious/noTemplateCurlyInString: ssh_config writes its variables so
/** `Match exec` with real commands, and names with the real resolver. */
import { afterAll, describe, expect, test } from "bun:test";
import { existsSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { askedWorld } from "../../../src/broker/logins/asked-world.ts";
import { AskedFacts } from "../../../src/config/ssh-config/asked-facts.ts";
import { resolveHost } from "../../../src/config/ssh-config/resolve.ts";
import type { CallScope } from "../../../src/core/call-scope.ts";
import { localUser } from "../../../src/files/passwd.ts";
import { environment, request } from "../../config/ssh-config/requests.ts";
import { cleanup } from "../../support/cleanup.ts";
import { runCommand } from "../../support/command.ts";
import { tempDir } from "../../support/temp.ts";
import { waitFor } from "../../support/wait.ts";

afterAll(cleanup);

const worldAt = (cwd: string, values: Record<string, string> = {}, signal?: AbortSignal, limitMs?: number) => {
  const asked: (readonly string[] | "all")[] = [];
  const variables = async (names: readonly string[] | "all") => {
    asked.push(names);
    return { PATH: "/usr/bin:/bin", ...values };
  };
  const caller = { face: "cli", client: "test", cwd, agentSocket: null } as CallScope["caller"];
  return { asked, source: askedWorld({ caller, variables, ...(signal === undefined ? {} : { signal }) }, limitMs) };
};

const codeOf = (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => "nothing was thrown",
    (error: { code?: string; message: string }) => `${error.code}: ${error.message}`,
  );

describe("a command", () => {
  test("runs in the caller's folder, environment and shell, without input, and its output goes nowhere", async () => {
    const folder = tempDir("world");
    const { asked, source } = worldAt(folder, { WHO: "the caller" });
    const line = `sh -c 'printf "%s %s %s" "$PWD" "$WHO" "$(wc -c)" > here; ls -l /proc/self/fd/1 /proc/self/fd/2 >> here; env >> here'`;
    expect(await source.succeeds(line, "config:3")).toBe(true);
    const [first = "", ...rest] = readFileSync(join(folder, "here"), "utf8").split("\n");
    expect(first).toStartWith(`${folder} the caller 0`);
    expect(rest.join("\n")).not.toContain("SSH_MCP");
    expect(asked).toEqual(["all"]);

    symlinkSync("/bin/false", join(folder, "shell"));
    expect(await worldAt(folder, { SHELL: join(folder, "shell") }).source.succeeds("true", "config:3")).toBe(false);
  });

  test("holds by its exit status alone", async () => {
    const { source } = worldAt("/");
    expect(await source.succeeds("true", "config:3")).toBe(true);
    expect(await source.succeeds("false", "config:3")).toBe(false);
    expect(await source.succeeds("sh -c 'exit 3'", "config:3")).toBe(false);
    expect(await source.succeeds("no-such-command", "config:3")).toBe(false);
    expect(await codeOf(source.succeeds("kill -9 $$", "config:3"))).toBe(
      "CONFIG_INVALID: config:3: the command of Match exec ended by SIGKILL",
    );
    expect(await codeOf(worldAt("/no/such/folder").source.succeeds("true", "config:3"))).toContain(
      "cannot be run (ENOENT)",
    );
  });

  test("ends with the call, and with all that it started", async () => {
    const folder = tempDir("world");
    const gone = new AbortController();
    const { source } = worldAt(folder, {}, gone.signal);
    const running = codeOf(source.succeeds("sh -c 'sleep 1000 & echo $! > child; wait'", "config:3"));
    await waitFor(() => existsSync(join(folder, "child")) && readFileSync(join(folder, "child"), "utf8") !== "", {
      what: "the child",
    });
    gone.abort();
    expect(await running).toStartWith("CANCELED");
    const child = Number(readFileSync(join(folder, "child"), "utf8"));
    const isGone = (): boolean =>
      !existsSync(`/proc/${child}`) || /^State:\tZ/m.test(readFileSync(`/proc/${child}/status`, "utf8"));
    await waitFor(isGone, { what: "the child to be gone" });
    expect(await codeOf(source.succeeds("touch after", "config:3"))).toStartWith("CANCELED");
    expect(existsSync(join(folder, "after"))).toBe(false);
  });

  test("that takes too long is killed", async () => {
    expect(await codeOf(worldAt("/", {}, undefined, 50).source.succeeds("sleep 1000", "config:3"))).toStartWith(
      "TIMEOUT",
    );
  });
});

describe("a configuration with Match exec", () => {
  const resolved = async (text: string, host: string, values: Record<string, string> = {}) => {
    const env = environment(text);
    const { source } = worldAt(env.home, values);
    const outcome = await new AskedFacts(source).resolve((facts) => resolveHost(request(host), { ...env, ...facts }));
    const ran = existsSync(join(env.home, "ran")) ? readFileSync(join(env.home, "ran"), "utf8") : "";
    return { outcome, ran };
  };

  test("runs what ssh would, once, in its order", async () => {
    const text = [
      'Match host db exec "echo a %h %p %r >> ran"',
      " Port 5",
      " IdentityFile ${KEY}",
      "Match !exec \"sh -c 'echo b %p >> ran; false'\"",
      " User ann",
      'Match host other exec "echo never >> ran"',
      'Match final exec "echo c %r >> ran"',
      " Compression yes",
    ].join("\n");
    const { outcome, ran } = await resolved(text, "db", { KEY: "/k" });
    expect(outcome).toMatchObject({ port: 5, user: "ann", compression: true, identityFiles: ["/k"] });
    // In the second reading the first two are met again, with the values of the first.
    expect(ran).toBe("a db 22 me\nb 5\na db 5 ann\nc ann\n");

    const folder = tempDir("as-ssh");
    writeFileSync(join(folder, "config"), text);
    await runCommand(["ssh", "-G", "-F", "config", "db"], { cwd: folder, env: { KEY: "/k" } });
    const bySsh = readFileSync(join(folder, "ran"), "utf8").replaceAll(localUser(), "me").trimEnd().split("\n");
    expect(ran).toBe(`${[...new Set(bySsh)].join("\n")}\n`);
  });

  test("runs nothing for names that a shell would read", async () => {
    const env = environment('Match exec "echo %r >> ran"\n Port 5\nMatch exec "echo fine >> ran"\n');
    const { source } = worldAt(env.home);
    const facts = new AskedFacts(source);
    const plan = (host: string, user: string | null, options: string[] = []) =>
      codeOf(facts.resolve((known) => resolveHost(request(host, { user, options }), { ...env, ...known })));
    for (const host of ["$(touch ran)", "a`b`", "a\nb", "-oX", "a;b", "a'b", 'a"b', "a b", "a|b"]) {
      expect(await plan(host, null)).toStartWith("INVALID_INPUT: the host name ");
    }
    for (const user of ["$(touch ran)", "a\nb", "-l", "a;b", "a\\"]) {
      expect(await plan("h", user)).toStartWith("INVALID_INPUT: the user name ");
      expect(await plan("h", null, [`User="${user}"`])).not.toBe("nothing was thrown");
    }
    expect(existsSync(join(env.home, "ran"))).toBe(false);
  });

  test("does not run what a file that others may write to says", async () => {
    const env = environment(null);
    const file = join(env.home, "open");
    writeFileSync(file, 'Port 5\nMatch exec "touch ran"\n Port 6\n', { mode: 0o666 });
    await Bun.$`chmod 666 ${file}`;
    const { source } = worldAt(env.home);
    const named = () =>
      new AskedFacts(source).resolve((facts) => resolveHost(request("h", { configFile: file }), { ...env, ...facts }));
    expect(await codeOf(named())).toStartWith(`CONFIG_INVALID: ${file}:2: Match exec is run from files alone that`);
    writeFileSync(file, "Port 5\nHost h\nProxyCommand touch ran\n");
    expect(await codeOf(named())).toStartWith(`CONFIG_INVALID: ${file}:3: ProxyCommand is run from files alone that`);
    writeFileSync(file, "Port 5\nHost other\nProxyCommand touch ran\n");
    expect((await named()).port).toBe(5);
    await Bun.$`chmod 600 ${file}`;
    writeFileSync(file, 'Match exec "touch ran"\n Port 6\n');
    expect((await named()).port).toBe(6);
    expect(existsSync(join(env.home, "ran"))).toBe(true);
  });
});

test("a name is looked up as the machine knows it", async () => {
  const { source } = worldAt("/");
  expect(await source.lookUp("localhost", "any")).toEqual({ canonicalName: null });
  expect(await source.lookUp("name.invalid.", "any")).toBeNull();
});
